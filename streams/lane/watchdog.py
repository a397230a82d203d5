"""The watchdog: a partition that gets records while its commits stand still ends the process.

Owns what a stall is. A consumer can fall silent without an error, for example after it lost a broker, and a rebalance
can be left half done. A restart cures both, and `/healthz` must not say it, since the loop turns. It must not know why
a partition stands still.
"""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from aiokafka.errors import KafkaError

from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane
from streams.lane.micro_batch import TP
from streams.telemetry.trouble import Trouble

log = structlog.get_logger(__name__)

_LOOKS = 10
"""Looks within the time of a stall."""
_ANSWER_SECONDS = 10.0


class StalledError(Exception):
    """A partition stands still; the process must end, unacknowledged, and be started again."""


@dataclass(slots=True)
class _Watched:
    committed: int | None
    end: int
    waiting_since: float | None


class Watchdog:
    """Finds the partitions whose commit has not moved for `seconds` although there was something to commit."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._watched: dict[TP, _Watched] = {}

    def look(
        self, now: float, ends: Mapping[TP, int], committed: Mapping[TP, int | None], behind: Set[TP]
    ) -> list[TP]:
        """Return the stalled partitions. `now`: seconds of a steady clock. `ends` are the broker's own.

        `behind` holds those that have records which are not worked through, by what was fetched of them: the end of
        an idle partition may lie above its commit for good, behind the markers of a transaction.
        """
        before, self._watched = self._watched, {}
        stalled = []
        for tp, end in ends.items():
            at, seen = committed.get(tp), before.get(tp)
            if seen is None or seen.committed != at:
                seen = _Watched(at, end, None)
            if seen.waiting_since is None and (end > seen.end or tp in behind):
                seen.waiting_since = now
            self._watched[tp] = seen
            if seen.waiting_since is not None and now - seen.waiting_since >= self.seconds:
                stalled.append(tp)
        return stalled

    def forget(self) -> None:
        """Begin anew: after a rebalance."""
        self._watched.clear()


def add_watchdog(app: faust.App, lane: Lane[Any], seconds: float) -> None:
    """Let `app` crash with `StalledError` when one of its partitions stalls for `seconds`. Call it in a running loop."""
    # An `app.task` would begin only when the first assignment is complete.
    app.add_future(_watch(app, lane, seconds))


async def _watch(app: faust.App, lane: Lane[Any], seconds: float) -> None:
    dog, loop, epoch = Watchdog(seconds), asyncio.get_running_loop(), -1
    begun_at = loop.time()
    trouble = Trouble(
        log, "the ends of the partitions are not known", "the ends of the partitions are known again"
    )
    async with crash_on_error(app):
        while not app.should_stop:
            await asyncio.sleep(seconds / _LOOKS)
            consumer = app.consumer
            if not consumer.forgotten:
                begun_at = loop.time()
            elif loop.time() - begun_at >= seconds:
                raise StalledError(
                    f"the group has given us partitions, but for {seconds:g} s nothing began with them "
                    "(BEHOUDLIJN_STALL_TIMEOUT_S); start the worker again, and look at the brokers if it comes back"
                )
            if lane.epoch != epoch or not (consumer.flow_active and consumer.prepared):
                dog.forget()
                epoch = lane.epoch
                continue
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    ends = await consumer.ends()
            except (KafkaError, TimeoutError) as error:
                trouble.tell(type(error).__name__)
                continue
            trouble.over()
            if lane.epoch != epoch:
                continue
            behind = {tp for tp, lag in lane.lag().items() if lag.records}
            stalled = dog.look(loop.time(), ends, consumer.committed_offsets(), behind)
            if stalled:
                topic, partition = stalled[0]
                others = f" and {len(stalled) - 1} more" if len(stalled) > 1 else ""
                raise StalledError(
                    f"partition {partition} of {topic}{others} has records, but nothing of it was committed "
                    f"for {seconds:g} s (BEHOUDLIJN_STALL_TIMEOUT_S); start the worker again, and look at "
                    "the brokers, the store and this machine's load if it comes back"
                )
