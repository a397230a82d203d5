"""The job as every peer does it: one event, one customer's state, the same `process_batch`.

Owns what the peers share, so that they differ in their framework alone. Warm states come from memory when the
framework's own store has none yet (ours recovers them from its changelog), and topics are merged by event time only
where the framework does it. All evaluate the timers of every customer, as ours does; a framework whose table a function
may write (`PartitionJob`) also makes them durable, one with a state per key (`KeyJob`) does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from schemas import topics
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.policy import Policy
from streams.core.records import Record
from streams.policies import load_policy
from tests.benchmarks.workload import WarmPartition, Workload

Out = tuple[str, bytes, bytes]
"""Topic, key, value of something to publish."""


class KeyJob:
    """For frameworks that show a function the state of one key: the framework keeps the states of customers with events.

    Timers of silent customers are evaluated too, but what they change is only kept in this process until the customer's
    next event: no function of these frameworks may write the state of another key.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._policy: Policy = load_policy(given["policy"])
        self._topics = _topics(given)
        warm = _warm(given)
        self._clocks = [Clock.restore(part.clock, part.states) for part in warm]
        self._states = [part.states for part in warm]
        self._ahead: set[str] = set()
        """Whose state a timer has changed since the framework was given it."""

    def handle(self, record: Record, known: bytes | None) -> tuple[bytes | None, list[Out]]:
        """The customer's new state (None: unchanged, or gone), and what is to be published."""
        states = self._states[record.partition]
        own = record.key.decode() if record.key is not None else ""
        if known is not None and own not in self._ahead:
            states[own] = known
        result = process_batch((decode(record),), states, self._policy, self._clocks[record.partition])
        for customer, state in result.states.items():
            if state is None:
                states.pop(customer, None)
            else:
                states[customer] = state
        self._ahead.update(result.states)
        self._ahead.discard(own)
        return result.states.get(own), [
            (self._topics[each.kind], each.customer_id.encode(), each.value) for each in result.outputs
        ]


class PartitionJob:
    """For a framework whose table a function may look into: one clock a partition, timers of everyone, as ours."""

    def __init__(self, given: dict[str, Any], table: MutableMapping[str, bytes]) -> None:
        self._policy: Policy = load_policy(given["policy"])
        self._topics = _topics(given)
        self._table = table
        warm = _warm(given)
        self._clocks = [Clock.restore(part.clock, part.states) for part in warm]
        self._states = [_Known(part.states, table) for part in warm]

    def handle(self, record: Record) -> list[Out]:
        """Writes every changed state to the table; returns what is to be published."""
        number = record.partition
        known = self._states[number]
        result = process_batch((decode(record),), known, self._policy, self._clocks[number])
        for customer, state in result.states.items():
            if state is None:
                known.warm.pop(customer, None)
                self._table.pop(customer, None)
            else:
                self._table[customer] = state
        return [(self._topics[each.kind], each.customer_id.encode(), each.value) for each in result.outputs]


class _Known(Mapping[str, bytes]):
    """The states of a partition: the table's, else the warm ones."""

    def __init__(self, warm: dict[str, bytes], table: Mapping[str, bytes]) -> None:
        self.warm = warm
        self._table = table

    def __getitem__(self, customer: str) -> bytes:
        state = self._table.get(customer)
        return self.warm[customer] if state is None else state

    def __contains__(self, customer: object) -> bool:
        return customer in self._table or customer in self.warm

    def __iter__(self) -> Iterator[str]:
        return iter(self.warm)

    def __len__(self) -> int:
        return len(self.warm)


def _warm(given: dict[str, Any]) -> list[WarmPartition]:
    return Workload(Path(given["directory"]), {}).warm()


def _topics(given: dict[str, Any]) -> dict[str, str]:
    prefix = given["out_prefix"]
    return {"trigger": prefix + topics.SHADOW_TRIGGERS, "signals": prefix + topics.SIGNALS}


def input_topics(given: dict[str, Any]) -> list[str]:
    """Full names of the input topics."""
    return [given["prefix"] + name for name in topics.INPUTS]


def output_topics(given: dict[str, Any]) -> Iterable[str]:
    """Full names of the topics that a peer publishes to."""
    return [given["out_prefix"] + name for name in (topics.SHADOW_TRIGGERS, topics.SIGNALS)]
