"""The consumer: Faust's, changed so that our input topics arrive as merged runs instead of records.

Owns fetching, pausing, handing over and committing. Faust keeps membership, assignment, flow control and the
life of the worker; `lane` decides what is handed out and what may be committed. Written against
faust-streaming 0.15.3: each override says which behaviour of Faust it replaces, and why.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import tuples

from streams.lane.consumer_thread import Fetched, LaneConsumerThread
from streams.lane.lane import Lane, LaneError
from streams.lane.log_moves import LogMoves
from streams.lane.run_message import RunMessage
from streams.lane.runs import TP

_POLL_SECONDS = 0.5
"""How long a fetch may wait while nothing else is due."""
_BLOCKED_SECONDS = 0.02
"""The same while records wait for a fetch response: an empty response wakes nobody, so look again soon."""
_MOST_AT_ONCE = 250
"""After more records than this, decoded in about a millisecond, others have their turn in the event loop."""
_LOOK_AT_LOGS_SECONDS = 5.0
"""How often it is asked whether a topic is still the one that is read."""
_OF_FAUSTS_PATIENCE = 0.9
"""The part of Faust's time-out for a seek that we use."""
_SEEK_SECONDS = 30.0
"""How long the positions of a new assignment may be unknown while the flow is on."""


class LaneConsumer(driver.Consumer):  # type: ignore[misc]
    """Fetches the lane's topics as runs; any other topic that Faust reads goes Faust's own way."""

    transport: Any
    _thread: LaneConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lane: Lane[Any] = self.transport.lane
        self.lane.wake = self._on_change
        self._work = asyncio.Event()  # a run may be ready
        self._room = asyncio.Event()  # a paused partition may go on
        self._left_out: frozenset[TP] = frozenset()  # full partitions, not asked for in the present fetch
        self._told: dict[TP, tuple[int, int]] = {}  # what the lane knows of positions and ends
        self._moves = LogMoves(self.lane, self._thread, self.transport.topic_ids, self.transport.on_moved)
        self._thread.topic_ids = lambda: self._moves.ids
        self._quiet = asyncio.Event()  # no run is being worked on
        self._positions = asyncio.Lock()  # a fetch and a seek must not overlap
        self._given = False  # whether the group has given us partitions, in this generation
        self._prepared = -1  # the epoch for which on_assigned ran
        self._preparing: asyncio.Task[None] | None = None

    def _new_consumer_thread(self) -> LaneConsumerThread:
        return LaneConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _on_change(self) -> None:
        self._work.set()
        if not self.lane.busy:
            self._quiet.set()

    # -- rebalances -----------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Lets runs under work finish, commits them, then forgets everything.

        Faust drops pending acknowledgements before it commits; the lane keeps ours until after.
        """
        self._given = False
        if self._preparing is not None:
            self._preparing.cancel()
        await super().on_partitions_revoked(revoked)
        self.lane.forget()
        if revoked:
            self.transport.on_revoked()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """A new generation is as good as a heartbeat."""
        self._thread.heartbeat_at = time.monotonic()
        self._given = bool(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Goes to the committed offset of every partition and starts the lane over.

        Faust leaves the position alone where nothing is committed: what was fetched before would be lost. And it takes
        a seek that outlasts its time-out for its own stop, and never comes back to it: so ours fails before, which
        ends the app.
        """
        seconds = self.app.conf.broker_request_timeout * _OF_FAUSTS_PATIENCE
        try:
            async with asyncio.timeout(seconds):
                await self._seek()
        except TimeoutError:
            raise LaneError(
                f"the committed offsets and first offsets of our partitions were not known within {seconds:g} s: "
                "check that the brokers answer, then start the worker again"
            ) from None

    async def _seek(self) -> None:
        async with self._positions:
            self.lane.forget()
            committed = await self._thread.committed()
            for tp, each in committed.items():
                self._read_offset[tp] = each.offset
                self._committed_offset[tp] = each.offset
            start = await self._moves.begin(committed)
            self._told.clear()
            ours = {tp: each.offset for tp, each in committed.items() if tp.topic in self.lane.topics}
            self.lane.assign(ours, {tp: start[tp] for tp in ours})

    async def wait_empty(self) -> None:
        """Waits for the runs under work, not longer than `drain_seconds`, and commits what is done.

        Faust waits without end, so that one slow run blocks the rebalance of the whole group.
        """
        if self.crashed:
            return
        deadline = time.monotonic() + self.lane.settings.drain_seconds
        while self.lane.busy and not self.should_stop and (left := deadline - time.monotonic()) > 0:
            self._quiet.clear()
            await self.wait_first(self._quiet.wait(), timeout=left)
        if self.lane.busy:
            self.log.warning("A run was not finished in time: its records will be read again")
        await super().wait_empty()
        if self._uncommitted():
            await self.commit()  # the commit before only waited for one that had begun earlier

    # -- commits --------------------------------------------------------------------------------------------

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commits what was acknowledged; nothing after a crash.

        A crash ends the client's thread at once: a commit sent to it would wait for its answer without end,
        and so would the process.
        """
        if self.crashed:
            return False
        committed: bool = await super().commit(topics, start_new_transaction)
        if committed:
            self.transport.on_committed()
        return committed

    def _should_commit(self, tp: Any, offset: int) -> bool:
        # Faust never commits downwards, and not to 0: a log that was made anew would be read from the old position on.
        if tp.topic in self.lane.topics:
            return offset != (self._committed_offset[tp] or 0)
        return bool(super()._should_commit(tp, offset))

    def _uncommitted(self) -> list[TP]:
        return [tp for tp, offset in self.lane.acked.items() if self._should_commit(tp, offset)]

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self.lane.acked):
            if topics is None or tp in topics or tp.topic in topics:
                yield tuples.TP(*tp)

    def _new_offset(self, tp: Any) -> int | None:
        # Faust looks for consecutive offsets, which our runs skip: it commits one run a tick, or none at all.
        if tp.topic in self.lane.topics:
            return self.lane.acked.get(tp)
        offset: int | None = super()._new_offset(tp)
        return offset

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        if tp.topic not in self.lane.topics:
            await super()._add_gap(tp, offset_from, offset_to)

    async def verify_all_partitions_active(self) -> None:
        """Does nothing: Faust's detector counts messages, of which one run is only one, and it only logs."""

    # -- fetching and handing over --------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher task: returns at a stop, raises on any failure, which ends the app."""
        tasks = {
            asyncio.create_task(self._fetch_forever(fetcher), name="lane-fetch"),
            asyncio.create_task(self._hand_over_forever(), name="lane-hand-over"),
            asyncio.create_task(self._look_at_logs_forever(), name="lane-logs"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not fetcher.should_stop:
                raise
            # A stop; Faust's fetcher takes a cancellation during a rebalance for a crash.
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch_forever(self, fetcher: Any) -> None:
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)
                continue
            if self.lane.assignment.partitions and self._prepared != self.lane.epoch:
                await self._prepare()
                continue
            active = frozenset(TP(*tp) for tp in self._get_active_partitions())
            if self._unsought(active):
                await self._until_sought(active)
                continue
            await self._fetch_once(active)

    def _unsought(self, active: frozenset[TP]) -> bool:
        return not self.lane.assignment.partitions and any(tp.topic in self.lane.topics for tp in active)

    async def _until_sought(self, active: frozenset[TP]) -> None:
        """Waits for the seek of a rebalance: when one follows upon another, Faust resumes the flow a little early."""
        deadline = time.monotonic() + _SEEK_SECONDS
        while self.flow_active and self._unsought(active):
            if time.monotonic() > deadline:
                raise LaneError(
                    "input topics were resumed before their positions were known; restart the worker"
                )
            await asyncio.sleep(_BLOCKED_SECONDS)

    async def _fetch_once(self, active: frozenset[TP]) -> None:
        """One fetch of `active`, without those that hold enough.

        A full partition is left out of the request to the client, which keeps one response and fetches no
        further; the client's own `pause` would throw that response away and fetch it again.
        """
        if self._moves.waiting:
            async with self._positions:
                for tp in await self._moves.settle():
                    self._told.pop(tp, None)
        self._left_out = frozenset(self.lane.full() | self._moves.waiting)
        wanted = active - self._left_out
        if not wanted:  # the client takes an empty set for all partitions
            self._room.clear()
            await self.wait_first(self._room.wait(), timeout=_POLL_SECONDS)
            return
        async with self._positions:
            generation = self.app.consumer_generation_id
            blocked = self.lane.blocked
            wait_seconds = _BLOCKED_SECONDS if blocked else _POLL_SECONDS
            fetched = await self._thread.fetch(wanted, wait_seconds, urgent=blocked)
            if not self.flow_active or generation != self.app.consumer_generation_id:
                return  # a rebalance came; all positions are about to be sought
            await self._accept(fetched)
        self._moves.note({tp: at for tp, at in fetched.outside.items() if tp.topic in self.lane.topics})
        for tp, records in fetched.records.items():
            if tp.topic not in self.lane.topics:
                await self._pass_on(tp, records)

    async def _accept(self, fetched: Fetched) -> None:
        epoch = self.lane.epoch
        ends = {
            tp: end
            for tp, end in fetched.ends.items()
            if end != self._told.get(tp) and tp.topic in self.lane.topics
        }
        for tp, (_, high_watermark) in ends.items():
            self.lane.fetched(tp, 0, high_watermark)  # what comes below is known of before anything goes out
        decoded = 0
        for tp, records in fetched.records.items():
            if tp.topic in self.lane.topics:
                if decoded > _MOST_AT_ONCE:
                    decoded = 0
                    self._work.set()
                    await asyncio.sleep(0)
                    if self.lane.epoch != epoch:
                        return  # a rebalance came in between
                self.lane.accept(tp, records)
                decoded += len(records)
        for tp, (position, high_watermark) in ends.items():
            self.lane.fetched(tp, position, high_watermark)
        self._told.update(ends)
        self._work.set()

    async def _pass_on(self, tp: TP, records: list[Any]) -> None:
        """Faust's own way for a topic that is not the lane's."""
        for record in records:
            read = self._read_offset[tp]
            if read is not None and record.offset < read:
                continue
            if read and record.offset - read > 1 and self.app.topics.acks_enabled_for(tp.topic):
                await self._add_gap(tp, read + 1, record.offset)
            message = self._to_message(tuples.TP(*tp), record)
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            self._read_offset[tp] = record.offset

    async def _look_at_logs_forever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_LOGS_SECONDS)
            if self.flow_active and self.lane.assignment.partitions:
                await self._moves.look(self._told)

    async def _hand_over_forever(self) -> None:
        while True:
            self._work.clear()
            while self.flow_active and (run := self.lane.next_run()) is not None:
                self._make_room()
                await self.callback(RunMessage(run, self.app.consumer_generation_id))
            timeout = self.lane.wait_seconds() if self.flow_active else None
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._work.wait()

    def _make_room(self) -> None:
        if self._left_out - self.lane.full() - self._moves.waiting:
            self._left_out = frozenset()
            self._room.set()
            self._thread.interrupt()

    async def _prepare(self) -> None:
        """Runs `on_assigned` (recovery) before anything is fetched; a rebalance cancels it."""
        epoch = self.lane.epoch
        self._preparing = asyncio.create_task(
            self.transport.on_assigned(self.lane.assignment), name="lane-prepare"
        )
        try:
            await asyncio.wait({self._preparing})
            if not self._preparing.cancelled():
                self._preparing.result()
                self._prepared = epoch
        finally:
            self._preparing.cancel()
            self._preparing = None

    async def ends(self) -> dict[TP, int]:
        """Where the lane's partitions end, asked of the brokers: not what the last fetch response said."""
        partitions = tuple(self.lane.assignment.committed)
        found = await self._thread.highwaters(*(tuples.TP(*tp) for tp in partitions)) if partitions else {}
        return {TP(*tp): end for tp, end in found.items()}

    def committed_offsets(self) -> dict[TP, int | None]:
        """What was committed of each of the lane's partitions, None for nothing yet."""
        return {tp: self._committed_offset[tp] for tp in self.lane.assignment.committed}

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the broker last confirmed that this worker is a member of its group.

        Above half the session time-out the partitions may soon be another worker's: send no more, and exit.
        """
        return time.monotonic() - self._thread.heartbeat_at

    @property
    def forgotten(self) -> bool:
        """Whether the group has given us partitions, and nothing is being done to begin with them."""
        return self._given and not self.prepared and self._preparing is None

    @property
    def prepared(self) -> bool:
        """Whether this worker takes part and `on_assigned` is done: it is ready."""
        return bool(self.lane.assignment.partitions) and self._prepared == self.lane.epoch
