"""Columns that several tables have, declared once. What differs between tables is a parameter."""

from typing import Final

from schemas.dispositions import ATTEMPTS, REACHED
from sinks.clickhouse.conversions import revision
from sinks.clickhouse.declarations.table import EPHEMERAL, Column, Keep

TIME: Final = "DateTime64(3, 'UTC')"
CODE: Final = "LowCardinality(String)"
KEEP: Final = Keep(25)
OF_JOINS: Final = "SETTINGS join_use_nulls = 0, aggregate_functions_null_for_empty = 0"
"""A view with a join says so: whoever reads it may have set otherwise, for their own."""
FEW: Final = 16
"""The granule of tables with few rows."""
FEWEST: Final = 8

DISPOSITION: Final = Column(
    "disposition", CODE, f"How the attempt ended; {' or '.join(REACHED)} means that the callback was given"
)
RESULT: Final = Column(
    "result", CODE, "What the customer said: satisfied, unresolved, will_leave, competitor, other or unknown"
)
IS_REACHED: Final = f"disposition IN {REACHED!r}"
"""Of a row of outcomes: the customer was reached (`schemas.dispositions`)."""
IS_ATTEMPT: Final = f"disposition IN {ATTEMPTS!r}"
"""It counts as an attempt to call."""

ENVELOPE: Final = dict.fromkeys(("type", "schema_version"), "the table says it")
"""Fields that no table of one kind of message needs, and why."""

EVENT_ID: Final = Column("event_id", "String", "Identity of the event, given by the producer")

INSERTED: Final = Column(
    "inserted_at", TIME, "When this row was written here", filler="server", default="now64(3, 'UTC')"
)

REVISED_AT: Final = Column(
    "revised_at",
    f"Nullable({TIME})",
    "When the producer last changed what it says of this event; null when it never did",
    convert=revision,
)

_REVISION: Final = "ifNull(toUnixTimestamp64Milli(revised_at), 0)"
_ARRIVAL: Final = "bitShiftLeft(toUInt64(toUnixTimestamp64Milli(ingested_at)), 20)"
_OFFSET: Final = "bitAnd(source_offset, 1048575)"

BY_REVISION: Final = Column(
    "version",
    "UInt128",
    "Of two rows with one identity the higher counts: revised_at in ms (0 for null), shifted by 64 bits, plus ingested_at in ms, "
    "shifted by 20 bits, plus the low bits of the offset",
    filler="server",
    default=f"(bitShiftLeft(toUInt128({_REVISION}), 64) + {_ARRIVAL}) + {_OFFSET}",
)
"""The rule of `schemas.revisions`, which the server follows, so that no row's version says another thing than its columns. A sink
worker up to 0.2.0 fills it with the arrival, which is the version of a row that has no revision."""

MOVED: Final = Column(
    "moved",
    "UInt8",
    "1 on a day where the event is no more, since a version that counts more lies on another day; such rows are never shown, and are "
    "kept a month longer",
    filler="server",
    default="0",
)

LATEST: Final = Column(
    "latest",
    "UInt256",
    "Of two profiles of one customer the higher counts: occurred_at in ms, shifted by 128 bits, plus revised_at in ms (0 for null), "
    "by 64, plus ingested_at in ms, by 20, plus the low bits of the offset",
    filler="server",
    default=f"((bitShiftLeft(toUInt256(toUnixTimestamp64Milli(occurred_at)), 128) + bitShiftLeft(toUInt256({_REVISION}), 64)) + {_ARRIVAL}) "
    f"+ {_OFFSET}",
)
"""Later event time first, then as of events."""

VERSION_OF_BEFORE: Final = Column(
    "version",
    "UInt256",
    "What sink workers up to 0.2.0 fill in; not kept",
    filler="server",
    default=EPHEMERAL,
)


def head_of_event(
    happened: str, *, named_by: str = "producer", event: str = EVENT_ID.comment
) -> tuple[Column, ...]:
    """Whose event it is, which, when, and which revision; `happened` says what its time means, which is known when a row is made."""
    return (
        Column("customer_id", "String", f"Customer, as the {named_by} names it"),
        Column("event_id", "String", event),
        Column("occurred_at", TIME, happened),
        REVISED_AT,
    )


def source(*versions: Column) -> tuple[Column, ...]:
    """Return where an event's record is in Kafka, which row counts, and when it was written. `versions`: what says which counts, of
    another table than those whose rows lie by the day of their event."""
    return (*_record("record", ""), *(versions or (BY_REVISION, MOVED)), INSERTED)


def source_of_output(record: str = "record", *, topic: str = "") -> tuple[Column, ...]:
    """Return the same of an output, which has no revision: the later arrival counts. `topic`: more about the topic."""
    version = Column(
        "version",
        "UInt64",
        "Of two rows with one identity the higher counts: ingested_at in ms, shifted by 20 bits, plus the low bits of the offset",
        filler="record",
    )
    return (*_record(record, topic), version, INSERTED)


def _record(record: str, topic: str) -> tuple[Column, ...]:
    return (
        Column("source_topic", CODE, f"Kafka topic of the {record}{topic}", filler="record"),
        Column("source_partition", "UInt32", f"Kafka partition of the {record}", filler="record"),
        Column("source_offset", "UInt64", f"Kafka offset of the {record}", filler="record"),
        Column("ingested_at", TIME, f"Kafka time of the {record}", filler="record"),
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
