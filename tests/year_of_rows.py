"""A made-up year in the tables, made by ClickHouse itself: so many rows that what reading costs can be seen.

Owns which rows these are. It must not measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import CHANGING, MOVING
from sinks.clickhouse.statements import note_changes, note_days
from sinks.clickhouse.tables import COLUMNS, TABLES

FIRST_DAY: Final = "2064-01-01"
DAYS: Final = 365
FIVE_WEEKS: Final = ("2064-07-01", "2064-08-05")
TIMES: Final = {
    view.name: table.day
    for table in TABLES
    for view in table.views
    if table.day and (not view.latest_of or table.day in view.latest_of)
}
"""The views that people ask by time, with that time."""
SHARES: Final = {
    "fct_calls": 0.9,
    "fct_surveys": 0.05,
    "fct_cancellations": 0.01,
    "fct_outcomes": 0.02,
    "fct_unattributable_events": 0.02,
    "dim_customers": 0.08,
    "fct_triggers": 0.04,
    "fct_customer_signals": 0.15,
    "fct_dead_letters": 0.005,
}
"""Rows of each table, as shares of the events."""
_EACH_CALLS: Final = 12
"""Contacts of one customer."""

_CUSTOMER: Final = "concat('K-', toString(cityHash64(m) % {customers}))"
_CALL: Final = "concat('call-', hex(cityHash64(m, 1)))"
_CALLED: Final = (
    f"toDateTime64('{FIRST_DAY}', 3, 'UTC') + toIntervalSecond(cityHash64(m, 2) % ({DAYS} * 86400))"
)
_TRIGGER: Final = "lower(hex(MD5(toString(m))))"
_REASON: Final = "['bill', 'fault', 'contract', 'delivery', 'move', 'other'][1 + m % 6]"
_KAFKA: Final = {
    "source_topic": "'contact.calls'",
    "source_partition": "m % 4",
    "source_offset": "m",
    "ingested_at": "occurred + toIntervalSecond(5)",
}
_HEAD: Final = {"customer_id": _CUSTOMER, "event_id": "concat('{name}-', hex(cityHash64(m, 1)))", **_KAFKA}
_EXPRESSIONS: Final[dict[str, dict[str, str]]] = {
    "fct_calls": {
        **_HEAD,
        "event_id": _CALL,
        "occurred_at": "occurred",
        "direction": "if(m % 20, 'inbound', 'outbound')",
        "channel": "['phone', 'chat', 'email'][1 + m % 3]",
        "queue": "['billing', 'technical', 'general'][1 + m % 3]",
        "department": "['service', 'sales'][1 + m % 2]",
        "reason": _REASON,
        "wait_seconds": "m % 600",
        "talk_seconds": "m % 900",
        "abandoned": "m % 10 = 0",
        "resolved": "['yes', 'no', 'unknown'][1 + m % 3]",
    },
    "fct_surveys": {
        **_HEAD,
        "occurred_at": "occurred + toIntervalHour(2)",
        "contact_id": _CALL,
        "csat": "1 + m % 5",
        "nps": "m % 11",
    },
    "fct_cancellations": {
        **_HEAD,
        "occurred_at": "occurred + toIntervalDay(3)",
        "stage": "['inquiry', 'requested', 'confirmed'][1 + m % 3]",
    },
    "fct_outcomes": {
        **_HEAD,
        "occurred_at": "occurred + toIntervalHour(20)",
        "trigger_id": _TRIGGER,
        "disposition": "if(m % 3, 'ANSWERED_HUMAN', 'BUSY')",
        "agent_minutes": "5",
    },
    "fct_unattributable_events": {
        **{name: value for name, value in _HEAD.items() if name != "customer_id"},
        "event_type": "'call'",
        "occurred_at": "occurred",
    },
    "dim_customers": {**_HEAD, "occurred_at": "occurred"},
    "fct_triggers": {
        "mode": "'live'",
        "trigger_id": _TRIGGER,
        "sequence": "1 + n % 2",
        "customer_id": _CUSTOMER,
        "status": "if(n % 2, 'completed', 'open')",
        "purpose": "'service_recovery'",
        "reason_code": "['repeat_contact', 'low_csat'][1 + m % 2]",
        "cause_event_id": _CALL,
        "skill": "'retention'",
        "created_at": "occurred",
        "updated_at": "occurred + toIntervalHour(n % 2 * 20)",
        "due_at": "occurred + toIntervalDay(1)",
        "expires_at": "occurred + toIntervalDay(3)",
        **_KAFKA,
        "version": "n",
    },
    "fct_customer_signals": {
        "customer_id": _CUSTOMER,
        "sequence": "m",
        "as_of": "occurred",
        "band": "'high'",
        **_KAFKA,
        "version": "n",
    },
    "fct_dead_letters": {
        "original_topic": "'contact.calls'",
        "original_partition": "m % 4",
        "original_offset": "m",
        "original_ingested_at": "occurred",
        "payload_sha256": "repeat('a', 64)",
        **_KAFKA,
        "version": "n",
    },
}
_SPARSER: Final = {"fct_triggers": "intDiv(n, 2)"}
"""Two rows are changes of one thing."""


def of_events(events: int) -> dict[str, int]:
    """Return how many rows each table has of so many events."""
    return {table: round(events * share) for table, share in SHARES.items()}


def fill(store: ClickHouse, rows: Mapping[str, int], *, layers: int = 1) -> None:
    """Fill empty tables with so many rows each.

    `layers`: in so many inserts, each over the whole year, which no merge makes one: the worst that reading can meet.
    """
    calls = rows["fct_calls"]
    for table, expressions in _EXPRESSIONS.items():
        if layers > 1:
            never = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"
            store.command(f"ALTER TABLE {table} MODIFY SETTING {never}")
        number = _SPARSER.get(table, "n")
        # What is said of contacts is said of every so manieth, not of the first so many.
        every = 1 if table in ("fct_calls", "dim_customers") else max(1, calls // rows[table])
        place = {"customers": max(1, calls // _EACH_CALLS), "name": table}
        named = {name: text for name, text in expressions.items() if name in (*COLUMNS[table], "version")}
        listed = ", ".join(named)
        values = ", ".join(text.format(**place) for text in named.values())
        for layer in range(layers):
            store.command(
                f"INSERT INTO {table} ({listed}) SELECT {values} FROM (SELECT number AS n, {number} * {every} AS m, "
                f"{_CALLED} AS occurred FROM numbers({rows[table]}) WHERE number % {layers} = {layer}) "
                "SETTINGS max_insert_block_size = 100000000, min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 0, "
                "max_partitions_per_insert_block = 0, max_threads = 1, async_insert = 0"
            )


def follow(store: ClickHouse) -> None:
    """Note the days of the events, and that the figures of all days have changed, long ago."""
    for table in MOVING:
        store.command(note_days(table, ""))
    for table in CHANGING.values():
        store.command(note_changes(table, "1", "toDateTime64(1, 3, 'UTC')"))


def during(column: str) -> str:
    """Return the condition of the five weeks."""
    begin, end = FIVE_WEEKS
    return f"{column} >= '{begin}' AND {column} < '{end}'"


def merge(store: ClickHouse) -> None:
    """Make one part of each partition."""
    for table in SHARES:
        store.command(f"OPTIMIZE TABLE {table} FINAL")
