"""The one agent of a worker: takes runs from the lane, one after another, and acknowledges each when done.

Owns the rule that any failure ends the process with the run unacknowledged. Faust's own supervisor would
restart the agent and go on behind the failed event. What is done with a run is the handler's business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from mode.supervisors import CrashingSupervisor

from streams.lane import Lane, LaneError
from streams.runs import Run


def add_run_agent(app: faust.App, lane: Lane, handle: Callable[[Run], Awaitable[None]]) -> None:
    """Declares the agent. `handle` returns when every effect of the run is confirmed.

    When it raises, and when the stream ends while the app runs, the app ends unacknowledged. A handler that
    works long should stop when `lane.current(run)` turns false: its partitions may belong to another worker.
    """
    channel = app.topic(
        *lane.settings.topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    async def runs(stream: Any) -> None:
        try:
            async for event in stream.events():
                run: Run = event.message.run
                if lane.begin(run):
                    await handle(run)
                    lane.ack(run)
            if not app.should_stop:
                raise LaneError("the stream of runs ended although the worker goes on; restart the worker")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await app.crash(error)
            raise

    app.agent(channel, name="runs", concurrency=1, supervisor_strategy=CrashingSupervisor)(runs)
