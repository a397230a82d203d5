"""The consumer: Faust's, changed so that our input topics arrive as merged micro-batches instead of records.

Owns the loops that fetch and hand over; `commits` and `rebalances` are the other parts of what is changed. Faust keeps
membership, assignment, flow control and the life of the worker; `lane` decides what is handed out and what may be committed.
Written against faust-streaming 0.15.3: each override says which behaviour of Faust it replaces, and why.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

from faust.types import tuples

from streams.lane.fetching import BLOCKED_SECONDS
from streams.lane.lane import LaneError
from streams.lane.micro_batch import TP
from streams.lane.micro_batch_message import MicroBatchMessage
from streams.lane.rebalances import RebalancingConsumer

_LOOK_AT_LOGS_SECONDS = 5.0
"""How often it is asked whether a topic is still the one that is read."""
_LOOK_AT_ENDS_SECONDS = 1.0
"""How often it is looked whether the brokers' word about the ends of our logs is too old."""
_SEEK_SECONDS = 30.0
"""How long the positions of a new assignment may be unknown while the flow is on."""


class LaneConsumer(RebalancingConsumer):
    """Fetches the lane's topics as micro-batches; any other topic that Faust reads goes Faust's own way."""

    async def _drain_messages(self, fetcher: Any) -> None:
        """Run the loops of Faust's fetcher task, whose own hands over one record after another.

        Returns at a stop, raises on any failure, which ends the app.
        """
        tasks = {
            asyncio.create_task(self._fetch_forever(fetcher), name="lane-fetch"),
            asyncio.create_task(self._hand_over_forever(), name="lane-hand-over"),
            asyncio.create_task(self._look_at_logs_forever(), name="lane-logs"),
            asyncio.create_task(self._look_at_ends_forever(), name="lane-ends"),
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
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            except asyncio.CancelledError:
                if not (fetcher.should_stop or self.app.should_stop):
                    raise
                # A stop too, which came while these ended.

    async def _fetch_forever(self, fetcher: Any) -> None:
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)
                continue
            if self._preparation.due:
                await self._preparation.run()
                self._goes_on()
                continue
            active = self._active()
            if self._unsought(active):
                await self._until_sought()
                continue
            for tp, records in (await self._fetching.once(active)).items():
                await self._pass_on(tp, records)

    def _active(self) -> frozenset[TP]:
        return frozenset(
            TP(*tp) for tp in self._get_active_partitions() if tp.topic not in self.lane.left_out
        )

    def _unsought(self, active: frozenset[TP]) -> bool:
        return not self.lane.assignment.partitions and any(tp.topic in self.lane.topics for tp in active)

    async def _until_sought(self) -> None:
        """Wait for the seek of a rebalance: when one follows upon another, Faust resumes the flow a little early."""
        deadline = time.monotonic() + _SEEK_SECONDS
        while self.flow_active and self._unsought(self._active()):
            if time.monotonic() > deadline:
                raise LaneError(
                    "input topics were resumed before their positions were known; restart the worker"
                )
            await asyncio.sleep(BLOCKED_SECONDS)

    async def _hand_over_forever(self) -> None:
        while True:
            self._work.clear()
            while self.flow_active and (micro_batch := self.lane.next_micro_batch()) is not None:
                self._fetching.make_room()
                await self.callback(MicroBatchMessage(micro_batch, self.app.consumer_generation_id))
            timeout = self.lane.wait_seconds() if self.flow_active else None
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._work.wait()

    async def _look_at_logs_forever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_LOGS_SECONDS)
            if self.flow_active and self.lane.assignment.partitions:
                await self._fetching.look_at_logs()

    async def _look_at_ends_forever(self) -> None:
        while True:
            if self.flow_active and self.lane.assignment.partitions:
                await self._fetching.look_at_ends()
            await asyncio.sleep(_LOOK_AT_ENDS_SECONDS)

    async def _pass_on(self, tp: TP, records: list[Any]) -> None:
        """Hand over records of a topic that is not the lane's, one after another, as Faust does."""
        for record in records:
            read = self._read_offset[tp]
            if read is not None and record.offset < read:
                continue
            if read and record.offset - read > 1 and self.app.topics.acks_enabled_for(tp.topic):
                await self._add_gap(tp, read + 1, record.offset)
            message = self._to_message(tuples.TP(*tp), record)
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            self._read_offset[tp] = record.offset

    # -- what others ask --------------------------------------------------------------------------------------

    async def ends(self) -> dict[TP, int]:
        """Return where the lane's partitions end, asked of the brokers: not what the last fetch response said."""
        return dict(await self._thread.last_offsets(self.lane.assignment.committed))

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the broker last confirmed that this worker is a member of its group.

        Above half the session time-out the partitions may soon be another worker's: send no more, and exit.
        """
        return time.monotonic() - self._thread.heartbeat_at

    @property
    def forgotten(self) -> bool:
        """Whether the group has given us partitions, and nothing is being done to begin with them."""
        return self._preparation.forgotten

    @property
    def prepared(self) -> bool:
        """Whether this worker takes part and `on_assigned` is done: it is ready."""
        return self._preparation.done
