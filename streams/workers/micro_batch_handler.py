"""The road of a micro-batch through the signals worker, from top to bottom: `MicroBatchHandler.handle`.

Owns which steps there are, and their order. Each step is another module's: what lies in the future (`time_bound`), who is at home
(`home`), whether a topic has gone bad (`core.dead_letter_limit`), the batch and its effects (`batch`), the timers that were put off
(`timers`). `lane.agent` acknowledges the run on return.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import faust
import structlog

from streams.core.dead_letter_limit import DeadLetterLimit, DeadLetterLimitError, Tallies
from streams.core.records import Decoded
from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, MicroBatch
from streams.state.delivery import EffectsError
from streams.state.store import SignalsStore, Store
from streams.workers.batch import Batches
from streams.workers.fail_point import FailPoint
from streams.workers.fence import StaleError
from streams.workers.home import Homes
from streams.workers.measures import SignalsMetrics
from streams.workers.time_bound import TimeBound
from streams.workers.timers import Timers
from streams.workers.turns import Turns

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroBatchHandler:
    """The steps of one worker."""

    app: faust.App
    lane: Lane[Decoded]
    store: Store[SignalsStore]
    turns: Turns
    bound: TimeBound
    homes: Homes
    limit: DeadLetterLimit
    batches: Batches
    timers: Timers
    seen: SignalsMetrics
    fail_point: FailPoint

    async def handle(self, micro_batch: MicroBatch[Decoded]) -> None:
        """Carry out one micro-batch; every effect of it is confirmed on return. Nothing is done for a micro-batch that is stale.

        Raises `EffectsError` when something could not be delivered, `DeadLetterLimitError` when a topic has gone bad.
        """
        async with self.turns.of(micro_batch.partition):
            if not self.lane.current(micro_batch):
                return
            partition = self._partition_of(micro_batch)
            try:
                settled = await self.bound.settle(partition, micro_batch.records)
                checked, here, misrouted = self.homes.split(micro_batch.partition, settled, partition.states)
                tallies = await self._counted(checked, partition)
                await self.batches.forward(partition, misrouted)
                self.seen.forwarded(misrouted)
                self.seen.records(partition.number, here)
                await self._decide(partition, here, tallies, micro_batch.end_offsets)
                await self.timers.catch_up(partition, micro_batch)
            except StaleError:
                log.warning(
                    "a batch was given up: its partition may be another worker's",
                    partition=micro_batch.partition,
                )
                return  # its acknowledgement means nothing, and the next owner reads it again
            self.fail_point("before_ack")

    async def _decide(
        self,
        partition: SignalsStore,
        records: Sequence[Decoded],
        tallies: Tallies,
        ends: Mapping[TP, int],
    ) -> None:
        """Carry records out in as many batches as their computing time asks for, mostly one."""
        taken = 0
        while True:
            began = time.monotonic()
            batch = await self.batches.carry_out(partition, records[taken:], tallies=tallies, ends=ends)
            self.seen.batch(batch, partition, time.monotonic() - began)
            taken += batch.records
            if taken >= len(records):
                return

    def _partition_of(self, micro_batch: MicroBatch[Decoded]) -> SignalsStore:
        partition = self.store.get(micro_batch.partition)
        if partition is None:
            raise EffectsError(
                f"partition {micro_batch.partition} has a batch but no recovered states; restart the worker"
            )
        return partition

    async def _counted(self, records: Sequence[Decoded], partition: SignalsStore) -> Tallies:
        try:
            return self.limit.count(records, partition.dead_letters)
        except DeadLetterLimitError:
            # What was done before this batch, or each restart would publish its letters once more.
            await self.app.consumer.commit()
            raise
