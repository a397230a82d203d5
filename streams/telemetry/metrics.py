"""Every metric, declared once: name, type, unit, labels, meaning. Docs and dashboards are tested against it.

`Metrics(registry)` makes them on a registry of one's own, so that tests and processes do not share counts. It
must not decide anything. No label may hold what a customer or a stranger chooses (ids, free text).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_M = TypeVar("_M", Counter, Gauge, Histogram)

_LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)
_DURATION = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 50_000.0, 100_000.0)


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric. `name` is what Prometheus stores, unit and `_total` included."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> frozenset[str]:
        """The names under which a query may ask for it."""
        if self.kind != "histogram":
            return frozenset({self.name})
        return frozenset(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))


CATALOGUE: tuple[Spec, ...] = (
    Spec(
        "behoudlijn_events_total",
        "counter",
        "events",
        "Events read, by type and result: accepted, duplicate, beyond_horizon, unattributable, rejected; erased, "
        "when its customer was erased up to a later time.",
        ("type", "result"),
    ),
    Spec(
        "behoudlijn_unknown_fields_total",
        "counter",
        "events",
        "Events with fields that our schema does not know: their producer is ahead of us.",
        ("type",),
    ),
    Spec(
        "behoudlijn_triggers_total",
        "counter",
        "triggers",
        "Callback triggers decided, by purpose, status and mode (shadow, live).",
        ("purpose", "status", "mode"),
    ),
    Spec(
        "behoudlijn_dead_letters_total",
        "counter",
        "records",
        "Records that could not be read as events, by reason.",
        ("reason",),
    ),
    Spec(
        "behoudlijn_dead_letter_limit_ratio",
        "gauge",
        "ratio",
        "How much of its limit of dead letters a topic has used up, the worst partition: above 1 the worker ends.",
        ("topic",),
    ),
    Spec(
        "behoudlijn_repartitioned_total",
        "counter",
        "events",
        "Events sent on to their customer's partition, by why they were on another: no_key, foreign_key, wrong_partition.",
        ("reason",),
    ),
    Spec(
        "behoudlijn_outputs_resent_total",
        "counter",
        "records",
        "Outputs published again after a restart because it was not certain that they had arrived.",
    ),
    Spec(
        "behoudlijn_foreign_writes_total",
        "counter",
        "records",
        "Changelog records that a worker wrote after it had lost the partition, found and set right.",
    ),
    Spec(
        "behoudlijn_event_to_trigger_latency_seconds",
        "histogram",
        "seconds",
        "From the time of the event that caused a trigger to its publication, as the customer sees it.",
        ("mode",),
        _LATENCY,
    ),
    Spec(
        "behoudlijn_ingest_to_trigger_latency_seconds",
        "histogram",
        "seconds",
        "From the arrival in Kafka of the event that caused a trigger to its publication: our own part.",
        ("mode",),
        _LATENCY,
    ),
    Spec("behoudlijn_batch_size_events", "histogram", "events", "Events decided in one batch.", (), _ROWS),
    Spec(
        "behoudlijn_batch_duration_seconds",
        "histogram",
        "seconds",
        "From taking a batch to having its outputs acknowledged.",
        (),
        _DURATION,
    ),
    Spec(
        "behoudlijn_sink_delay_seconds",
        "histogram",
        "seconds",
        "From a record's arrival in Kafka to its row in ClickHouse.",
        ("table",),
        _LATENCY,
    ),
    Spec("behoudlijn_sink_insert_rows", "histogram", "rows", "Rows in one insert.", ("table",), _ROWS),
    Spec("behoudlijn_sink_rows_total", "counter", "rows", "Rows that ClickHouse confirmed.", ("table",)),
    Spec(
        "behoudlijn_sink_retries_total",
        "counter",
        "attempts",
        "Inserts tried again, with the same token, after a failure.",
    ),
    Spec(
        "behoudlijn_lag_records",
        "gauge",
        "records",
        "Records of a partition that are not yet worked through.",
        ("topic", "partition"),
    ),
    Spec(
        "behoudlijn_lag_seconds",
        "gauge",
        "seconds",
        "Age of the oldest record fetched and not yet worked through; 0 when there is none.",
        ("topic", "partition"),
    ),
    Spec(
        "behoudlijn_oldest_unanswered_callback_request_seconds",
        "gauge",
        "seconds",
        "Age of the oldest callback that a customer asked for and has not been given.",
    ),
    Spec(
        "behoudlijn_records_lost_total",
        "counter",
        "records",
        "Records that retention removed before they were read: offsets, so an upper bound where a topic is compacted or written "
        "in transactions.",
        ("topic", "partition"),
    ),
    Spec(
        "behoudlijn_log_restarts_total",
        "counter",
        "restarts",
        "How often a partition was read again from its beginning because its log is another one, or ends before what was "
        "committed.",
        ("topic", "partition"),
    ),
    Spec(
        "behoudlijn_codec_readable",
        "gauge",
        "yes/no",
        "1 when records in this codec of Kafka can be read, 0 when a package is missing: then the worker does not begin.",
        ("codec",),
    ),
    Spec(
        "behoudlijn_recovery_seconds",
        "gauge",
        "seconds",
        "How long the last recovery of customer states took.",
    ),
    Spec("behoudlijn_customers", "gauge", "customers", "Customers held in the store.", ("partition",)),
    Spec(
        "behoudlijn_heartbeat_age_seconds",
        "gauge",
        "seconds",
        "Time since the consumer group last answered a heartbeat of this worker.",
    ),
    Spec(
        "behoudlijn_last_batch_timestamp_seconds",
        "gauge",
        "seconds",
        "When the last batch was finished, since the epoch.",
    ),
    Spec(
        "behoudlijn_last_event_timestamp_seconds",
        "gauge",
        "seconds",
        "Newest event time worked through, since the epoch: how fresh the signals are.",
    ),
)
"""Every metric, in the order of the docs."""

_BY_NAME = {spec.name: spec for spec in CATALOGUE}


class Metrics:
    """The catalogue's metrics on `registry`; the global one of prometheus_client is never used."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Raises ValueError when `registry` already holds them: one process, one `Metrics`."""
        self.registry = registry or CollectorRegistry()
        self.events = self._make(Counter, "behoudlijn_events_total")
        self.unknown_fields = self._make(Counter, "behoudlijn_unknown_fields_total")
        self.triggers = self._make(Counter, "behoudlijn_triggers_total")
        self.dead_letters = self._make(Counter, "behoudlijn_dead_letters_total")
        self.dead_letter_limit = self._make(Gauge, "behoudlijn_dead_letter_limit_ratio")
        self.repartitioned = self._make(Counter, "behoudlijn_repartitioned_total")
        self.outputs_resent = self._make(Counter, "behoudlijn_outputs_resent_total")
        self.foreign_writes = self._make(Counter, "behoudlijn_foreign_writes_total")
        self.event_to_trigger_latency = self._make(Histogram, "behoudlijn_event_to_trigger_latency_seconds")
        self.ingest_to_trigger_latency = self._make(Histogram, "behoudlijn_ingest_to_trigger_latency_seconds")
        self.batch_size = self._make(Histogram, "behoudlijn_batch_size_events")
        self.batch_duration = self._make(Histogram, "behoudlijn_batch_duration_seconds")
        self.sink_delay = self._make(Histogram, "behoudlijn_sink_delay_seconds")
        self.sink_insert_rows = self._make(Histogram, "behoudlijn_sink_insert_rows")
        self.sink_rows = self._make(Counter, "behoudlijn_sink_rows_total")
        self.sink_retries = self._make(Counter, "behoudlijn_sink_retries_total")
        self.lag_records = self._make(Gauge, "behoudlijn_lag_records")
        self.lag_seconds = self._make(Gauge, "behoudlijn_lag_seconds")
        self.oldest_unanswered = self._make(Gauge, "behoudlijn_oldest_unanswered_callback_request_seconds")
        self.records_lost = self._make(Counter, "behoudlijn_records_lost_total")
        self.log_restarts = self._make(Counter, "behoudlijn_log_restarts_total")
        self.codec_readable = self._make(Gauge, "behoudlijn_codec_readable")
        self.recovery = self._make(Gauge, "behoudlijn_recovery_seconds")
        self.customers = self._make(Gauge, "behoudlijn_customers")
        self.heartbeat_age = self._make(Gauge, "behoudlijn_heartbeat_age_seconds")
        self.last_batch = self._make(Gauge, "behoudlijn_last_batch_timestamp_seconds")
        self.last_event = self._make(Gauge, "behoudlijn_last_event_timestamp_seconds")

    def _make(self, kind: type[_M], name: str) -> _M:
        spec = _BY_NAME[name]
        options: dict[str, Any] = {"buckets": spec.buckets} if spec.kind == "histogram" else {}
        return kind(spec.name, spec.meaning, spec.labels, registry=self.registry, **options)
