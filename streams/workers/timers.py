"""Time that passes: timers on partitions without new events, and timers that were put off so that events go first.

Owns when a batch of nothing but time is due. It must not judge a timer (`core`) nor carry out what it decides (`batch`).
"""

import asyncio
import time
from contextlib import suppress

import faust

from streams.core.records import Decoded
from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, MicroBatch
from streams.state.broker_time import BrokerTime
from streams.state.store import SignalsStore, Store
from streams.workers.batch import Batches
from streams.workers.fence import StaleError
from streams.workers.measures import SignalsMetrics
from streams.workers.turns import Turns
from streams.workers.writer import Writer

_TICK_SECONDS = 1.0
_MARK_SECONDS = 20.0
"""An idle partition writes at least so often; well below `min.compaction.lag.ms` of the changelog."""
_PATIENCE_SECONDS = 0.02
"""Records that come so soon take a share of what was put off with them, which spares a batch."""
_LOOK_SECONDS = 0.002
_SECONDS_BEFORE_ACK = 5.0
_SECONDS_OF_A_TICK = 1.0
"""After so long what is left of a herd waits for the next tick: other partitions' turn comes, and a commit does not wait."""


class Timers:
    """Of one worker. `idle_timers`: let the brokers' time pass on partitions without new events; off for history."""

    def __init__(
        self,
        app: faust.App,
        lane: Lane[Decoded],
        store: Store[SignalsStore],
        turns: Turns,
        batches: Batches,
        writer: Writer,
        seen: SignalsMetrics,
        broker_time: BrokerTime,
        *,
        idle_timers: bool,
    ) -> None:
        self._app = app
        self._lane = lane
        self._store = store
        self._turns = turns
        self._batches = batches
        self._writer = writer
        self._seen = seen
        self._broker_time = broker_time
        self._idle_timers = idle_timers

    async def tick_forever(self) -> None:
        """Look after idle partitions each second, until the app stops; an error ends the app."""
        async with crash_on_error(self._app):
            while not self._app.should_stop:
                await asyncio.sleep(_TICK_SECONDS)
                if self._app.consumer.flow_active and self._lane.assignment.partitions:
                    await self._tick()

    async def _tick(self) -> None:
        for partition in self._store:
            turn = self._turns.of(partition.number)
            if turn.locked():
                continue  # a micro-batch is under work
            async with turn:
                if self._store.get(partition.number) is not partition or not self._app.consumer.prepared:
                    continue
                with suppress(StaleError):
                    if self._lane.caught_up(partition.number):
                        await self._idle(partition)
                    elif self._writer.behind(partition, self._positions(partition)):
                        await self.mark(partition)

    async def _idle(self, partition: SignalsStore) -> None:
        now = self._broker_time.now(partition.number)
        # Only when something is due: a new clock alone would be a write per second for each partition.
        if self._idle_timers and partition.clock.next_due <= now:
            self._seen.timers(await self._batches.carry_out(partition, advance_to=now), partition)
        elif (
            partition.unmarked
            or time.monotonic() - partition.written_at > _MARK_SECONDS
            or self._writer.behind(partition, self._positions(partition))
        ):
            # A restart need not send again what was delivered long ago. And what a worker that has lost the partition may
            # still write to the changelog is noticed by our next write, before compaction can take it for the newest value.
            await self.mark(partition)
        await self._judge_put_off(partition, None, _SECONDS_OF_A_TICK)

    async def mark(self, partition: SignalsStore) -> None:
        """Write down how far the partition is; the caller holds its turn. Raises `StaleError` when it is no longer ours."""
        await self._writer.mark(partition, self._positions(partition))

    def _positions(self, partition: SignalsStore) -> dict[TP, int]:
        ours = (tp for tp in self._lane.assignment.committed if tp.partition == partition.number)
        return {tp: self._lane.position(tp) for tp in ours}

    async def catch_up(self, partition: SignalsStore, micro_batch: MicroBatch[Decoded]) -> None:
        """Judge the timers that were put off before `micro_batch`, until records wait that came after it.

        The run is acknowledged afterwards, so that nothing is overdue on a partition without lag; only what is left of a very
        large herd goes with the ticks.
        """
        await self._judge_put_off(partition, micro_batch, _SECONDS_BEFORE_ACK)

    async def _judge_put_off(
        self, partition: SignalsStore, micro_batch: MicroBatch[Decoded] | None, seconds: float
    ) -> None:
        """In small batches, for so long at most, until other records wait than those of `micro_batch`, or the group: who has the
        partition next goes on with them.
        """
        now = time.monotonic()
        patience, deadline = now + (_PATIENCE_SECONDS if micro_batch else 0.0), now + seconds
        while partition.clock.overdue and now < deadline and self._app.consumer.flow_active:
            if self._lane.waiting(partition.number, micro_batch):
                return
            if now < patience:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                self._seen.timers(await self._batches.carry_out(partition), partition)
            now = time.monotonic()
