"""The road of what a desk reads, from top to bottom: `DeskHandler.handle`; and the ticks by which its time goes on.

Owns which steps there are, and that each desk of ours gets a tick a second. `desk_batch` is the batch and its effects; `lane.agent`
acknowledges the run on return.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import faust
import structlog

from schemas import topics
from streams.core.release.encode import encode
from streams.core.release.inputs import Tick
from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane
from streams.lane.micro_batch import MicroBatch
from streams.settings import Settings
from streams.state.delivery import Deliveries, EffectsError
from streams.state.desk_store import DeskStore
from streams.state.store import Store
from streams.workers.desk_batch import DeskBatches
from streams.workers.desk_records import DeskRecord
from streams.workers.fail_point import FailPoint
from streams.workers.fence import Fence, StaleError
from streams.workers.turns import Turns

log = structlog.get_logger(__name__)

_TICK_SECONDS: Final = 1.0
TICK: Final = encode(Tick())
"""The time is that of its record, as the broker stamps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHandler:
    """The steps of one release worker."""

    lane: Lane[DeskRecord]
    store: Store[DeskStore]
    turns: Turns
    batches: DeskBatches
    fail_point: FailPoint

    async def handle(self, micro_batch: MicroBatch[DeskRecord]) -> None:
        """Carry out one micro-batch; every effect of it is confirmed on return. Nothing is done for a micro-batch that is stale.

        Raises `EffectsError` when something could not be delivered.
        """
        async with self.turns.of(micro_batch.partition):
            if not self.lane.current(micro_batch):
                return
            desk = self.store.get(micro_batch.partition)
            if desk is None:
                raise EffectsError(
                    f"desk {micro_batch.partition} has a batch but no recovered states; restart the worker"
                )
            try:
                await self.batches.carry_out(desk, micro_batch.records, micro_batch.end_offsets)
            except StaleError:
                log.warning(
                    "a batch was given up: its desk may be another worker's", partition=micro_batch.partition
                )
                return  # its acknowledgement means nothing, and the next owner reads it again
            self.fail_point("before_ack")


class Ticks:
    """Of one release worker: each second a record to the commands of each of its desks. `desks`: how many the policy has."""

    def __init__(
        self,
        app: faust.App,
        store: Store[DeskStore],
        fence: Fence,
        deliveries: Deliveries,
        settings: Settings,
        desks: int,
    ) -> None:
        self._app = app
        self._store = store
        self._fence = fence
        self._deliveries = deliveries
        self._topic = settings.topic(topics.COMMANDS)
        self._desks = desks

    async def tick_forever(self) -> None:
        """Let the desks' time go on until the app stops; an error ends the app."""
        async with crash_on_error(self._app):
            while not self._app.should_stop:
                await asyncio.sleep(_TICK_SECONDS)
                if self._app.consumer.flow_active and self._app.consumer.prepared:
                    await self._tick()

    async def _tick(self) -> None:
        sent = []
        for desk in self._store:
            if desk.number >= self._desks:
                continue
            try:
                self._fence.check(desk)
            except StaleError:
                return
            sent.append(
                await self._deliveries.send(self._topic, None, TICK, headers=[], partition=desk.number)
            )
        await self._deliveries.confirmed(sent)
