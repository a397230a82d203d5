"""A herd of timers: the episodes of tens of thousands of customers end within the same second."""

from __future__ import annotations

import asyncio
import time

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.records import Record
from streams.operations.migration import write_states
from streams.policies import load_policy
from streams.settings import Settings
from tests.soak.events import now_ms, request
from tests.soak.scenario import Scenario
from tests.soak.stage import PARTITIONS, Stage

HERD = 30_000
_AHEAD_MS = 60_000
"""From the first state that is made to the moment at which all fall due: they are written, read and waited for meanwhile."""
_HOUR_MS = 3_600_000
_END_SECONDS = 120.0

_due_at: list[int] = []


async def prepare(settings: Settings) -> None:
    """States of customers whose trigger is open, until a moment to come."""
    policy = load_policy(settings.policy)
    valid = int(policy.purposes["requested_callback"].valid_hours * _HOUR_MS)
    due = now_ms() + _AHEAD_MS
    _due_at[:] = [due]
    parts: dict[int, tuple[dict[str, bytes], int]] = {}
    clocks = {number: Clock() for number in range(PARTITIONS)}
    for number in range(HERD):
        customer = f"herd-{number}"
        at = due - valid + number % 1000
        sent = request(customer, customer, PARTITIONS, at)
        place = partition_of(customer.encode(), PARTITIONS)
        known, _ = parts.setdefault(place, ({}, 0))
        record = Record(topics.SURVEYS, place, number, at, sent.key, sent.value)
        result = process_batch([decode(record)], known, policy, clocks[place])
        known.update((key, data) for key, data in result.states.items() if data is not None)
    await write_states(settings, {n: (known, clocks[n].now) for n, (known, _) in parts.items()})


async def until(stage: Stage) -> None:
    """The moment comes in a second."""
    left = _due_at[0] / 1000 - time.time() - 1
    if left < 0:
        stage.notes.append(f"the herd fell due {-left:.0f} s before the others were measured")
    await asyncio.sleep(max(0.0, left))


async def strike(stage: Stage) -> None:
    """Every one of the herd is told once."""
    began = time.monotonic()
    others = stage.others
    while len(others.expired) < HERD and time.monotonic() - began < _END_SECONDS:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    stage.lost += HERD - len(others.expired)
    stage.doubled += sum(count > 1 for count in others.expired.values())
    stage.notes.append(
        f"{HERD:,} timers within a second, all told after {time.monotonic() - began - 1:.1f} s"
    )


SCENARIO = Scenario(
    name="herd",
    says="30,000 timers fall due within a second",
    rate=50,
    until=until,
    strike=strike,
    prepare=prepare,
)
