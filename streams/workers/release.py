"""The release worker: its parts, wired; its life, and whether it is ready.

Owns which parts there are and what each is given. It must not hold a step of the work: `desk_handler` is the road of what a desk reads,
`recovery` what comes before, `desk_batch` what becomes of it, `writer` in which order. It has a part of its own for whatever is peculiar to
desks; all else is the engine of the signals worker.
"""

import time
from collections.abc import Sequence
from functools import partial

import faust

from schemas import topics
from streams.core.policy import Policy
from streams.core.records import FetchedRecord, records_of
from streams.lane.agent import add_agent, in_turn
from streams.lane.app import faust_app, lane_settings
from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, Assignment, MicroBatch, Moved
from streams.lane.topic_ids import TopicIdsOfBrokers
from streams.lane.transport import install
from streams.lane.watchdog import add_watchdog
from streams.settings import RELEASE_GROUP, Settings
from streams.state.agreement import desks_of
from streams.state.broker_time import BrokerTime
from streams.state.delivery import Deliveries
from streams.state.desk_store import DeskStore
from streams.state.fencing import FencedChangelog
from streams.state.last_records import last_agreed
from streams.state.store import Store
from streams.telemetry.metrics import Metrics
from streams.workers.desk_batch import DeskBatches
from streams.workers.desk_handler import DeskHandler, Ticks
from streams.workers.desk_records import DeskRecord, read_record
from streams.workers.desk_states import INPUTS, DeskStates
from streams.workers.effects import Effects
from streams.workers.fail_point import FailPoint
from streams.workers.fence import Fence
from streams.workers.footing import Footing
from streams.workers.lag_shown import LagShown
from streams.workers.measures import resumed
from streams.workers.membership import Membership
from streams.workers.recovery import Recovery
from streams.workers.turns import Turns
from streams.workers.writer import Writer


class ReleaseWorker:
    """The parts of one release worker; build it in a running loop. `ticks`: write them; off where the history that is fed has its own."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        metrics: Metrics,
        *,
        data_dir: str,
        ticks: bool = True,
        fail_point: FailPoint | None = None,
    ) -> None:
        fail_point = fail_point or FailPoint()
        self.settings = settings
        self._metrics = metrics
        self._lag = LagShown(metrics, settings)
        self._desk_of = policy.desk_of
        self.store: Store[DeskStore] = Store()
        changelog, agreed = settings.topic(topics.RELEASE_CHANGELOG), desks_of(settings, policy)
        self._membership = Membership(
            settings,
            settings.topic(RELEASE_GROUP),
            "release",
            agreed,
            partial(last_agreed, settings, changelog, range(len(policy.desks))),
        )
        self.app: faust.App = faust_app(settings, RELEASE_GROUP, self._membership.client_id, data_dir)
        self._topic_ids = TopicIdsOfBrokers(settings.kafka_python_options(), beside=[changelog])
        inputs = tuple(map(settings.topic, INPUTS))
        self.lane: Lane[DeskRecord] = install(
            self.app,
            # Neither waits for the other: what comes first is judged first, and the changelog says in which order.
            lane_settings(settings, inputs, merged=True, in_flight=1, unawaited=frozenset(inputs)),
            self._read,
            on_assigned=self._recover,
            on_revoked=self._revoked,
            on_committed=lambda: fail_point("after_commit"),
            on_moved=self._moved,
            on_resumed=partial(resumed, metrics),
            topic_ids=self._topic_ids,
        )
        self._fence = Fence(self.app, self.lane, settings.session_timeout_s)
        self._deliveries = Deliveries(settings, self._fence.alive)
        turns = Turns()
        fenced = FencedChangelog(
            changelog,
            settings,
            self._deliveries,
            metrics.foreign_writes.inc,
            BrokerTime(),
            in_one_piece=True,
        )
        effects = Effects(settings, self._deliveries, "release")
        writer = Writer(
            settings,
            policy.release_label,
            self._fence,
            fenced,
            effects,
            fail_point,
            on_written=metrics.changelog_write.observe,
        )
        states = DeskStates(settings, policy)
        self._recovery = Recovery(
            settings,
            changelog,
            states,
            self.store,
            turns,
            self._fence,
            fenced,
            effects,
            self._membership,
            Footing(settings, agreed, lambda: ""),
            self.lane,
        )
        self._handler = DeskHandler(
            lane=self.lane,
            store=self.store,
            turns=turns,
            batches=DeskBatches(settings, writer, self.lane.position),
            fail_point=fail_point,
        )
        add_agent(self.app, self.lane, in_turn(self.lane, self.handle))
        add_watchdog(self.app, self.lane, settings.stall_timeout_s)
        if ticks:
            self.app.task(
                Ticks(
                    self.app, self.store, self._fence, self._deliveries, settings, states.desks
                ).tick_forever
            )

    async def handle(self, micro_batch: MicroBatch[DeskRecord]) -> None:
        """Carry out one micro-batch; every effect of it is confirmed on return."""
        await self._handler.handle(micro_batch)

    def _read(self, tp: TP, fetched: Sequence[FetchedRecord]) -> list[DeskRecord]:
        records = records_of(tp.topic, tp.partition, fetched)
        return [read_record(self.settings.plain_topic, self._desk_of, record) for record in records]

    async def _recover(self, assignment: Assignment) -> None:
        await self._recovery.recover(assignment)

    def _revoked(self) -> None:
        self._recovery.revoked()

    def _moved(self, moved: Moved) -> None:
        """Of a log that was made anew the old positions mean nothing any more: what it holds has not been judged."""
        desk = self.store.get(moved.tp.partition)
        if desk is None or (moved.lost and not moved.anew):
            return
        topic = self.settings.plain_topic(moved.tp.topic)
        desk.inputs = {**desk.inputs, topic: moved.first}
        if topic in desk.starting:
            desk.starting = {**desk.starting, topic: moved.end}

    # -- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect and join the group; on return the app runs, though it may not be ready."""
        await self._deliveries.start()
        await self._membership.check_before_joining()
        await self.app.start()

    async def stop(self) -> None:
        """Finish what is under work, commit and leave the group."""
        await self.app.stop()
        await self._deliveries.stop()
        self._topic_ids.close()

    def missing(self) -> Sequence[str]:
        """Return what this worker still waits for, in words; empty when it is ready, be it without a desk: it takes over when another ends."""
        if self.lane.assignment.partitions and not self.app.consumer.prepared:
            return ["desks: the recovery is under way"]
        return []

    def warnings(self) -> Sequence[str]:
        """Return what somebody should look at although this worker is ready: another one would be held up as well."""
        return self.lane.ends.words(time.monotonic())

    def refresh(self) -> None:
        """Set the gauges that are looked at rather than counted."""
        self._metrics.heartbeat_age.set(self._fence.heartbeat_age)
        self._lag.show(self.lane)
