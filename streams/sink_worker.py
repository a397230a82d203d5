"""The sink worker: every input and output topic into a sink, acknowledged when the rows are confirmed.

Owns collecting runs until a flush is worth it, and waiting out an outage, for a while. What a row is, batching by
table, tokens and the tries of one insert are the sink's. While the store is away nothing is acknowledged, the lane
fills up and stops fetching, and a rebalance does not wait longer than the lane's drain time.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import faust
import structlog
from mode.supervisors import CrashingSupervisor

from schemas import topics
from schemas.erasure import ErasureEvent
from sinks.clickhouse import tables
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import Eraser, Sink, SinkUnavailable, Values
from streams.access import check_access
from streams.app import faust_app, lane_settings
from streams.core.decode import decode
from streams.core.records import FetchedRecord, records_of, size_of
from streams.core.removal import is_removal
from streams.erased_rows import ErasedRows
from streams.lane import Lane, LaneError
from streams.rights import sink_rights
from streams.runs import TP, Run
from streams.settings import SINK_GROUP, Settings
from streams.transport import install
from streams.watchdog import add_watchdog
from streams.worker_metrics import SinkMetrics

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 0.5
_BATCHES_AHEAD = 3
"""So many batches of rows are made at most while others are inserted: the store's pace is not even."""


class Made(NamedTuple):
    """Records of one partition that were fetched together, and what was made of them. `Placed`: the lane's item."""

    topic: str
    offset: int
    timestamp: int
    size: int
    records: int
    rows: Mapping[str, Sequence[Values]]
    """By table."""
    removals: Sequence[Values]
    """Rows of profiles that were taken away."""
    erasures: Sequence[tuple[str, int, int]]
    """Customer, up to when, Kafka's time of the order; both in ms."""
    at: int = 0
    """Nothing is merged by time here."""


class SinkWorker:
    """The parts of one sink worker; `worker.run` gives it a process. Build it inside a running event loop."""

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
        self.app: faust.App = faust_app(settings, SINK_GROUP, data_dir)
        self._sink = sink
        self._erased = ErasedRows(settings.erasure(), eraser)
        self._seen = seen
        self._plain = {settings.topic(name): name for name in (*topics.INPUTS, *topics.OUTPUTS)}
        self._waiting: list[Run[Made]] = []
        self._rows = 0
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._outage = False
        every = tuple(self._plain)
        self.lane: Lane[Made] = install(
            self.app,
            lane_settings(settings, every, merged=False, in_flight=4),
            self._make,
            on_revoked=self._erased.forget,
        )
        self._tolerance_ms = int(settings.future_tolerance_s * 1000)
        channel = self.app.topic(
            *every, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        agent = self.app.agent(channel, name="runs", concurrency=1, supervisor_strategy=CrashingSupervisor)
        agent(self._collect)
        add_watchdog(self.app, self.lane, settings.stall_timeout_s)
        self.app.task(self._flush_forever)

    async def start(self) -> None:
        """Joins the group; returns when the app runs."""
        await check_access(self.settings, sink_rights(self.settings))
        await self.app.start()

    async def stop(self) -> None:
        """Lets a flush under way finish, commits and leaves the group."""
        await self.app.stop()
        self._sink.close()

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the broker last confirmed our membership; 0 before we take part."""
        return self.app.consumer.heartbeat_age if self.lane.assignment.partitions else 0.0

    def missing(self) -> Sequence[str]:
        """What this worker still waits for, in words; empty when it is ready."""
        if not self.lane.assignment.partitions:
            return ["partitions: the group has not assigned any"]
        return ["ClickHouse: not available, offsets are held"] if self._outage else []

    def refresh(self) -> None:
        """Sets the gauges that are looked at rather than counted."""
        self._seen.refresh(self.lane, self.heartbeat_age)

    # -- runs in --------------------------------------------------------------------------------------------

    def _make(self, tp: TP, fetched: Sequence[FetchedRecord]) -> Sequence[Made]:
        """The rows at once, in the event loop: they are made while others are inserted, and no record need wait."""
        topic = self._plain[tp.topic]
        profiles = topic == topics.PROFILES  # only there come erasures and removals
        rows: defaultdict[str, list[Values]] = defaultdict(list)
        removals: list[Values] = []
        erasures: list[tuple[str, int, int]] = []
        records = records_of(topic, tp.partition, fetched)
        if topic in topics.OUTPUTS:
            for record in records:
                output = row_of_output(record.value, record)
                if output is not None:
                    rows[output.table].append(output.values)
        else:
            for record in records:
                decoded = decode(record, self._tolerance_ms)
                event = decoded.event
                if event is None:
                    continue  # its dead letter, by the signals worker, has a topic and a table
                if profiles and isinstance(event, ErasureEvent):
                    erasures.append((event.customer_id, decoded.at, record.timestamp))
                    continue
                table, values = row_of_event(event, record, decoded.at)
                (removals if profiles and is_removal(decoded) else rows[table]).append(values)
        size = sum(map(size_of, fetched))
        last, first = fetched[-1].offset, fetched[0].timestamp
        return [Made(tp.topic, last, first, size, len(fetched), rows, removals, erasures)]

    async def _collect(self, stream: Any) -> None:
        try:
            async for event in stream.events():
                run: Run[Made] = event.message.run
                if not self.lane.begin(run):
                    continue
                self._waiting.append(run)
                self._rows += sum(made.records for made in run.records)
                self._arrived.set()
                if self._rows >= self.settings.sink_batch_rows:
                    self._full.set()
                if self._rows >= self.settings.sink_batch_rows * _BATCHES_AHEAD:
                    self._room.clear()
                    await self._room.wait()
            if not self.app.should_stop:
                raise LaneError("the stream of runs ended although the worker goes on; restart the worker")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self.app.crash(error)
            raise

    # -- rows out -------------------------------------------------------------------------------------------

    async def _flush_forever(self) -> None:
        try:
            while not self.app.should_stop:
                await self._arrived.wait()
                await self.app.wait_first(self._full.wait(), timeout=self.settings.sink_batch_s)
                runs, self._waiting, self._rows = self._waiting, [], 0
                self._arrived.clear()
                self._full.clear()
                self._room.set()
                await self._write([run for run in runs if self.lane.current(run)])
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self.app.crash(error)
            raise

    async def _write(self, runs: Sequence[Run[Made]]) -> None:
        if not runs:
            return
        oldest: dict[str, int] | None = None
        pause, began = _FIRST_PAUSE, time.monotonic()
        while True:
            try:
                if oldest is None:
                    await asyncio.to_thread(self._erased.load)
                    oldest = await asyncio.to_thread(self._add, runs)
                await asyncio.to_thread(self._flush)
                break
            except SinkUnavailable as error:
                if time.monotonic() - began > self.settings.sink_outage_s:
                    raise
                self._outage = True
                log.warning("sink unavailable, offsets are held", reason=str(error), again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self.settings.sink_retry_max_s)
        if self._outage:
            self._outage = False
            log.info("sink available again")
        self._seen.written(oldest)
        for run in runs:
            self.lane.ack(
                run
            )  # does nothing for a run that a rebalance took: it is read again, and its rows merge

    def _flush(self) -> None:
        self._sink.flush()
        self._erased.carry_out()

    def _add(self, runs: Sequence[Run[Made]]) -> dict[str, int]:
        """Kafka's time (ms) of the oldest record that came with the rows of each table."""
        every = [made for run in runs for made in run.records]
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
