"""The sink worker: every input and output topic into a sink, acknowledged when the rows are confirmed.

Owns collecting runs until a flush is worth it, and waiting out an outage, for a while. What a row is, batching by
table, tokens and the tries of one insert are the sink's. While the store is away nothing is acknowledged, the lane
fills up and stops fetching, and a rebalance does not wait longer than the lane's drain time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import cast

import faust
import structlog

from schemas import topics
from sinks.clickhouse import tables
from sinks.contract import Eraser, Sink, SinkUnavailable
from streams.cluster.access import check_access
from streams.cluster.copartitioning import refuse_changed
from streams.cluster.rights import sink_rights
from streams.core.records import FetchedRecord
from streams.lane.agent import add_agent
from streams.lane.app import faust_app, lane_settings
from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, Assignment, MicroBatch
from streams.lane.topic_ids import FoundTopic, TopicIdsOfBrokers
from streams.lane.transport import install
from streams.lane.watchdog import add_watchdog
from streams.settings import SINK_GROUP, Settings
from streams.state.agreement import reading_of
from streams.workers.erased_rows import ErasedRows
from streams.workers.gathered import Gathered, gather
from streams.workers.measures import SinkMetrics
from streams.workers.membership import Membership
from streams.workers.timestamps import Stamped, check_timestamps, unbelieved

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 0.5
_IN_FLIGHT = 1_000
"""Fetched chunks of a partition that may wait for a flush: their bytes are bounded, and more than one flush long none should wait."""
_BATCHES_AHEAD = 3
"""So many batches of rows are made at most while others are inserted: the store's pace is not even."""


