"""The signals worker: its parts, wired; its life, and whether it is ready.

Owns which parts there are and what each is given. It must not hold a step of the work: `micro_batch_handler` is the road of a micro-batch,
`recovery` what comes before the first one, `timers` what time does in between, `batch` what becomes of all three, `writer` in which order.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import faust
import structlog

from schemas import topics
from streams.cluster.access import check_access
from streams.cluster.copartitioning import TOPICS, check_partitions, refuse_changed
from streams.cluster.rights import signals_rights
from streams.core.dead_letter_limit import DeadLetterLimit, without
from streams.core.decode import decode
from streams.core.feedback import decode_feedback
from streams.core.policy import Policy
from streams.core.records import Decoded, FetchedRecord, Record, records_of, with_origins
from streams.core.repartition import decode_rekeyed
from streams.core.wording import Wording
from streams.lane.agent import add_agent, in_turn
from streams.lane.app import faust_app, lane_settings
from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, Assignment, MicroBatch, Moved
from streams.lane.topic_ids import FoundTopic, TopicIdsOfBrokers
from streams.lane.transport import install
from streams.lane.watchdog import add_watchdog
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.agreement import agreed_of
from streams.state.broker_time import BrokerTime
from streams.state.delivery import Deliveries
from streams.state.fencing import FencedChangelog
from streams.state.ground import ADVICE, StatesError
from streams.state.last_records import last_agreed
from streams.state.store import SignalsStore, Store
from streams.telemetry.metrics import Metrics
from streams.workers.adoption import Adoption
from streams.workers.batch import Batches
from streams.workers.effects import Effects
from streams.workers.fail_point import FailPoint
from streams.workers.fence import Fence, StaleError
from streams.workers.footing import Footing
from streams.workers.home import Homes
from streams.workers.measures import SignalsMetrics, resumed
from streams.workers.membership import Membership
from streams.workers.micro_batch_handler import MicroBatchHandler
from streams.workers.progress import ProgressToDesks
from streams.workers.recovery import Recovery
from streams.workers.signals_states import SignalsStates
from streams.workers.time_bound import TimeBound
from streams.workers.timers import Timers
from streams.workers.timestamps import check_timestamps
from streams.workers.turns import Turns
from streams.workers.writer import Writer

log = structlog.get_logger(__name__)


class SignalsWorker:
    """The parts of one signals worker; `process.run` gives it a process. Build it in a running loop."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        wording: Wording,
        metrics: Metrics,
        *,
        data_dir: str,
        idle_timers: bool = True,
        desks: bool = False,
        fail_point: FailPoint | None = None,
    ) -> None:
        """`wording` tells the evidence. `idle_timers`: let the brokers' time pass on partitions without new events; off for history.
        `desks`: the release workers publish the triggers; no command asks for it yet.
        """
        fail_point = fail_point or FailPoint()
        self.settings = settings
        self.store: Store[SignalsStore] = Store()
        changelog, agreed = settings.topic(topics.CHANGELOG), agreed_of(settings, policy)
        self._changelog_id = ""
        self._membership = Membership(
            settings,
            settings.topic(SIGNALS_GROUP),
            "signals",
            agreed,
            partial(last_agreed, settings, changelog, range(settings.partitions)),
        )
        self.app: faust.App = faust_app(settings, SIGNALS_GROUP, self._membership.client_id, data_dir)
        self._topic_ids = TopicIdsOfBrokers(
            settings.kafka_python_options(),
            beside=list(map(settings.topic, TOPICS)),
            on_found=self._look_at,
        )
        self._rekeyed = rekeyed = settings.topic(topics.REPARTITION)
        self._triggers = triggers = settings.topic(topics.TRIGGERS)
        told = (triggers,) if desks else ()
        desk_of = policy.desk_of if desks else None
        self._reading = settings.reading(stamped=True)
        self.lane: Lane[Decoded] = install(
            self.app,
            lane_settings(
                settings,
                (*map(settings.topic, topics.INPUTS), rekeyed, *told),
                merged=True,
                in_flight=1,  # what comes meanwhile makes the next micro-batch larger: under load, small ones cost most
                unawaited=frozenset({rekeyed, *told}),
            ),
            self._decode,
            on_assigned=self._recover,
            on_revoked=self._revoked,
            on_committed=lambda: fail_point("after_commit"),
            on_moved=self._moved,
            on_told=self._told,
            on_resumed=partial(resumed, metrics),
            topic_ids=self._topic_ids,
        )
        self._fence = Fence(self.app, self.lane, settings.session_timeout_s)
        self._deliveries = Deliveries(settings, self._fence.alive)
        self._limit = DeadLetterLimit(
            settings.dead_letter_max_run, settings.dead_letter_max_ratio, settings.dead_letter_limit == "on"
        )
        self._turns = turns = Turns()
        effects = Effects(settings, self._deliveries)
        broker_time = BrokerTime()
        fenced = FencedChangelog(
            changelog, settings, self._deliveries, metrics.foreign_writes.inc, broker_time
        )
        writer = Writer(
            settings,
            policy.label,
            self._fence,
            fenced,
            effects,
            fail_point,
            on_written=metrics.changelog_write.observe,
        )
        batches = Batches(
            settings,
            policy,
            wording,
            self._fence,
            writer,
            effects,
            broker_time,
            idle_timers=idle_timers,
            desks=desk_of,
        )
        self._bound = TimeBound(broker_time, self._reading.tolerance_ms, self._read, writer.mark)
        self._seen = SignalsMetrics(metrics, settings, self.store, self._limit, broker_time, policy)
        self._timers = timers = Timers(
            self.app,
            self.lane,
            self.store,
            turns,
            batches,
            writer,
            self._seen,
            broker_time,
            idle_timers=idle_timers,
        )
        self._recovery = Recovery(
            settings,
            changelog,
            SignalsStates(settings.erasure(), self._bound, Adoption(desk_of, writer, effects), self._seen),
            self.store,
            turns,
            self._fence,
            fenced,
            effects,
            self._membership,
            Footing(settings, agreed, lambda: self._changelog_id),
            self.lane,
        )
        self._handler = MicroBatchHandler(
            app=self.app,
            lane=self.lane,
            store=self.store,
            turns=turns,
            bound=self._bound,
            homes=Homes(settings.partitions, rekeyed),
            limit=self._limit,
            batches=batches,
            timers=timers,
            seen=self._seen,
            fail_point=fail_point,
        )
        add_agent(self.app, self.lane, in_turn(self.lane, self.handle))
        add_watchdog(self.app, self.lane, settings.stall_timeout_s)
        self.app.task(timers.tick_forever)
        if desk_of is not None:
            progress = ProgressToDesks(
                self.app,
                self.lane,
                self.store,
                self._fence,
                self._deliveries,
                broker_time,
                settings,
                set(desk_of.values()),
            )
            self.app.task(progress.tell_forever)

    async def handle(self, micro_batch: MicroBatch[Decoded]) -> None:
        """Carry out one micro-batch; every effect of it is confirmed on return."""
        await self._handler.handle(micro_batch)

    def _decode(self, tp: TP, fetched: Sequence[FetchedRecord]) -> Sequence[Decoded]:
        read = [self._read(record) for record in records_of(tp.topic, tp.partition, fetched)]
        return self._bound.set_aside(tp.partition, with_origins(read, fetched))

    def _read(self, record: Record) -> Decoded:
        if record.topic == self._triggers:
            return decode_feedback(record)
        own = decode_rekeyed if record.topic == self._rekeyed else decode
        return own(record, self._reading)

    async def _recover(self, assignment: Assignment) -> None:
        await self._recovery.recover(assignment)

    def _revoked(self) -> None:
        self._recovery.revoked()

    def _look_at(self, found: Mapping[str, FoundTopic]) -> None:
        """Raise `PartitionsError` for topics that have grown, `StatesError` when the changelog is another one than before."""
        refuse_changed(self.settings, {topic: each.partitions for topic, each in found.items()})
        changelog = found.get(self.settings.topic(topics.CHANGELOG))
        if changelog is None or not changelog.topic_id:
            return
        if self._changelog_id not in ("", changelog.topic_id):
            raise StatesError(f"the changelog was deleted and made anew under this worker. {ADVICE}")
        self._changelog_id = changelog.topic_id

    def _moved(self, moved: Moved) -> None:
        partition = self.store.get(moved.tp.partition)
        if partition is None:
            return
        if moved.anew or not moved.lost:
            partition.dead_letters = without(partition.dead_letters, moved.tp.topic)
            partition.inputs = {**partition.inputs, self.settings.plain_topic(moved.tp.topic): moved.first}
        self.app.add_future(self._note_move(partition))

    def _told(self, moved: Moved) -> None:
        self._seen.moved(moved)

    async def _note_move(self, partition: SignalsStore) -> None:
        """Write down at once where the log is read now: until then the commit may be ahead of what the changelog says."""
        async with crash_on_error(self.app), self._turns.of(partition.number):
            if self.store.get(partition.number) is partition and self.app.consumer.prepared:
                with suppress(StaleError):
                    await self._timers.mark(partition)

    # -- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect and join the group; on return the app runs, though it may not be ready."""
        if not self._limit.on:
            log.warning("the limit of dead letters is off: a topic that has gone bad is drained into them")
        await check_access(self.settings, signals_rights(self.settings))
        await self._deliveries.start()
        await check_partitions(self._deliveries.metadata, self.settings)
        await self._membership.check_before_joining()
        await check_timestamps(self.settings, (*topics.INPUTS, topics.REPARTITION, topics.CHANGELOG))
        await self.app.start()

    async def stop(self) -> None:
        """Finish what is under work, commit and leave the group."""
        await self.app.stop()
        await self._deliveries.stop()
        self._topic_ids.close()

    def missing(self) -> Sequence[str]:
        """Return what this worker still waits for, in words; empty when it is ready."""
        if not self.lane.assignment.partitions:
            return ["partitions: the group has not assigned any"]
        return [] if self.app.consumer.prepared else ["customer states: the recovery is under way"]

    def warnings(self) -> Sequence[str]:
        """Return what somebody should look at although this worker is ready: another one would be held up as well."""
        return self.lane.ends.words(time.monotonic())

    def refresh(self) -> None:
        """Set the gauges that are looked at rather than counted."""
        self._seen.refresh(self.lane, self._fence.heartbeat_age)
