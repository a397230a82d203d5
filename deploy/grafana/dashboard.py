"""The dashboard as code: `make generated` writes dashboards/behoudlijn.json from it.

Owns panels and their queries; a test holds every query against the declared metrics. From the top: are
customers served in time, is the pipeline keeping up, is the data sound, is ClickHouse fed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_WIDTH, _COLUMNS, _HEIGHT = 8, 3, 8


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `queries`: legend and PromQL. `unit`: Grafana's name. `limit`: where the alert is."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    about: str
    kind: Literal["timeseries", "stat"] = "timeseries"
    limit: float | None = None


def _quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    groups = f"le, {by}" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    return tuple(
        (
            f"p{round(q * 100)}{legend}",
            f"histogram_quantile({q}, sum by ({groups}) (rate({metric}_bucket[$__rate_interval])))",
        )
        for q in (0.5, 0.95, 0.99)
    )


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Callbacks",
        (
            Panel(
                "Triggers by purpose and status",
                "ops",
                (
                    (
                        "{{purpose}} {{status}} ({{mode}})",
                        "sum by (purpose, status, mode) (rate(behoudlijn_triggers_total[$__rate_interval]))",
                    ),
                ),
                "Decided per second; in shadow mode recorded, not published.",
            ),
            Panel(
                "Event arrived → trigger published",
                "s",
                _quantiles("behoudlijn_ingest_to_trigger_latency_seconds"),
                "The pipeline's own part of the latency. 99 % within 5 s is the objective.",
                limit=5,
            ),
            Panel(
                "Oldest unanswered callback request",
                "s",
                (("oldest", "max(behoudlijn_oldest_unanswered_callback_request_seconds)"),),
                "How long somebody has been waiting for a promised call.",
                kind="stat",
                limit=4 * 3600,
            ),
            Panel(
                "Event happened → trigger published",
                "s",
                _quantiles("behoudlijn_event_to_trigger_latency_seconds"),
                "As the customer sees it: includes the producers' delay.",
            ),
            Panel(
                "Triggers late by the objective",
                "percentunit",
                (
                    ("1 h", "behoudlijn:triggers_late:ratio_1h"),
                    ("6 h", "behoudlijn:triggers_late:ratio_6h"),
                    ("3 d", "behoudlijn:triggers_late:ratio_3d"),
                ),
                "Share later than 5 s; the budget is 1 %.",
                limit=0.01,
            ),
        ),
    ),
    (
        "Signals workers",
        (
            Panel(
                "Events by type and result",
                "ops",
                (
                    (
                        "{{type}} {{result}}",
                        "sum by (type, result) (rate(behoudlijn_events_total[$__rate_interval]))",
                    ),
                ),
                "What was read and what became of it.",
            ),
            Panel(
                "Lag in seconds",
                "s",
                (("{{job}} {{topic}}", "max by (job, topic) (behoudlijn_lag_seconds)"),),
                "Age of the oldest record that is not yet worked through.",
                limit=60,
            ),
            Panel(
                "Lag in records",
                "short",
                (("{{job}} {{topic}}", "sum by (job, topic) (behoudlijn_lag_records)"),),
                "How many records wait.",
            ),
            Panel(
                "Batches",
                "short",
                _quantiles("behoudlijn_batch_size_events"),
                "Events per batch.",
            ),
            Panel(
                "Time per batch",
                "s",
                _quantiles("behoudlijn_batch_duration_seconds"),
                "From taking it to having its outputs acknowledged.",
            ),
            Panel(
                "Computing time by partition",
                "percentunit",
                (
                    (
                        "{{partition}}",
                        "sum by (partition) (rate(behoudlijn_batch_computing_seconds_sum[$__rate_interval]))",
                    ),
                    ("busiest customer of {{partition}}", "behoudlijn_busiest_customer_ratio"),
                ),
                "Share of a core that a partition's batches take, and the share of its records that are one customer's.",
            ),
            Panel(
                "Customers held, recovery, outputs sent again",
                "short",
                (
                    ("customers", "sum(behoudlijn_customers)"),
                    ("recovery, s", "max(behoudlijn_recovery_seconds)"),
                    ("sent again in 1 h", "sum(increase(behoudlijn_outputs_resent_total[1h]))"),
                    ("late writes set right in 1 h", "sum(increase(behoudlijn_foreign_writes_total[1h]))"),
                ),
                "The store, and what the last restart cost.",
            ),
            Panel(
                "Freshness and heartbeat",
                "s",
                (
                    ("since last batch {{instance}}", "time() - behoudlijn_last_batch_timestamp_seconds"),
                    ("event time behind {{instance}}", "time() - behoudlijn_last_event_timestamp_seconds"),
                    ("heartbeat {{instance}}", "behoudlijn_heartbeat_age_seconds"),
                ),
                "How old the newest knowledge is, and whether the group hears from the worker.",
            ),
            Panel(
                "Clocks",
                "s",
                (
                    (
                        "partition {{partition}} ahead of the brokers",
                        "max by (partition) (behoudlijn_partition_time_ahead_seconds)",
                    ),
                    ("clock of {{instance}} ahead of the brokers", "behoudlijn_clock_skew_seconds"),
                ),
                "Partition time is at most the tolerance ahead. A worker's own clock moves nothing but the latencies it measures.",
            ),
            Panel(
                "Dead letters by reason",
                "ops",
                (
                    (
                        "{{reason}}",
                        "sum by (reason) (rate(behoudlijn_dead_letters_total[$__rate_interval]))",
                    ),
                    ("ratio", "behoudlijn:dead_letters:ratio_15m"),
                ),
                "Records that are no events. Above 1 % of all somebody is called.",
            ),
            Panel(
                "Limit of dead letters used",
                "percentunit",
                (("{{topic}}", "max by (topic) (behoudlijn_dead_letter_limit_ratio)"),),
                "Above 100 % the worker ends: the topic has gone bad.",
                limit=0.5,
            ),
            Panel(
                "Events sent on to their customer's partition",
                "ops",
                (
                    (
                        "{{reason}}",
                        "sum by (reason) (rate(behoudlijn_repartitioned_total[$__rate_interval]))",
                    ),
                    ("ratio", "behoudlijn:repartitioned:ratio_15m"),
                ),
                "A producer keys or partitions otherwise than Kafka's default; each costs a detour.",
            ),
            Panel(
                "Lost before it was read, logs begun anew, codecs that cannot be read",
                "short",
                (
                    (
                        "lost in 1 h {{job}} {{topic}}",
                        "sum by (job, topic) (increase(behoudlijn_records_lost_total[1h]))",
                    ),
                    (
                        "begun anew in 1 h {{job}} {{topic}}",
                        "sum by (job, topic) (increase(behoudlijn_log_restarts_total[1h]))",
                    ),
                    ("without {{codec}}: {{job}}", "1 - min by (job, codec) (behoudlijn_codec_readable)"),
                ),
                "All 0, or somebody is called: what retention removed has to be sent again.",
            ),
            Panel(
                "Workers by version, policy and mode; topics that wait for an upgrade",
                "short",
                (
                    (
                        "{{job}} {{version}} {{policy}} {{mode}} compiled: {{compiled}}",
                        "count by (job, version, policy, mode, compiled) (behoudlijn_info)",
                    ),
                    ("topics that wait", "max(behoudlijn_topics_waiting)"),
                ),
                "All signals workers have one policy and one mode. A topic waits until every worker knows it.",
            ),
            Panel(
                "Timers that wait, and that are put off",
                "short",
                (
                    ("waiting", "sum(behoudlijn_timers)"),
                    ("put off {{partition}}", "max by (partition) (behoudlijn_timers_overdue) > 0"),
                ),
                "A herd that falls due at once is judged between events, the earliest first.",
            ),
            Panel(
                "How long timers have been put off",
                "s",
                (("{{partition}}", "max by (partition) (behoudlijn_timers_overdue_seconds)"),),
                "0 but for a moment, unless timers come faster than their share of the computing time.",
            ),
            Panel(
                "Time of a partition and of a worker, ahead of the brokers'",
                "s",
                (
                    (
                        "partition {{partition}}",
                        "max by (partition) (behoudlijn_partition_time_ahead_seconds)",
                    ),
                    ("clock of {{instance}}", "behoudlijn_clock_skew_seconds"),
                ),
                "A partition is ahead by the tolerance at most; a worker's clock moves none.",
            ),
            Panel(
                "Changelog writes",
                "s",
                _quantiles("behoudlijn_changelog_write_seconds"),
                "From sending states to having them confirmed: the brokers' part of a batch.",
            ),
            Panel(
                "Held up by open transactions",
                "s",
                (("{{job}} {{topic}}", "max by (job, topic) (behoudlijn_open_transaction_seconds)"),),
                "How long a producer's transaction has been open; what lies behind it cannot be read and is no lag.",
                limit=60,
            ),
            Panel(
                "Records behind open transactions",
                "short",
                (("{{job}} {{topic}}", "sum by (job, topic) (behoudlijn_open_transaction_records)"),),
                "From the beginning of the transaction to the log's end.",
            ),
            Panel(
                "Unknown fields",
                "ops",
                (
                    (
                        "{{type}}",
                        "sum by (type) (rate(behoudlijn_unknown_fields_total[$__rate_interval]))",
                    ),
                ),
                "A producer sends more than the schema knows: time for a new version.",
            ),
        ),
    ),
    (
        "Processes",
        (
            Panel(
                "Rebalances, and the pause of each",
                "s",
                (
                    ("in 1 h {{job}}", "sum by (job) (increase(behoudlijn_rebalances_total[1h]))"),
                    *_quantiles("behoudlijn_rebalance_pause_seconds", "job"),
                ),
                "From giving partitions back to being ready with those that were given.",
            ),
            Panel(
                "Delay of the event loop",
                "s",
                _quantiles("behoudlijn_loop_delay_seconds", "job"),
                "What one task computes at a stretch, all others wait for.",
            ),
            Panel(
                "Memory",
                "bytes",
                (("{{job}} {{instance}}", 'process_resident_memory_bytes{job=~"behoudlijn-.*"}'),),
                "States of customers, buffers of records.",
            ),
            Panel(
                "Computing time",
                "percentunit",
                (
                    (
                        "{{job}} {{instance}}",
                        'rate(process_cpu_seconds_total{job=~"behoudlijn-.*"}[$__rate_interval])',
                    ),
                ),
                "Share of a core; a worker decides on one.",
            ),
            Panel(
                "Open files and connections",
                "percentunit",
                (
                    (
                        "{{job}} {{instance}}",
                        'process_open_fds{job=~"behoudlijn-.*"} / process_max_fds{job=~"behoudlijn-.*"}',
                    ),
                ),
                "Of those that the process may have.",
                limit=0.8,
            ),
        ),
    ),
    (
        "ClickHouse",
        (
            Panel(
                "ClickHouse away",
                "s",
                (("{{instance}}", "max by (instance) (behoudlijn_sink_outage_seconds)"),),
                "For how long rows have waited for it in vain; the offsets are held.",
                limit=60,
            ),
            Panel(
                "Flushes",
                "s",
                _quantiles("behoudlijn_sink_flush_seconds"),
                "From the first request to the rows being confirmed.",
            ),
            Panel(
                "Rows confirmed",
                "wps",
                (("{{table}}", "sum by (table) (rate(behoudlijn_sink_rows_total[$__rate_interval]))"),),
                "Rows that ClickHouse says it has written.",
            ),
            Panel(
                "Delay by table (p95)",
                "s",
                (("{{table}}", "behoudlijn:sink_delay_seconds:p95_10m"),),
                "From arrival in Kafka to the row.",
                limit=60,
            ),
            Panel(
                "Requests tried again, rows per insert",
                "short",
                (
                    (
                        "{{reason}}, in 5 min",
                        "sum by (reason) (increase(behoudlijn_sink_retries_total[5m])) > 0",
                    ),
                    *_quantiles("behoudlijn_sink_insert_rows")[:1],
                ),
                "Why ClickHouse was not available. Inserts carry the same token again: no row is written twice.",
            ),
        ),
    ),
)


def build() -> dict[str, Any]:
    """Return the dashboard in Grafana's model."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        grid = {"x": 0, "y": y, "w": _WIDTH * _COLUMNS, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": grid, "panels": []})
        y += 1
        for index, panel in enumerate(row):
            line, column = divmod(index, _COLUMNS)
            place = {"x": column * _WIDTH, "y": y + line * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_panel(panel)})
        y += -(-len(row) // _COLUMNS) * _HEIGHT
    return {
        "uid": "behoudlijn",
        "title": "Behoudlijn",
        "description": "Made by deploy/grafana/dashboard.py; changes made in Grafana are not kept.",
        "schemaVersion": 41,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "tags": ["behoudlijn"],
        "panels": panels,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    custom = {"thresholdsStyle": {"mode": "line" if panel.limit is not None else "off"}}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": custom if panel.kind == "timeseries" else {},
            },
            "overrides": [],
        },
    }


def rendered() -> str:
    """Return the file's text."""
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"
