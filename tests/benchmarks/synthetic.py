"""Customers with a given number of facts, and events that keep it: for the rows that differ in nothing else.

Every customer has the same calm history. A measured event is a correction of one known fact (its id again, a later
time), so that each event is folded, decided and written, and the number of facts stays. All of it happens within a
few hours, before any timer is due: with these, more customers would mean more work an event, which they do not in life.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

import orjson

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.policy import Policy
from streams.core.records import Record
from streams.core.state import decode as decode_state
from tests.benchmarks.size import PARTITIONS
from tests.benchmarks.workload import Event

_START_MS = int(datetime(2026, 1, 10, tzinfo=UTC).timestamp() * 1000)
_STEP_MS = 60_000
_TURN_MS = 600_000


def states(policy: Policy, customers: int, facts: int) -> dict[int, tuple[dict[str, bytes], int]]:
    """Their states by partition, with partition time (ms)."""
    clock, known = Clock(), dict[str, bytes]()
    for number in range(facts):
        at = _START_MS + number * _STEP_MS
        record = Record(topics.CALLS, 0, number, -1, b"x", _call("x", number, at))
        result = process_batch([decode(record)], known, policy, clock)
        if result.outputs:
            raise RuntimeError("the history is not calm: it gave an output")
        known.update(
            (customer, bytes(state)) for customer, state in result.states.items() if state is not None
        )
    template = known["x"]
    if len(decode_state(template).facts) != facts:
        raise RuntimeError(
            f"the policy keeps {len(decode_state(template).facts)} of {facts} facts: raise max_facts"
        )
    found: dict[int, tuple[dict[str, bytes], int]] = {n: ({}, clock.now) for n in range(PARTITIONS)}
    for name in map(_name, range(customers)):
        found[partition_of(name.encode(), PARTITIONS)][0][name] = template
    return found


def events(customers: int, facts: int, count: int, turn: int) -> Iterator[Event]:
    """Corrections of random facts of random customers, later with every `turn`."""
    random = Random(f"{customers}/{facts}/{turn}")
    start = _START_MS + 250 * _STEP_MS + turn * _TURN_MS
    for index in range(count):
        name = _name(random.randrange(customers))
        key = name.encode()
        at = start + index * _TURN_MS // count
        yield topics.CALLS, key, key, _call(name, random.randrange(facts), at)


def _name(index: int) -> str:
    return f"c{index:06d}"


def _call(customer: str, number: int, at: int) -> bytes:
    instant = datetime.fromtimestamp(at / 1000, UTC)
    return orjson.dumps(
        {
            "type": "call",
            "schema_version": 1,
            "event_id": f"synthetic-{number:04d}",
            "customer_id": customer,
            "occurred_at": f"{instant:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z",
            "direction": "inbound",
            "channel": "phone",
            "queue": "service",
            "reason": f"question_{number}",
            "department": "service",
            "wait_seconds": 5,
            "talk_seconds": 170,
            "transfers": 0,
            "resolved": True,
            "cancel_intent": False,
            "tried_online_first": False,
        }
    )
