"""A rolling restart: a second worker joins 131,000 customers, each is replaced in turn, and the second leaves again."""

from __future__ import annotations

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

CUSTOMERS = 131_000
_HOUR_MS = 3_600_000


async def prepare(settings: Settings) -> None:
    """States of customers, all alike: each has waited for an hour for a callback."""
    policy, at, known = load_policy(settings.policy), now_ms() - _HOUR_MS, dict[str, bytes]()
    sent = request("x", "x", PARTITIONS, at)
    clock = Clock()
    record = Record(topics.SURVEYS, 0, 0, at, sent.key, sent.value)
    result = process_batch([decode(record)], known, policy, clock)
    template = result.states["x"]
    assert template is not None
    parts: dict[int, tuple[dict[str, bytes], int]] = {n: ({}, clock.now) for n in range(PARTITIONS)}
    for customer in (f"held-{number}" for number in range(CUSTOMERS)):
        parts[partition_of(customer.encode(), PARTITIONS)][0][customer] = template
    await write_states(settings, parts)


async def strike(stage: Stage) -> None:
    """Four rebalances with everything running, and time in between."""
    signals = stage.signals
    await signals.keep("second")
    await stage.until_ready(2)
    for slot in ("signals-0", "second"):
        await signals.leave(slot)
        await signals.keep(slot)
        await stage.until_ready(2)
    await signals.leave("second")
    await stage.until_ready(1)
    stage.notes.append(
        f"{CUSTOMERS:,} customers; a worker joins, both are replaced, one leaves; exit codes {dict(signals.ends)}"
    )


SCENARIO = Scenario(
    name="rolling", says="a rolling restart of two workers", rate=40, strike=strike, prepare=prepare
)
