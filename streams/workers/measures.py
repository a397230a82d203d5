"""What the workers tell the metrics: counts of each batch, and gauges that are looked at before a scrape.

Owns the translation from batches, lag and stores to the catalogue of `metrics`. It must not decide.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from schemas import topics
from streams.core.dead_letter_limit import DeadLetterLimit
from streams.core.engine import REJECTED, UNKNOWN_FIELD, BatchResult
from streams.core.policy import Policy
from streams.core.records import Decoded
from streams.core.repartition import original_of
from streams.lane.lane import Lane
from streams.lane.micro_batch import Moved
from streams.settings import Settings
from streams.state.broker_time import BrokerTime
from streams.state.store import SignalsStore, Store
from streams.telemetry.metrics import Metrics
from streams.telemetry.release import tell_release
from streams.workers import label_sets
from streams.workers.busiest_customer import BusiestCustomer
from streams.workers.computation import Computed
from streams.workers.home import Misrouted
from streams.workers.lag_shown import LagShown
from streams.workers.unanswered import Unanswered


class SignalsMetrics:
    """Of one signals worker."""

    def __init__(
        self,
        metrics: Metrics,
        settings: Settings,
        store: Store[SignalsStore],
        limit: DeadLetterLimit,
        broker_time: BrokerTime,
        policy: Policy,
    ) -> None:
        self._metrics = metrics
        self._settings = settings
        self._lag = LagShown(metrics, settings)
        self._store = store
        self._limit = limit
        self._broker_time = broker_time
        self._customers: set[int] = set()
        self._busiest: defaultdict[int, BusiestCustomer] = defaultdict(BusiestCustomer)
        self._unanswered = Unanswered(store, policy, settings.erasure())
        label_sets.begin(metrics, label_sets.of_signals(settings.mode))
        tell_release(metrics, policy=policy.label, mode=settings.mode)
        metrics.last_batch.set_to_current_time()

    def records(self, partition: int, records: Sequence[Decoded]) -> None:
        """Note whose records a partition works on."""
        self._busiest[partition].add(records, time.monotonic())

    def batch(self, batch: Computed, partition: SignalsStore, seconds: float) -> None:
        """Count a batch whose effects are confirmed. `seconds`: from taking it to that."""
        metrics, result = self._metrics, batch.result
        for (kind, outcome), count in result.counts.items():
            if outcome == UNKNOWN_FIELD:
                metrics.unknown_fields.labels(kind).inc(count)
            elif outcome != REJECTED:  # those are called by their topic
                metrics.events.labels(kind, outcome).inc(count)
        for decoded in result.rejects:
            if decoded.reject is not None:
                metrics.dead_letters.labels(decoded.reject.code).inc()
                metrics.events.labels(self._type_of(decoded), REJECTED).inc()
        metrics.batch_size.observe(batch.records)
        metrics.batch_duration.observe(seconds)
        metrics.last_batch.set_to_current_time()
        if partition.clock.now > 0:
            metrics.last_event.set(partition.clock.now / 1000)
        self.timers(batch, partition)

    def timers(self, batch: Computed, partition: SignalsStore) -> None:
        """Count a batch of timers alone whose effects are confirmed."""
        self._metrics.batch_computing.labels(str(partition.number)).observe(batch.seconds)
        self.outputs(batch.result)

    def _type_of(self, reject: Decoded) -> str:
        """Return the event type that the topic of a reject carries: of one that was sent home, the topic where it came first."""
        topic = reject.record.topic
        if topic == self._settings.topic(topics.REPARTITION):
            topic = original_of(reject).record.topic
        return label_sets.TYPE_OF_TOPIC.get(self._settings.plain_topic(topic), label_sets.NO_TYPE)

    def forwarded(self, misrouted: Sequence[Misrouted]) -> None:
        """Count events that were sent to their customer's partition."""
        for each in misrouted:
            self._metrics.repartitioned.labels(each.reason).inc()

    def outputs(self, result: BatchResult) -> None:
        """Count what a batch, or passing time, has published."""
        mode, now = self._settings.mode, time.time()
        for output in result.outputs:
            if output.kind != "trigger":
                continue
            self._metrics.triggers.labels(output.purpose, output.status, mode).inc()
            if output.status == "open":
                self._metrics.event_to_trigger_latency.labels(mode).observe(
                    max(0.0, now - output.caused_at / 1000)
                )
                if output.ingested_at >= 0:
                    waited = max(0.0, now - output.ingested_at / 1000)
                    self._metrics.ingest_to_trigger_latency.labels(mode).observe(waited)

    def recovered(self, seconds: float, resent: int) -> None:
        """Note a recovery."""
        self._metrics.recovery.set(seconds)
        self._metrics.outputs_resent.inc(resent)

    def moved(self, moved: Moved) -> None:
        """Count what a log did not hold."""
        count_moved(self._metrics, self._settings, moved)

    def refresh(self, lane: Lane[Any], heartbeat_age: float) -> None:
        """Set the gauges."""
        counts = {partition.number: partition.customers for partition in self._store}
        for number in self._customers - counts.keys():
            self._metrics.customers.remove(str(number))
            self._busiest.pop(number, None)
        for number, count in counts.items():
            self._metrics.customers.labels(str(number)).set(count)
        self._customers = set(counts)
        self._metrics.busiest_customer.clear()
        for number in counts:
            share = self._busiest[number].share(time.monotonic())
            self._metrics.busiest_customer.labels(str(number)).set(share)
        used: dict[str, float] = {}
        for part in self._store:
            for topic, share in self._limit.used(part.dead_letters).items():
                used[topic] = max(share, used.get(topic, 0.0))
        self._show_timers()
        self._metrics.partition_time_ahead.clear()
        for part in self._store:
            ahead_ms = self._broker_time.ahead_ms(part.number, part.clock.now)
            self._metrics.partition_time_ahead.labels(str(part.number)).set(ahead_ms / 1000)
        self._metrics.clock_skew.set(self._broker_time.skew / 1000)
        self._metrics.dead_letter_limit.clear()
        for topic, share in used.items():
            self._metrics.dead_letter_limit.labels(self._settings.plain_topic(topic)).set(share)
        self._metrics.topics_waiting.set(len(lane.left_out))
        self._metrics.oldest_unanswered.set(self._unanswered.longest_ms(time.time_ns() // 1_000_000) / 1000)
        self._metrics.heartbeat_age.set(heartbeat_age)
        self._lag.show(lane)

    def _show_timers(self) -> None:
        metrics = self._metrics
        for gauge in (metrics.timers, metrics.timers_overdue, metrics.timers_overdue_age):
            gauge.clear()
        for part in self._store:
            label = str(part.number)
            metrics.timers.labels(label).set(len(part.clock.heap))
            metrics.timers_overdue.labels(label).set(part.clock.overdue_timers())
            metrics.timers_overdue_age.labels(label).set(part.overdue_seconds)


class SinkMetrics:
    """Of one sink worker."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        self._metrics = metrics
        self._settings = settings
        self._lag = LagShown(metrics, settings)
        label_sets.begin(metrics, label_sets.of_sink())
        tell_release(metrics)
        metrics.last_batch.set_to_current_time()

    def inserted(self, table: str, rows: int) -> None:
        """Count one insert that was confirmed; called from the sink's thread."""
        self._metrics.sink_rows.labels(table).inc(rows)
        self._metrics.sink_insert_rows.labels(table).observe(rows)

    def unavailable(self, reason: str) -> None:
        """Count a request that is tried again; called from the sink's thread."""
        self._metrics.sink_retries.labels(reason).inc()

    def resumed(self, seconds: float) -> None:
        """Count a rebalance."""
        resumed(self._metrics, seconds)

    def written(self, oldest: Mapping[str, int], seconds: float) -> None:
        """Observe a flush that took so long: per table the earliest ingestion time (ms) among its rows."""
        now = time.time()
        self._metrics.sink_flush.observe(seconds)
        for table, at in oldest.items():
            if at < 0:
                continue  # of a topic whose producers set the time, and this one did not
            self._metrics.sink_delay.labels(table).observe(max(0.0, now - at / 1000))
        self._metrics.last_batch.set_to_current_time()

    def moved(self, moved: Moved) -> None:
        """Count what a log did not hold."""
        count_moved(self._metrics, self._settings, moved)

    def refresh(self, lane: Lane[Any], heartbeat_age: float, away_seconds: float) -> None:
        """Set the gauges. `away_seconds`: for how long the store has been away."""
        self._metrics.sink_outage.set(away_seconds)
        self._metrics.heartbeat_age.set(heartbeat_age)
        self._lag.show(lane)


def resumed(metrics: Metrics, seconds: float) -> None:
    """Count a rebalance, during which nothing was worked on for so long."""
    metrics.rebalances.inc()
    metrics.rebalance_pause.observe(seconds)


def count_moved(metrics: Metrics, settings: Settings, moved: Moved) -> None:
    """Count a partition whose log did not hold the position from which it was to be read on."""
    labels = (settings.plain_topic(moved.tp.topic), str(moved.tp.partition))
    if moved.lost:
        metrics.records_lost.labels(*labels).inc(moved.lost)
    else:
        metrics.log_restarts.labels(*labels).inc()
