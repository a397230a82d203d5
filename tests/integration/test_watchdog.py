"""The watchdog on a real broker: a worker whose commits stand still ends, and one that goes on does not."""

from __future__ import annotations

import asyncio

import pytest

from streams.lane.consumer import LaneConsumer
from streams.lane.consumer_thread import LaneConsumerThread
from streams.lane.lane import LaneError
from streams.lane.micro_batch import TP, MicroBatch
from streams.lane.watchdog import StalledError, add_watchdog
from tests.integration.conftest import Broker
from tests.integration.lane_app import build, running
from tests.integration.test_lane import create, produce, until


def test_a_partition_that_stands_still_ends_the_worker_by_name(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, done = f"{unique}.calls", 0
        create(broker, 2, topic)

        async def handle(micro_batch: MicroBatch) -> None:
            nonlocal done
            if micro_batch.partition == 1 and done:
                await asyncio.sleep(3600)  # as a consumer does that waits for a broker without a word
            done += 1

        app, lane = build(broker.bootstrap, unique, (topic,), handle, drain_seconds=0.5)
        add_watchdog(app, lane, 3.0)
        async with running(app):
            await produce(broker, topic, [1, 2], partition=1)
            await until(lambda: app.consumer._committed_offset[TP(topic, 1)] == 2)
            await produce(broker, topic, [3], partition=1)
            await until(lambda: app.crashed)
        assert isinstance(app.crash_reason, StalledError)
        assert f"partition 1 of {topic} has records" in str(app.crash_reason)

    asyncio.run(scenario())


def test_a_worker_that_is_idle_or_busy_goes_on(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, done = f"{unique}.calls", 0
        create(broker, 1, topic)

        async def handle(micro_batch: MicroBatch) -> None:
            nonlocal done
            done += len(micro_batch.records)

        app, lane = build(broker.bootstrap, unique, (topic,), handle)
        add_watchdog(app, lane, 2.0)
        async with running(app):
            for at in range(8):
                await produce(broker, topic, [at])
                await asyncio.sleep(0.5)
            await until(lambda: done == 8)
            await asyncio.sleep(4)
            assert not app.crashed

    asyncio.run(scenario())


def test_positions_that_stay_unknown_end_the_worker(
    broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust takes a seek that outlasts its time-out for its own stop, and would then wait for ever."""
    monkeypatch.setattr(LaneConsumerThread, "committed", _never)

    async def scenario() -> None:
        topic = f"{unique}.calls"
        create(broker, 1, topic)
        app, _ = build(broker.bootstrap, unique, (topic,), _nothing)
        app.conf.broker_request_timeout = 3.0
        async with running(app):
            await until(lambda: app.crashed)
        assert isinstance(app.crash_reason, LaneError)
        assert "were not known within 2.7 s" in str(app.crash_reason)

    asyncio.run(scenario())


def test_partitions_with_which_nothing_begins_end_the_worker(
    broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        topic = f"{unique}.calls"
        create(broker, 1, topic)
        app, lane = build(broker.bootstrap, unique, (topic,), _nothing)
        add_watchdog(app, lane, 3.0)
        monkeypatch.setattr(LaneConsumer, "perform_seek", _never)
        async with running(app):
            await until(lambda: app.crashed)
        assert isinstance(app.crash_reason, StalledError)
        assert "nothing began with them" in str(app.crash_reason)

    asyncio.run(scenario())


async def _never(*_: object) -> None:
    await asyncio.sleep(3600)


async def _nothing(_: MicroBatch) -> None:
    pass
