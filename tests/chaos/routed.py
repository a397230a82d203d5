"""Logs as the oracle takes them: every event on the partition of its customer, and offsets that never begin anew.

Owns the new numbers. It must not change a value, nor when a record arrived.
"""

from __future__ import annotations

from collections import Counter

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.records import Record
from tests.chaos.history import Logs


def routed(logs: Logs, partitions: int) -> tuple[Logs, dict[Record, int]]:
    """The logs as they would be, had every event gone to the partition of its customer; offsets count anew, arrivals stay what they were."""
    right: dict[str, list[Record]] = {name: [] for name in logs}
    arrivals: dict[Record, int] = {}
    for name in topics.INPUTS:
        ends: Counter[int] = Counter()
        for record in logs[name]:
            decoded = decode(record)
            event, number = decoded.event, record.partition
            if event is not None and event.customer_id is not None and not event.anonymous:
                number = partition_of(event.customer_id.encode(), partitions)
            home = record._replace(partition=number, offset=ends[number])
            right[name].append(home)
            arrivals[home] = decoded.arrival
            ends[number] += 1
    return right, arrivals
