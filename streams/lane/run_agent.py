"""The one agent of a worker: takes runs from the lane, one after another of each partition, and acknowledges each
when done.

Owns the rule that any failure ends the process with the run unacknowledged. Faust's own supervisor would
restart the agent and go on behind the failed event. What is done with a run is the handler's business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from mode.supervisors import CrashingSupervisor

from streams.core.records import Decoded
from streams.lane.lane import Lane, LaneError
from streams.lane.runs import Run


def add_run_agent(
    app: faust.App, lane: Lane[Decoded], handle: Callable[[Run[Decoded]], Awaitable[None]]
) -> None:
    """Declares the agent. `handle` returns when every effect of the run is confirmed.

    Runs of one partition are handled in order, those of several at the same time. When it raises, and when the stream
    ends while the app runs, the app ends unacknowledged. A handler that works long should stop when `lane.current(run)`
    turns false: its partitions may belong to another worker.
    """
    channel = app.topic(
        *lane.settings.topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    async def work(run: Run[Decoded], before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
            if before.cancelled() or before.exception() is not None:
                return  # the app ends, and nothing goes out behind a run that failed
        if lane.begin(run):
            await handle(run)
            lane.ack(run)

    async def runs(stream: Any) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                last: dict[int, asyncio.Task[None]] = {}
                async for event in stream.events():
                    run: Run[Decoded] = event.message.run
                    last[run.partition] = group.create_task(work(run, last.get(run.partition)))
                if not app.should_stop:
                    raise LaneError(
                        "the stream of runs ended although the worker goes on; restart the worker"
                    )
        except* Exception as errors:  # noqa: BLE001  (whatever it is, the app ends with it)
            first = errors.exceptions[0]
            await app.crash(first)
            raise first from None

    app.agent(channel, name="runs", concurrency=1, supervisor_strategy=CrashingSupervisor)(runs)
