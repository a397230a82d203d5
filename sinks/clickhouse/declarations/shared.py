"""Columns that several tables have, declared once. What differs between tables is a parameter."""

from typing import Final

from sinks.clickhouse.declarations.table import Column

TIME: Final = "DateTime64(3, 'UTC')"
CODE: Final = "LowCardinality(String)"
KEEP_MONTHS: Final = 25

ENVELOPE: Final = dict.fromkeys(("type", "schema_version", "revised_at"), "the table says it")
"""Fields that no table of one kind of message needs, and why."""

EVENT_ID: Final = Column("event_id", "String", "Identity of the event, given by the producer")

INSERTED: Final = Column(
    "inserted_at",
    TIME,
    "When this row was written here; retention counts from it",
    filler="server",
    default="now64(3, 'UTC')",
)

_ARRIVAL: Final = "Of two rows with one identity the higher counts: ingested_at"
_EVENT_TIME: Final = "Of two profiles of one customer the higher counts: occurred_at"


def head_of_event(
    happened: str, *, named_by: str = "producer", event: str = EVENT_ID.comment
) -> tuple[Column, ...]:
    """Whose event it is, which, and when; `happened` says what its time means. The time is known when a row is made."""
    return (
        Column("customer_id", "String", f"Customer, as the {named_by} names it"),
        Column("event_id", "String", event),
        Column("occurred_at", TIME, happened),
    )


def source(record: str = "record", *, topic: str = "", by_event_time: bool = False) -> tuple[Column, ...]:
    """Return where the record is in Kafka, which row counts, and when it was written. `topic`: more about the topic."""
    counts = _EVENT_TIME if by_event_time else _ARRIVAL
    return (
        Column("source_topic", CODE, f"Kafka topic of the {record}{topic}", filler="record"),
        Column("source_partition", "UInt32", f"Kafka partition of the {record}", filler="record"),
        Column("source_offset", "UInt64", f"Kafka offset of the {record}", filler="record"),
        Column("ingested_at", TIME, f"Kafka time of the {record}", filler="record"),
        Column(
            "version",
            "UInt64",
            f"{counts} in ms, shifted by 20 bits, plus the low bits of the offset",
            filler="record",
        ),
        INSERTED,
    )


def drivers(signals: str) -> tuple[Column, ...]:
    """Return the drivers of a decision, a column for each of a driver's fields; `signals` says which drivers these are."""
    return (
        Column("driver_signals", "Array(LowCardinality(String))", signals, "drivers.*.signal"),
        Column("driver_values", "Array(Float64)", "Their values, in the same order", "drivers.*.value"),
        Column(
            "driver_contributions",
            "Array(Float64)",
            "Their parts of logit(score), in the same order",
            "drivers.*.contribution",
        ),
        Column(
            "driver_evidence",
            "Array(String)",
            "What an agent can tell about each, in the same order",
            "drivers.*.evidence",
        ),
    )
