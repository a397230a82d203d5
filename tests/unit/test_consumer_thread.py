"""What the thread of the Kafka client makes of cancellations, without a broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from mode.threads import QueueServiceThread

from streams.lane.consumer_thread import LaneConsumerThread


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> LaneConsumerThread:
    async def at_once(_: Any, fun: Any, *args: Any) -> Any:
        return await fun(*args)

    monkeypatch.setattr(QueueServiceThread, "call_thread", at_once)
    monkeypatch.setattr(LaneConsumerThread, "should_stop", False)
    return object.__new__(LaneConsumerThread)


async def closed() -> None:
    """A question that the client cancels."""
    answer = asyncio.get_running_loop().create_future()
    answer.cancel()
    await answer


def test_a_question_that_the_client_cancels_is_an_outage(thread: LaneConsumerThread) -> None:
    with pytest.raises(KafkaConnectionError, match="before a broker answered"):
        asyncio.run(thread.call_thread(closed))


def test_a_caller_that_is_cancelled_is_cancelled(thread: LaneConsumerThread) -> None:
    async def scenario() -> None:
        task = asyncio.create_task(thread.call_thread(asyncio.sleep, 60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_at_a_stop_a_cancellation_is_one(thread: LaneConsumerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LaneConsumerThread, "should_stop", True)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(thread.call_thread(closed))
