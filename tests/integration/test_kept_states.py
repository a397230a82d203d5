"""Rebalances on a real broker: states of partitions that stay are not read again, those of others are, and nothing is lost."""

from __future__ import annotations

import asyncio
import json

import pytest

from schemas import topics
from streams.settings import SIGNALS_GROUP
from tests.integration.conftest import Broker
from tests.integration.test_signals_worker import assert_like_the_oracle
from tests.integration.worker_events import history
from tests.integration.worker_program import (
    INPUTS,
    RECOVERED,
    Process,
    prepared,
    produce,
    until_committed,
    until_true,
    worker,
)


def recoveries(process: Process) -> list[dict[str, int]]:
    """What a worker has said of its recoveries."""
    said = [json.loads(line) for line in process.log().splitlines() if RECOVERED in line]
    return [{name: each[name] for name in ("partitions", "kept", "customers")} for each in said]


async def until_recovered(process: Process, partitions: int, kept: int) -> None:
    """Waits until a worker has so many partitions, and has kept so many of them."""
    sought = (partitions, kept)
    await until_true(
        process, lambda: sought in [(each["partitions"], each["kept"]) for each in recoveries(process)], 90
    )


@pytest.mark.slow
def test_a_worker_that_joins_and_leaves_takes_nothing_from_what_stays(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, partitions=4)
    events = history(90)
    third = len(events) // 3
    with worker(settings, "signals", "--no-idle-timers") as first:
        asyncio.run(produce(settings, events[:third]))
        asyncio.run(until_committed(first, settings, SIGNALS_GROUP, INPUTS, third))
        with worker(settings, "signals", "--no-idle-timers") as second:
            asyncio.run(until_recovered(second, 2, 0))
            asyncio.run(until_recovered(first, 2, 2))
            asyncio.run(produce(settings, events[third : 2 * third]))
            asyncio.run(until_committed(first, settings, SIGNALS_GROUP, INPUTS, 2 * third))
            assert second.stop() == 0, second.log()
        asyncio.run(until_recovered(first, 4, 2))
        asyncio.run(produce(settings, events[2 * third :]))
        asyncio.run(until_committed(first, settings, SIGNALS_GROUP, INPUTS, len(events)))
        assert first.stop() == 0, first.log()
    found = assert_like_the_oracle(settings)
    assert found[topics.SHADOW_TRIGGERS]
