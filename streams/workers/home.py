"""Who is at home: whether an event came on the partition that Kafka's own partitioner gives its customer.

Owns the check that topics are co-partitioned, and why an event is not where it should be. It must not send:
the worker forwards misrouted records through the repartition topic. Two producers of one customer need not agree where
the customer belongs: librdkafka's default is CRC-32, Java's is murmur2, and a key may be another or missing.
"""

from collections.abc import Container, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from streams.cluster.partitioning import partition_of
from streams.core.records import REJECTED_AT, Decoded, Reject

_REMEMBERED: Final = 131_072
"""Customers whose partition is remembered: murmur2 in Python takes 3 microseconds for each."""

Reason = Literal["no_key", "foreign_key", "wrong_partition"]


class Misrouted(NamedTuple):
    """An event on another partition than its customer's `home`."""

    decoded: Decoded
    customer_id: str
    home: int
    reason: Reason


class Split(NamedTuple):
    """Records, each in order: all as they are to be judged, those to be judged here, and the misrouted ones."""

    checked: Sequence[Decoded]
    here: Sequence[Decoded]
    misrouted: Sequence[Misrouted]


class Homes:
    """The homes of customers, among `partitions` partitions. `rekeyed`: name of the repartition topic."""

    def __init__(self, partitions: int, rekeyed: str) -> None:
        self._rekeyed = rekeyed
        self._home_of = lru_cache(_REMEMBERED)(lambda customer: partition_of(customer.encode(), partitions))

    def split(self, partition: int, records: Sequence[Decoded], known: Container[str]) -> Split:
        """Divide the records that came on `partition`: judged here, or misrouted.

        `known`: customers with a state here; only customers at home have one. Rejects and events of nobody
        stay. An event that was forwarded and is still not at home becomes a reject: it must not go round.
        """
        misrouted: list[Misrouted] = []
        lost: dict[int, Decoded] = {}
        away: set[int] = set()
        for number, decoded in enumerate(records):
            event = decoded.event
            if event is None or decoded.anonymous:
                continue
            customer = event.customer_id
            if customer is None or customer in known:
                continue
            home = self._home_of(customer)
            if home == partition:
                continue
            if decoded.record.topic == self._rekeyed:
                lost[number] = _reject(decoded, home)
            else:
                away.add(number)
                misrouted.append(Misrouted(decoded, customer, home, _reason(decoded.record.key, customer)))
        checked = [lost.get(n, each) for n, each in enumerate(records)] if lost else records
        here = [each for n, each in enumerate(checked) if n not in away] if away else checked
        return Split(checked, here, misrouted)


def _reason(key: bytes | None, customer: str) -> Reason:
    if key is None:
        return "no_key"
    return "wrong_partition" if key == customer.encode() else "foreign_key"


def _reject(decoded: Decoded, home: int) -> Decoded:
    message = f"customer_id: it was re-keyed to partition {decoded.record.partition} and belongs to {home}"
    reject = Reject("invalid_customer_id", message)
    return Decoded(decoded.record, REJECTED_AT, None, reject, (), anonymous=False, origin=decoded.origin)
