"""The signals worker: each run of the lane through the core, and its effects in the order that loses nothing.

Owns the steps of a batch, of a recovery and of time that passes on an idle partition. The states are written
before the outputs, the outputs are delivered before the run is acknowledged; any failure ends the process.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial

import faust
import orjson
import structlog

from schemas import topics
from streams.cluster.access import check_access
from streams.cluster.rights import signals_rights
from streams.core.dead_letter_limit import DeadLetterLimit, DeadLetterLimitError, Tallies, differs, without
from streams.core.decode import decode
from streams.core.engine import BatchResult, process_batch
from streams.core.episodes import Output
from streams.core.policy import Policy
from streams.core.records import Decoded, FetchedRecord, records_of
from streams.core.repartition import decode_rekeyed
from streams.core.timer_share import AT_ONCE, share_of
from streams.lane.app import faust_app, lane_settings
from streams.lane.lane import Lane
from streams.lane.run_agent import add_run_agent, in_turn
from streams.lane.runs import TP, Assignment, Moved, Run
from streams.lane.topic_ids import TopicIdsOfBrokers
from streams.lane.transport import install
from streams.lane.watchdog import add_watchdog
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.changelog import Mode, Sending
from streams.state.delivery import Deliveries, EffectsError
from streams.state.recovery import ChangelogReader
from streams.state.store import PartitionStore, Store
from streams.state.tenure import Change, Tenures
from streams.telemetry.metrics import Metrics
from streams.workers.copartitioning import check_partitions
from streams.workers.effects import Effects, FailPoint
from streams.workers.home import Homes
from streams.workers.measures import SignalsMetrics

log = structlog.get_logger(__name__)

_TICK_SECONDS = 1.0
_MARK_SECONDS = 20.0
"""An idle partition writes at least so often; well below `min.compaction.lag.ms` of the changelog."""
_PATIENCE_SECONDS = 0.02
"""Records that come so soon take a share of what was put off with them, which spares a batch."""
_LOOK_SECONDS = 0.002
_BATCHES_OF_A_RUN = 1000
_BATCHES_OF_A_TICK = 100
"""Of those, before what is left waits for the next tick: other partitions' turn comes, and a commit does not wait."""
_UNCHANGED: Mapping[str, bytes | None] = {}


def _decode(
    rekeyed: str, tp: TP, fetched: Sequence[FetchedRecord], *, tolerance_ms: int
) -> Sequence[Decoded]:
    own = decode_rekeyed if tp.topic == rekeyed else decode
    return [own(record, tolerance_ms) for record in records_of(tp.topic, tp.partition, fetched)]


class StaleError(Exception):
    """The assignment changed during a batch: nothing more of it may be written or sent."""