class SinkWorker:
    """The parts of one sink worker; `process.run` gives it a process. Build it inside a running event loop."""

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        seen: SinkMetrics,
        *,
        data_dir: str,
        eraser: Eraser | None = None,
    ) -> None:
        """`sink` and `eraser` are used from one thread at a time, never from the event loop's."""
        self.settings = settings
        self._membership = Membership(settings, settings.topic(SINK_GROUP), "sink", reading_of(settings))
        self.app: faust.App = faust_app(settings, SINK_GROUP, self._membership.client_id, data_dir)
        self._sink = sink
        self._erased = ErasedRows(settings.erasure(), eraser)
        self._seen = seen
        self._plain = {settings.topic(name): name for name in (*topics.INPUTS, *topics.OUTPUTS)}
        self._waiting: list[MicroBatch[Gathered]] = []
        self._rows = 0
        self._due = 0.0  # when the first of them has waited for long enough, by `time.monotonic`
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._outage: SinkUnavailable | None = None
        self._outage_since = 0.0
        self._topic_ids = TopicIdsOfBrokers(settings.kafka_python_options(), on_found=self._look_at)
        every = tuple(self._plain)
        self.lane: Lane[Gathered] = install(
            self.app,
            lane_settings(settings, every, merged=False, in_flight=_IN_FLIGHT),
            self._gather,
            on_assigned=self._agree,
            on_revoked=self._erased.forget,
            on_told=seen.moved,
            on_resumed=seen.resumed,
            topic_ids=self._topic_ids,
        )
        self._reading = settings.reading(stamped=True)
        add_agent(self.app, self.lane, self._collect)
        add_watchdog(self.app, self.lane, settings.stall_timeout_s)
        self.app.task(self._flush_forever)

    async def start(self) -> None:
        """Join the group; on return the app runs."""
        await check_access(self.settings, sink_rights(self.settings))
        await self._membership.check_before_joining()
        await check_timestamps(self.settings, topics.INPUTS)
        await self.app.start()

    def _look_at(self, found: Mapping[str, FoundTopic]) -> None:
        refuse_changed(self.settings, {topic: each.partitions for topic, each in found.items()})

    async def _agree(self, _: Assignment) -> None:
        await self._membership.check_after_joining()

    async def stop(self) -> None:
        """Let a flush under way finish, commit and leave the group."""
        await self.app.stop()
        self._sink.close()
        self._topic_ids.close()

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the broker last confirmed our membership; 0 before we take part."""
        return self.app.consumer.heartbeat_age if self.lane.assignment.partitions else 0.0

    def missing(self) -> Sequence[str]:
        """Return what this worker still waits for, in words; empty when it is ready."""
        if not self.lane.assignment.partitions:
            return ["partitions: the group has not assigned any"]
        return [f"{self._outage} Offsets are held."] if self._outage is not None else []

    def warnings(self) -> Sequence[str]:
        """Return what somebody should look at although this worker is ready: another one would be held up as well."""
        return self.lane.ends.words(time.monotonic())

    def refresh(self) -> None:
        """Set the gauges that are looked at rather than counted."""
        away = 0.0 if self._outage is None else time.monotonic() - self._outage_since
        self._seen.refresh(self.lane, self.heartbeat_age, away)

    # -- micro-batches in ------------------------------------------------------------------------------------

    def _gather(self, tp: TP, fetched: Sequence[FetchedRecord]) -> Sequence[Gathered]:
        """Return the rows at once, in the event loop: they are made while others are inserted, and no record need wait."""
        name = self._plain[tp.topic]
        stamped = cast("Sequence[Stamped]", fetched)  # as the Kafka client delivers them
        ahead = unbelieved(stamped, self._reading.tolerance_ms) if name in topics.INPUTS else ()
        return [gather(name, tp, fetched, self._reading, ahead)]

    async def _collect(self, micro_batches: AsyncIterator[MicroBatch[Gathered]]) -> None:
        async for micro_batch in micro_batches:
            if not self.lane.begin(micro_batch):
                continue
            if not self._waiting:
                self._due = time.monotonic() + self.settings.sink_batch_s
            self._waiting.append(micro_batch)
            self._rows += sum(each.records for each in micro_batch.records)
            self._arrived.set()
            if self._rows >= self.settings.sink_batch_rows:
                self._full.set()
            if self._rows >= self.settings.sink_batch_rows * _BATCHES_AHEAD:
                self._room.clear()
                await self._room.wait()

    # -- rows out -------------------------------------------------------------------------------------------

    async def _flush_forever(self) -> None:
        async with crash_on_error(self.app):
            while not self.app.should_stop:
                await self._arrived.wait()
                # What came during the last flush has waited for that, and need not wait for as long again.
                if (left := self._due - time.monotonic()) > 0:
                    await self.app.wait_first(self._full.wait(), timeout=left)
                micro_batches, self._waiting, self._rows = self._waiting, [], 0
                self._arrived.clear()
                self._full.clear()
                self._room.set()
                await self._write(
                    [micro_batch for micro_batch in micro_batches if self.lane.current(micro_batch)]
                )

    async def _write(self, micro_batches: Sequence[MicroBatch[Gathered]]) -> None:
        if not micro_batches:
            return
        oldest: dict[str, int] | None = None
        pause, began = _FIRST_PAUSE, time.monotonic()
        while True:
            try:
                if oldest is None:
                    await asyncio.to_thread(self._erased.load)
                    oldest = await asyncio.to_thread(self._add, micro_batches)
                await asyncio.to_thread(self._flush)
                break
            except SinkUnavailable as error:
                lasts = time.monotonic() - began
                if lasts > self.settings.sink_outage_s:
                    raise SinkUnavailable(
                        f"{error} It was tried again for {lasts:.0f} s.", reason=error.reason
                    ) from error
                if self._outage is None or self._outage.reason != error.reason:
                    log.warning("sink unavailable, offsets are held", why=error.reason, reason=str(error))
                if self._outage is None:
                    self._outage_since = time.monotonic()
                self._outage = error
                await asyncio.sleep(pause)
                pause = min(pause * 2, self.settings.sink_retry_max_s)
        if self._outage is not None:
            self._outage = None
            log.info("sink available again", after_seconds=round(time.monotonic() - began, 1))
        self._seen.written(oldest, time.monotonic() - began)
        await self._stop_at_foreign(micro_batches)
        # Nothing is done for one that a rebalance took: it is read again, and its rows merge
        for micro_batch in micro_batches:
            self.lane.ack(micro_batch)

    async def _stop_at_foreign(self, micro_batches: Sequence[MicroBatch[Gathered]]) -> None:
        """Raise ForeignRecordError for a record that is not what its topic carries, with all before it committed: so it can be skipped,
        and nothing beside it."""
        for micro_batch in micro_batches:
            for made in micro_batch.records:
                if made.foreign is not None and self.lane.current(micro_batch):
                    place = TP(made.topic, micro_batch.partition)
                    await self.app.consumer._commit({place: made.foreign.offset})  # noqa: SLF001  (of this one alone)
                    raise made.foreign.error

    def _flush(self) -> None:
        self._sink.flush()
        self._erased.carry_out()

    def _add(self, micro_batches: Sequence[MicroBatch[Gathered]]) -> dict[str, int]:
        """Return Kafka's time (ms) of the oldest record that came with the rows of each table."""
        every = [made for micro_batch in micro_batches for made in micro_batch.records]
        for made in every:
            for erasure in made.erasures:
                self._erased.note(*erasure)
        oldest: dict[str, int] = {}
        for made in every:
            for table, rows in made.rows.items():
                self._sink.add(table, *self._erased.kept(table, rows))
                oldest[table] = min(made.timestamp, oldest.get(table, made.timestamp))
            self._sink.add(
                tables.CUSTOMERS, *self._erased.kept(tables.CUSTOMERS, made.removals, removals=True)
            )
        return oldest
