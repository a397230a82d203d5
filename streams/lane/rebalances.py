"""What the consumer does in a rebalance: finish, commit, forget; then begin at what was committed.

Owns the order of these steps, within the order that Faust gives: revoked, assigned, seek. It must not fetch.
"""

import asyncio
import time
from typing import Any

import structlog

from streams.lane.commits import CommittingConsumer
from streams.lane.common_topics import absent, distribution_of, left_out
from streams.lane.consumer_thread import LaneConsumerThread
from streams.lane.fetching import Fetching
from streams.lane.lane import LaneError
from streams.lane.log_moves import LogMoves
from streams.lane.micro_batch import TP
from streams.lane.preparation import Preparation

log = structlog.get_logger(__name__)

_SEEK_SHARE = 0.9
"""Our time-out for a seek, as a share of Faust's: ours must pass first, because it ends the app and Faust's does not."""


class RebalancingConsumer(CommittingConsumer):
    """Faust's consumer, whose rebalances keep the lane in step with the partitions that are ours."""

    _thread: LaneConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lane.wake = self._on_change
        self._left_out: frozenset[str] = frozenset()
        self._quiet = asyncio.Event()  # no micro-batch is being worked on
        self._work = asyncio.Event()  # a micro-batch may be ready
        self._paused_at: float | None = None  # a rebalance is under way since then
        self._preparation = Preparation(self.lane, self.transport.on_assigned)
        moves = LogMoves(
            self.lane, self._thread, self.transport.topic_ids, self.transport.on_moved, self.transport.on_told
        )
        self._confirmed = moves.confirmed
        self._thread.topic_ids = lambda: moves.ids
        self._fetching = Fetching(
            self,
            self.lane,
            self._thread,
            moves,
            generation=lambda: int(self.app.consumer_generation_id),
            on_records=self._work.set,
        )

    def _pauses(self) -> None:
        if self._paused_at is None:
            self._paused_at = time.monotonic()

    def _goes_on(self) -> None:
        """Tell for how long nothing was worked on, once partitions are ready."""
        if self._paused_at is not None and self._preparation.done:
            self.transport.on_resumed(time.monotonic() - self._paused_at)
            self._paused_at = None

    def _new_consumer_thread(self) -> LaneConsumerThread:
        return LaneConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _on_change(self) -> None:
        self._work.set()
        if not self.lane.busy:
            self._quiet.set()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let micro-batches under work finish, commit them, then forget everything.

        Faust drops pending acknowledgements before it commits; the lane keeps ours until after.
        """
        self._preparation.revoke()
        self._pauses()
        await super().on_partitions_revoked(revoked)
        self.lane.forget()
        if revoked:
            self.transport.on_revoked()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take the new generation for a heartbeat, which Faust does not: it is as good as one."""
        self._thread.heartbeat_at = time.monotonic()
        self._left_out = self._not_read_by_all()
        self._preparation.given(any(tp.topic not in self._left_out for tp in assigned))
        if assigned:
            self._pauses()
        else:
            self._paused_at = None
        await super().on_partitions_assigned(assigned, generation_id)

    def _not_read_by_all(self) -> frozenset[str]:
        if not self.lane.settings.merged:
            return frozenset()  # whoever has a partition of it may read it
        distribution = distribution_of(self.app.assignor)
        found = left_out(distribution, self.lane.topics)
        away = absent(distribution, found)
        if away:
            log.error(
                "topics wait, since the brokers do not know them: they are read as soon as they are there",
                action="was a topic deleted? `behoudlijn topics ensure` makes it again",
                topics=sorted(away),
            )
        if found - away:
            log.warning(
                "topics wait, since another worker of the group does not read them: upgrade that one too",
                topics=sorted(found - away),
            )
        return found

    async def perform_seek(self) -> None:
        """Go to the committed offset of every partition and start the lane over.

        Faust leaves the position alone where nothing is committed: what was fetched before would be lost. And it takes
        a seek that outlasts its time-out for its own stop, and never comes back to it: so ours fails before, which
        ends the app.
        """
        seconds = self.app.conf.broker_request_timeout * _SEEK_SHARE
        try:
            async with asyncio.timeout(seconds):
                committed = await self._fetching.seek(self._left_out)
        except TimeoutError:
            raise LaneError(
                f"the committed offsets and first offsets of our partitions were not known within {seconds:g} s: "
                "check that the brokers answer, then start the worker again"
            ) from None
        for tp, each in committed.items():
            self._read_offset[tp] = each.offset
            self._committed_offset[tp] = each.offset

    def _should_commit(self, tp: Any, offset: int) -> bool:
        """Before an assignment is prepared nothing is acknowledged but that a log begins elsewhere: prepared first, so that what is
        written there knows of it before the group does.
        """
        if tp.topic in self.lane.topics and not self._preparation.done:
            return False
        return super()._should_commit(tp, offset)

    async def wait_empty(self) -> None:
        """Wait for the micro-batches under work, not longer than `drain_seconds`, and commit what is done.

        Faust waits without end, so that one slow micro-batch blocks the rebalance of the whole group.
        """
        if self.crashed:
            return
        deadline = time.monotonic() + self.lane.settings.drain_seconds
        while self.lane.busy and not self.should_stop and (left := deadline - time.monotonic()) > 0:
            self._quiet.clear()
            await self.wait_first(self._quiet.wait(), timeout=left)
        if self.lane.busy:
            self.log.warning("A micro-batch was not finished in time: its records will be read again")
        await super().wait_empty()
        if self._uncommitted():
            await self.commit()  # the commit before only waited for one that had begun earlier