class SignalsWorker:
    """The parts of one signals worker; `worker.run` gives it a process. Build it in a running loop."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        metrics: Metrics,
        *,
        data_dir: str,
        idle_timers: bool = True,
        fail_point: FailPoint | None = None,
    ) -> None:
        """`idle_timers`: let wall time pass on partitions without new events; off for history."""
        self.settings = settings
        self.policy = policy
        self.store = Store()
        self.app: faust.App = faust_app(settings, SIGNALS_GROUP, data_dir)
        self._mode: Mode = settings.mode
        self._erasure = settings.erasure()
        self._deliveries = Deliveries(settings, self._alive)
        self._tenures = Tenures(
            settings.topic(topics.CHANGELOG), settings, self._deliveries, metrics.foreign_writes.inc
        )
        self._effects = Effects(settings, self._deliveries)
        self._fail_point = fail_point or FailPoint()
        self._topic_ids = TopicIdsOfBrokers(settings.kafka_python_options())
        self._idle_timers = idle_timers
        # One batch of a partition at a time: runs, ticks and recoveries take turns. Partitions do not wait for each
        # other, so that one is computed while the writes of another are confirmed.
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        rekeyed = settings.topic(topics.REPARTITION)
        self._homes = Homes(settings.partitions, rekeyed)
        self._limit = DeadLetterLimit(
            settings.dead_letter_max_run, settings.dead_letter_max_ratio, settings.dead_letter_limit == "on"
        )
        self.lane: Lane[Decoded] = install(
            self.app,
            lane_settings(
                settings,
                (*map(settings.topic, topics.INPUTS), rekeyed),
                merged=True,
                in_flight=1,  # what comes meanwhile makes the next run larger: under load, small ones cost most
                unawaited=frozenset({rekeyed}),
            ),
            partial(_decode, rekeyed, tolerance_ms=int(settings.future_tolerance_s * 1000)),
            on_assigned=self._recover,
            on_revoked=self.store.clear,
            on_committed=lambda: self._fail_point("after_commit"),
            on_moved=self._moved,
            topic_ids=self._topic_ids,
        )
        self._seen = SignalsMetrics(metrics, settings, self.store, self._limit)
        add_run_agent(self.app, self.lane, in_turn(self.lane, self.handle))
        add_watchdog(self.app, self.lane, settings.stall_timeout_s)
        self.app.task(self._tick_forever)

    async def start(self) -> None:
        """Connects and joins the group; returns when the app runs, not when it is ready."""
        if not self._limit.on:
            log.warning("the limit of dead letters is off: a topic that has gone bad is drained into them")
        await check_access(self.settings, signals_rights(self.settings))
        await self._deliveries.start()
        await check_partitions(self._deliveries.metadata, self.settings)
        await self.app.start()

    async def stop(self) -> None:
        """Finishes what is under work, commits and leaves the group."""
        await self.app.stop()
        await self._deliveries.stop()
        self._topic_ids.close()

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the broker last confirmed our membership; 0 before we take part."""
        return self.app.consumer.heartbeat_age if self.lane.assignment.partitions else 0.0

    def missing(self) -> Sequence[str]:
        """What this worker still waits for, in words; empty when it is ready."""
        if not self.lane.assignment.partitions:
            return ["partitions: the group has not assigned any"]
        return [] if self.app.consumer.prepared else ["customer states: the recovery is under way"]

    def refresh(self) -> None:
        """Sets the gauges that are looked at rather than counted."""
        self._seen.refresh(self.lane, self.heartbeat_age)

    def _moved(self, moved: Moved) -> None:
        self._seen.moved(moved)
        partition = self.store.get(moved.tp.partition)
        partition = self.store.get(moved.tp.partition)
        if partition is not None and (moved.anew or not moved.lost):
            partition.dead_letters = without(partition.dead_letters, moved.tp.topic)

    # -- recovery -------------------------------------------------------------------------------------------

    async def _recover(self, assignment: Assignment) -> None:
        began = time.monotonic()
        async with AsyncExitStack() as turns:
            for number in assignment.partitions:  # not while a batch of the last assignment still writes
                await turns.enter_async_context(self._turns[number])
            assigned = self.lane.epoch
            self.store.clear()
            async with ChangelogReader(
                self.settings.topic(topics.CHANGELOG), assignment.partitions, self.settings.aiokafka_options()
            ) as reader:
                await reader.to_end()
                await self._tenures.claim(reader)
            recovered = [reading.finish() for reading in reader.readings.values()]
            resent = 0
            for part in recovered:
                part.store.assignment = assigned
                part.store.note_overdue()
                if part.store.clock.markers:
                    self._erasure.check(part.store.states)
                if part.unsent:
                    try:
                        self._guard(part.store)
                        await self._effects.publish(part.store.number, part.unsent)
                    except StaleError:
                        self.store.clear()
                        return  # the group changed meanwhile; the next assignment begins with a recovery too
                    resent += len(part.unsent)
                self.store.put(part.store)
        self._seen.recovered(time.monotonic() - began, resent)
        log.info(
            "customer states recovered",
            partitions=len(recovered),
            customers=sum(part.store.customers for part in recovered),
            resent=resent,
            seconds=round(time.monotonic() - began, 3),
        )

    # -- batches --------------------------------------------------------------------------------------------

    async def handle(self, run: Run[Decoded]) -> None:
        """One run; returns when every effect of it is confirmed."""
        async with self._turns[run.partition]:
            if not self.lane.current(run):
                return
            partition = self.store.get(run.partition)
            if partition is None:
                raise EffectsError(
                    f"partition {run.partition} has a batch but no recovered states; restart the worker"
                )
            began = time.monotonic()
            checked, here, strays = self._homes.split(run.partition, run.records, partition.states)
            tallies = await self._counted(checked, partition)
            try:
                if strays:
                    self._guard(partition)
                    await self._effects.forward(strays)
                share = share_of(len(run.records), self.settings.max_batch, partition.overdue_seconds)
                result = await self._batch(partition, here, tallies=tallies, most_timers=share)
                self._seen.forwarded(strays)
                self._seen.batch(result, run.records, partition, time.monotonic() - began)
                await self._catch_up(partition, run, _BATCHES_OF_A_RUN)
            except StaleError:
                log.warning(
                    "a batch was given up: its partition may be another worker's", partition=run.partition
                )
                return  # its acknowledgement means nothing, and the next owner reads it again
            self._fail_point("before_ack")

    async def _catch_up(self, partition: PartitionStore, run: Run[Decoded] | None, batches: int) -> None:
        """Judges the timers that were put off, in at most so many small batches, until other records wait than those of `run`.

        A run is acknowledged afterwards, so that nothing is overdue on a partition without lag; only what is left of a very
        large herd goes with the ticks.
        """
        until = time.monotonic() + (_PATIENCE_SECONDS if run else 0.0)
        while partition.clock.overdue and batches and not self.lane.waiting(partition.number, run):
            if time.monotonic() < until:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            batches -= 1
            # In a rebalance nothing comes any more that could be held up, and the group waits for us.
            most = AT_ONCE if self.app.consumer.flow_active else 100 * AT_ONCE
            self._seen.outputs(await self._batch(partition, most_timers=most))

    async def _counted(self, records: Sequence[Decoded], partition: PartitionStore) -> Tallies:
        try:
            return self._limit.count(records, partition.dead_letters)
        except DeadLetterLimitError:
            # What was done before this batch, or each restart would publish its letters once more.
            await self.app.consumer.commit()
            raise

    async def _tick_forever(self) -> None:
        try:
            while not self.app.should_stop:
                await asyncio.sleep(_TICK_SECONDS)
                if self.app.consumer.flow_active and self.lane.assignment.partitions:
                    await self._tick()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self.app.crash(error)
            raise

    async def _tick(self) -> None:
        """What there is to do for partitions that have caught up."""
        for partition in self.store:
            turn = self._turns[partition.number]
            if turn.locked():
                continue  # a run is under work
            async with turn:
                if self.store.get(partition.number) is not partition or not self.app.consumer.prepared:
                    continue
                if any(
                    lag.records != 0
                    for tp, lag in self.lane.lag().items()
                    if tp.partition == partition.number
                ):
                    continue
                with suppress(StaleError):
                    await self._idle(partition)

    async def _idle(self, partition: PartitionStore) -> None:
        now = time.time_ns() // 1_000_000
        # Only when something is due: a new clock alone would be a write per second for each partition.
        if self._idle_timers and partition.clock.next_due <= now:
            self._seen.outputs(await self._batch(partition, advance_to=now, most_timers=AT_ONCE))
        elif partition.unmarked or time.monotonic() - partition.written_at > _MARK_SECONDS:
            # A batch of nothing: a restart need not send again what was delivered long ago, and a late word
            # of a worker that lost the partition is noticed before compaction can prefer it.
            await self._write(partition, dict.fromkeys(partition.departed), departed=set(), outputs=False)
        await self._catch_up(partition, None, _BATCHES_OF_A_TICK)

    async def _batch(
        self,
        partition: PartitionStore,
        records: Sequence[Decoded] = (),
        *,
        most_timers: int,
        advance_to: int | None = None,
        tallies: Tallies | None = None,
    ) -> BatchResult:
        clock, before = partition.clock, partition.clock.now
        result = process_batch(
            records,
            partition.states,
            self.policy,
            clock,
            advance_to=advance_to,
            most_timers=most_timers,
            erasure=self._erasure,
        )
        outboxes: dict[str, list[Sending]] = {}
        for output in result.outputs:
            outboxes.setdefault(output.customer_id, []).append(self._sending(output))
        told = bool(result.rejects)
        if tallies is not None:
            told = told or differs(partition.dead_letters, tallies)
            partition.dead_letters = tallies
        partition.note_overdue()
        if result.states or outboxes or clock.now != before or told:
            changes: dict[str, Change | None] = dict.fromkeys(partition.departed)
            departed: set[str] = set()
            for customer_id in result.states.keys() | outboxes.keys():  # some came and left within this batch
                state, outbox = result.states.get(customer_id), outboxes.get(customer_id, ())
                changes[customer_id] = None if state is None and not outbox else Change(state or b"", outbox)
                if state is None and outbox:
                    departed.add(customer_id)
            await self._write(partition, changes, result.states, departed=departed, outputs=bool(outboxes))
            self._fail_point("after_changelog")
        if result.outputs:
            self._guard(partition)
            await self._effects.publish(partition.number, [s for box in outboxes.values() for s in box])
        if result.rejects:
            self._guard(partition)
            await self._effects.publish_dead_letters(result.rejects)
        self._fail_point("after_outputs")
        return result

    async def _write(
        self,
        partition: PartitionStore,
        changes: Mapping[str, Change | None],
        states: Mapping[str, bytes | None] = _UNCHANGED,
        *,
        departed: set[str],
        outputs: bool,
    ) -> None:
        """Makes the next batch durable, and takes it over."""
        self._guard(partition)
        self._fail_point("before_changelog")
        number = partition.batch + 1
        await self._tenures.write(partition, changes, number, partition.clock.now, self.policy.label)
        partition.apply(number, states, departed, outputs=outputs)
        partition.written_at = time.monotonic()

    def _sending(self, output: Output) -> Sending:
        kind = "trigger" if output.kind == "trigger" else "signals"
        mode: Mode = "shadow" if self._mode == "live" and self._too_late(output) else self._mode
        return Sending(kind, mode, output.customer_id, output.caused_at, output.value)  # type: ignore[arg-type]

    def _too_late(self, output: Output) -> bool:
        """A trigger past its validity is recorded, and no dialer hears of it. Replayed history has its own time."""
        if output.kind != "trigger" or output.status not in ("open", "expired"):
            return False
        trigger = orjson.loads(output.value)
        if output.status == "expired":
            return bool(trigger["sequence"] == 1)
        return self._idle_timers and datetime.fromisoformat(trigger["expires_at"]) <= datetime.now(UTC)

    def _guard(self, partition: PartitionStore) -> None:
        """Before each step of a batch: raises when it must not be taken."""
        self._alive()
        if partition.assignment != self.lane.epoch:
            raise StaleError

    def _alive(self) -> None:
        """Before each request of the producer: raises when this process must not write any more."""
        if self.app.crashed:
            raise EffectsError("the app has crashed; nothing more may be sent")
        if self.heartbeat_age > self.settings.session_timeout_s / 2:
            raise EffectsError(
                "no heartbeat was confirmed for half the session time-out: the partitions may be another "
                "worker's by now. Nothing more is sent; start the worker again, and look at the broker and "
                "at this machine's load"
            )
