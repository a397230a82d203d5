"""The road of a run through the signals worker, from top to bottom: `RunHandler.handle`.

Owns which steps there are, and their order. Each step is another module's: who is at home (`home`), whether a topic has gone bad
(`core.dead_letter_limit`), the batch and its effects (`batch`), the timers that were put off (`timers`). `lane.run_agent`
acknowledges the run on return.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import faust
import structlog

from streams.core.dead_letter_limit import DeadLetterLimit, DeadLetterLimitError, Tallies
from streams.core.records import Decoded
from streams.core.timer_share import share_of
from streams.lane.lane import Lane
from streams.lane.runs import Run
from streams.state.delivery import EffectsError
from streams.state.store import PartitionStore, Store
from streams.workers.batch import Batches
from streams.workers.fail_point import FailPoint
from streams.workers.fence import StaleError
from streams.workers.home import Homes
from streams.workers.measures import SignalsMetrics
from streams.workers.timers import Timers
from streams.workers.turns import Turns

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandler:
    """The steps of one worker. `max_batch`: the most records in a run."""

    app: faust.App
    lane: Lane[Decoded]
    store: Store
    turns: Turns
    homes: Homes
    limit: DeadLetterLimit
    batches: Batches
    timers: Timers
    seen: SignalsMetrics
    fail_point: FailPoint
    max_batch: int

    async def handle(self, run: Run[Decoded]) -> None:
        """Carry out one run; every effect of it is confirmed on return. Nothing is done for a run that is stale.

        Raises `EffectsError` when something could not be delivered, `DeadLetterLimitError` when a topic has gone bad.
        """
        async with self.turns.of(run.partition):
            if not self.lane.current(run):
                return
            partition = self._partition_of(run)
            began = time.monotonic()
            checked, here, misrouted = self.homes.split(run.partition, run.records, partition.states)
            tallies = await self._counted(checked, partition)
            try:
                await self.batches.forward(partition, misrouted)
                share = share_of(len(run.records), self.max_batch, partition.overdue_seconds)
                result = await self.batches.carry_out(partition, here, tallies=tallies, most_timers=share)
                self.seen.forwarded(misrouted)
                self.seen.batch(result, run.records, partition, time.monotonic() - began)
                await self.timers.catch_up(partition, run)
            except StaleError:
                log.warning(
                    "a batch was given up: its partition may be another worker's", partition=run.partition
                )
                return  # its acknowledgement means nothing, and the next owner reads it again
            self.fail_point("before_ack")

    def _partition_of(self, run: Run[Decoded]) -> PartitionStore:
        partition = self.store.get(run.partition)
        if partition is None:
            raise EffectsError(
                f"partition {run.partition} has a batch but no recovered states; restart the worker"
            )
        return partition

    async def _counted(self, records: Sequence[Decoded], partition: PartitionStore) -> Tallies:
        try:
            return self.limit.count(records, partition.dead_letters)
        except DeadLetterLimitError:
            # What was done before this batch, or each restart would publish its letters once more.
            await self.app.consumer.commit()
            raise
