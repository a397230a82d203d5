"""Every metric, declared once: attribute, type, name, unit, meaning, labels. Pages and dashboards are held against it.

`Metrics(registry)` makes them on a registry of one's own, so that tests and processes do not share counts. It
must not decide anything. No label may hold what a customer or a stranger chooses (ids, free text).
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.telemetry.declaration import Declaration

# A quantile may be off by the whole bucket that it lies in, so neighbours are near each other where decisions are taken: from half a
# second to ten minutes at most by half. What an alert asks for is a bound itself, so that the answer is exact.
_LATENCY = (
    0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0,
    450.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0,
)  # fmt: skip
_DURATION = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0,
)  # fmt: skip
_COMPUTING = (0.001, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0)
_FLUSH = (*_DURATION, *(bound for bound in _LATENCY if 10.0 < bound <= 300.0))
_PAUSE = (0.1, 0.15, 0.25, *(bound for bound in _LATENCY if 0.5 <= bound <= 300.0))
_ROWS = (1.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 50_000.0, 100_000.0)


class Metrics:
    """The metrics of one process, on `registry`; the global one of prometheus_client is never used."""

    events = Declaration(
        Counter,
        "behoudlijn_events_total",
        "events",
        "Events read, by type and result: accepted, duplicate, beyond_horizon, unattributable, rejected; erased, "
        "when its customer was erased up to a later time. A record that is no event has the type of its topic's own.",
        ("type", "result"),
    )
    unknown_fields = Declaration(
        Counter,
        "behoudlijn_unknown_fields_total",
        "events",
        "Events with fields that our schema does not know: their producer is ahead of us.",
        ("type",),
    )
    triggers = Declaration(
        Counter,
        "behoudlijn_triggers_total",
        "triggers",
        "Callback triggers decided, by purpose, status and mode (shadow, live).",
        ("purpose", "status", "mode"),
    )
    dead_letters = Declaration(
        Counter,
        "behoudlijn_dead_letters_total",
        "records",
        "Records that could not be read as events, by reason.",
        ("reason",),
    )
    dead_letter_limit = Declaration(
        Gauge,
        "behoudlijn_dead_letter_limit_ratio",
        "ratio",
        "How much of its limit of dead letters a topic has used up, the worst partition: above 1 the worker ends.",
        ("topic",),
    )
    repartitioned = Declaration(
        Counter,
        "behoudlijn_repartitioned_total",
        "events",
        "Events sent on to their customer's partition, by why they were on another: no_key, foreign_key, wrong_partition.",
        ("reason",),
    )
    outputs_resent = Declaration(
        Counter,
        "behoudlijn_outputs_resent_total",
        "records",
        "Outputs published again after a restart because it was not certain that they had arrived.",
    )
    foreign_writes = Declaration(
        Counter,
        "behoudlijn_foreign_writes_total",
        "records",
        "Changelog records that a worker wrote after it had lost the partition, found and set right.",
    )
    event_to_trigger_latency = Declaration(
        Histogram,
        "behoudlijn_event_to_trigger_latency_seconds",
        "seconds",
        "From the time of the event that caused a trigger to its publication, as the customer sees it.",
        ("mode",),
        _LATENCY,
    )
    ingest_to_trigger_latency = Declaration(
        Histogram,
        "behoudlijn_ingest_to_trigger_latency_seconds",
        "seconds",
        "From the arrival in Kafka of the event that caused a trigger to its publication: our own part.",
        ("mode",),
        _LATENCY,
    )
    batch_size = Declaration(
        Histogram, "behoudlijn_batch_size_events", "events", "Events decided in one batch.", buckets=_ROWS
    )
    batch_duration = Declaration(
        Histogram,
        "behoudlijn_batch_duration_seconds",
        "seconds",
        "From taking a batch to having its outputs acknowledged.",
        buckets=_DURATION,
    )
    batch_computing = Declaration(
        Histogram,
        "behoudlijn_batch_computing_seconds",
        "seconds",
        "Computing time of one batch of a partition, of records or of timers alone: a costly partition is seen by the sum.",
        ("partition",),
        _COMPUTING,
    )
    busiest_customer = Declaration(
        Gauge,
        "behoudlijn_busiest_customer_ratio",
        "ratio",
        "Share of a partition's records that one customer had, of the last ten seconds or 10,000 records; 0 when they are fewer than 100.",
        ("partition",),
    )
    sink_delay = Declaration(
        Histogram,
        "behoudlijn_sink_delay_seconds",
        "seconds",
        "From a record's arrival in Kafka to its row in ClickHouse.",
        ("table",),
        _LATENCY,
    )
    sink_insert_rows = Declaration(
        Histogram, "behoudlijn_sink_insert_rows", "rows", "Rows in one insert.", ("table",), _ROWS
    )
    sink_rows = Declaration(
        Counter, "behoudlijn_sink_rows_total", "rows", "Rows that ClickHouse confirmed.", ("table",)
    )
    sink_retries = Declaration(
        Counter,
        "behoudlijn_sink_retries_total",
        "requests",
        "Requests to ClickHouse that failed in a way that passes and are tried again, an insert with the same token; by the reasons "
        "of docs/clickhouse-errors.md.",
        ("reason",),
    )
    lag_records = Declaration(
        Gauge,
        "behoudlijn_lag_records",
        "records",
        "Records of a partition that are not yet worked through and could be: up to the beginning of an open transaction. By the "
        "brokers' word, which is at most a few seconds old in every state.",
        ("topic", "partition"),
    )
    lag_seconds = Declaration(
        Gauge,
        "behoudlijn_lag_seconds",
        "seconds",
        "Age of the oldest record fetched and not yet worked through; while none is in hand, since when records have been seen to wait; "
        "0 when there is none.",
        ("topic", "partition"),
    )
    open_transaction_records = Declaration(
        Gauge,
        "behoudlijn_open_transaction_records",
        "records",
        "Offsets from the beginning of an open transaction to the end of its log: they cannot be read before it ends, and are "
        "not part of the lag.",
        ("topic", "partition"),
    )
    open_transaction = Declaration(
        Gauge,
        "behoudlijn_open_transaction_seconds",
        "seconds",
        "How long the open transaction has stood there that holds up a partition, as far as this worker has seen; 0 when there is none.",
        ("topic", "partition"),
    )
    oldest_unanswered = Declaration(
        Gauge,
        "behoudlijn_oldest_unanswered_callback_request_seconds",
        "seconds",
        "For how long the customer who waits longest for a callback could have been called: hours of calling since it was asked for. "
        "Who may not be called, or has no telephone number, does not count, nor what the policy takes for expired.",
    )
    records_lost = Declaration(
        Counter,
        "behoudlijn_records_lost_total",
        "records",
        "Records that retention removed before they were read: offsets, so an upper bound where a topic is compacted or written "
        "in transactions.",
        ("topic", "partition"),
    )
    log_restarts = Declaration(
        Counter,
        "behoudlijn_log_restarts_total",
        "restarts",
        "How often a partition was read again from its beginning because its log is another one, or ends before what was "
        "committed.",
        ("topic", "partition"),
    )
    codec_readable = Declaration(
        Gauge,
        "behoudlijn_codec_readable",
        "yes/no",
        "1 when records in this codec of Kafka can be read, 0 when a package is missing: then the worker does not begin.",
        ("codec",),
    )
    recovery = Declaration(
        Gauge, "behoudlijn_recovery_seconds", "seconds", "How long the last recovery of customer states took."
    )
    customers = Declaration(
        Gauge, "behoudlijn_customers", "customers", "Customers held in the store.", ("partition",)
    )
    timers = Declaration(
        Gauge,
        "behoudlijn_timers",
        "timers",
        "Due times that a partition keeps; one that was moved counts until its old time has passed.",
        ("partition",),
    )
    timers_overdue = Declaration(
        Gauge,
        "behoudlijn_timers_overdue",
        "timers",
        "Those of them that are due and put off, so that events go first.",
        ("partition",),
    )
    timers_overdue_age = Declaration(
        Gauge,
        "behoudlijn_timers_overdue_seconds",
        "seconds",
        "For how long some timer of a partition has been put off without a pause; 0 when none is.",
        ("partition",),
    )
    changelog_write = Declaration(
        Histogram,
        "behoudlijn_changelog_write_seconds",
        "seconds",
        "From sending a batch's states to the changelog to having them confirmed.",
        buckets=_DURATION,
    )
    sink_flush = Declaration(
        Histogram,
        "behoudlijn_sink_flush_seconds",
        "seconds",
        "From a flush's first request to ClickHouse to its rows being confirmed, repeats and outages included.",
        buckets=_FLUSH,
    )
    sink_outage = Declaration(
        Gauge,
        "behoudlijn_sink_outage_seconds",
        "seconds",
        "For how long ClickHouse has been away while rows wait for it; 0 when it is not.",
    )
    rebalances = Declaration(
        Counter,
        "behoudlijn_rebalances_total",
        "rebalances",
        "How often this worker was given partitions, that at its start included.",
    )
    rebalance_pause = Declaration(
        Histogram,
        "behoudlijn_rebalance_pause_seconds",
        "seconds",
        "From giving partitions back, or asking to take part, to the first fetch of those that were given: nothing is worked on meanwhile.",
        buckets=_PAUSE,
    )
    loop_delay = Declaration(
        Histogram,
        "behoudlijn_loop_delay_seconds",
        "seconds",
        "By how much the event loop is late when it is looked at each second: what one task computes, all others wait for.",
        buckets=_DURATION,
    )
    partition_time_ahead = Declaration(
        Gauge,
        "behoudlijn_partition_time_ahead_seconds",
        "seconds",
        "By how much a partition's time is ahead of the brokers'; at most the tolerance, unless it has leapt.",
        ("partition",),
    )
    clock_skew = Declaration(
        Gauge,
        "behoudlijn_clock_skew_seconds",
        "seconds",
        "By how much the worker's clock is ahead of the brokers', with the time that their last answer took; below 0: behind. It moves "
        "no partition's time.",
    )
    heartbeat_age = Declaration(
        Gauge,
        "behoudlijn_heartbeat_age_seconds",
        "seconds",
        "Time since the consumer group last answered a heartbeat of this worker.",
    )
    last_batch = Declaration(
        Gauge,
        "behoudlijn_last_batch_timestamp_seconds",
        "seconds",
        "When the last batch was finished, since the epoch; before the first one, when the worker started.",
    )
    last_event = Declaration(
        Gauge,
        "behoudlijn_last_event_timestamp_seconds",
        "seconds",
        "Newest event time worked through, since the epoch: how fresh the signals are.",
    )

    info = Declaration(
        Gauge,
        "behoudlijn_info",
        "yes/no",
        "1, with what runs: version, policy with its digest and mode (of a signals worker), whether the core is compiled.",
        ("version", "policy", "mode", "compiled"),
    )
    topics_waiting = Declaration(
        Gauge,
        "behoudlijn_topics_waiting",
        "topics",
        "Input topics that are not read because another worker of the group does not know them (a rolling upgrade that is not at its end), "
        "or the brokers do not.",
    )

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Make them. Raises ValueError when `registry` already holds them: one process, one `Metrics`."""
        self.registry = registry or CollectorRegistry()
        for attribute, declared in DECLARED.items():
            setattr(self, attribute, declared.made_on(self.registry))


DECLARED: dict[str, Declaration[Any]] = {
    attribute: declared for attribute, declared in vars(Metrics).items() if isinstance(declared, Declaration)
}
"""Every metric by its attribute, in the order of the docs."""

CATALOGUE: tuple[Declaration[Any], ...] = tuple(DECLARED.values())

OF_THE_PROCESS: tuple[tuple[str, str, str, str], ...] = (
    (
        "process_cpu_seconds_total",
        "counter",
        "seconds",
        "Computing time of the process, of users and of the system.",
    ),
    ("process_resident_memory_bytes", "gauge", "bytes", "Memory that the process holds."),
    ("process_virtual_memory_bytes", "gauge", "bytes", "Memory that it has asked for."),
    ("process_open_fds", "gauge", "files", "Files and connections that are open."),
    ("process_max_fds", "gauge", "files", "How many may be."),
    ("process_start_time_seconds", "gauge", "seconds", "When it was started, since the epoch."),
)
"""What `prometheus_client` itself tells of a worker's process: name, kind, unit, meaning."""
