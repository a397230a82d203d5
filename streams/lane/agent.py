"""The one agent of a worker: takes runs from the lane, in the order in which they are handed out.

Owns the rule that any failure ends the process with the micro-batch unacknowledged. What is done with a micro-batch, and when it is
acknowledged, is up to the worker: `in_turn` works on runs as they come, the sink gathers several first.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import faust
from mode.supervisors import CrashingSupervisor

from streams.core.merge import ItemT
from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane, LaneError
from streams.lane.micro_batch import MicroBatch

Work = Callable[[AsyncIterator[MicroBatch[ItemT]]], Awaitable[None]]
"""Works on all micro-batches of a worker. It asks `Lane.begin` of each whether it still counts, and ends each with `Lane.ack`."""


def add_agent(app: faust.App, lane: Lane[ItemT], work: Work[ItemT]) -> None:
    """Declare the agent. When `work` raises, and when the stream ends while the app runs, the app ends unacknowledged."""
    channel = app.topic(
        *lane.settings.topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    async def micro_batches(stream: Any) -> None:
        async with crash_on_error(app):
            await work(_taken(app, stream))

    # Faust's own supervisor would restart the agent and go on behind the failed event.
    app.agent(channel, name="runs", concurrency=1, supervisor_strategy=CrashingSupervisor)(micro_batches)


async def _taken(app: faust.App, stream: Any) -> AsyncIterator[MicroBatch[Any]]:
    async for event in stream.events():
        yield event.message.micro_batch
    if not app.should_stop:
        raise LaneError("the stream of micro-batches ended although the worker goes on; restart the worker")


def in_turn(lane: Lane[ItemT], handle: Callable[[MicroBatch[ItemT]], Awaitable[None]]) -> Work[ItemT]:
    """Work on micro-batches of one partition one after another, on those of several at the same time; acknowledge each when done.

    `handle` returns when every effect of the micro-batch is confirmed. One that works long should stop when `lane.current(micro_batch)` turns
    false: its partitions may belong to another worker.
    """

    async def one(micro_batch: MicroBatch[ItemT], before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
            if before.cancelled() or before.exception() is not None:
                return  # the app ends, and nothing goes out behind a micro-batch that failed
        if lane.begin(micro_batch):
            await handle(micro_batch)
            lane.ack(micro_batch)

    async def work(micro_batches: AsyncIterator[MicroBatch[ItemT]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                last: dict[int, asyncio.Task[None]] = {}
                async for micro_batch in micro_batches:
                    last[micro_batch.partition] = group.create_task(
                        one(micro_batch, last.get(micro_batch.partition))
                    )
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    return work
