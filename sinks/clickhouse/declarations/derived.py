"""What follows from rows: on which days each event lies, which days' figures have changed, and the figures that are stored.

Owns the derived tables; `sinks.clickhouse.statements` writes them as SQL. The sink fills them after the rows; nothing here is read
from a message. No materialized view does it: a server counts the rows of these as written too, which sink workers up to 0.2.0 take
for an error.
"""

from dataclasses import dataclass
from typing import Final

from sinks.clickhouse.declarations import events
from sinks.clickhouse.declarations.rollups import ROLLUPS, Rollup
from sinks.clickhouse.declarations.shared import CODE, TIME
from sinks.clickhouse.declarations.table import Column, Table

MOVING: Final[tuple[Table, ...]] = tuple(
    table
    for table in (events.CALLS, events.SURVEYS, events.CANCELLATIONS, events.OUTCOMES, events.UNATTRIBUTABLE)
    if table.moves
)
"""The tables whose rows lie by the day of an event, which a correction may change."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A table of what follows. `engine` is the rest of its statement."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    engine: str


EVENT_DAYS: Final = Derived(
    "event_days",
    "On which days versions of an event lie: where a correction has moved it from is seen here, and set right",
    (
        Column("owner", "String", "Customer; of an event that names nobody its kind"),
        Column("event_id", "String", "Identity of the event"),
        Column("fact", CODE, "The table that holds it"),
        Column("day", "Date", "Day of a version's event time, UTC", default="toDate(occurred_at)"),
        Column("occurred_at", TIME, "Event time of the version that counts most on that day"),
        Column("version", "UInt128", "The highest on that day"),
        Column("inserted_at", TIME, "When this row was written here", default="now64(3, 'UTC')"),
    ),
    "ENGINE = ReplacingMergeTree(version)\n"
    "PARTITION BY cityHash64(owner) % 8\n"
    "ORDER BY (owner, event_id, fact, day)\n"
    "TTL toDateTime(greatest(occurred_at, inserted_at) + INTERVAL 26 MONTH)\n"
    "SETTINGS index_granularity = 128, min_compress_block_size = 8192",
)
"""By identity, where the tables lie by day. It outlasts what it is about."""

CHANGED_DAYS: Final = Derived(
    "changed_days",
    "Which days of which daily figures have changed, and up to when these are computed",
    (
        Column("figures", CODE, "The table of daily figures"),
        Column("day", "Date", "Day, UTC"),
        Column(
            "changed_at", f"SimpleAggregateFunction(max, {TIME})", "When a row of that day was last written"
        ),
        Column(
            "computed_at",
            f"SimpleAggregateFunction(max, {TIME})",
            "Rows written up to then are in the stored figures",
        ),
    ),
    "ENGINE = AggregatingMergeTree\nORDER BY (figures, day)",
)


CHANGING: Final = {table.name: table for rollup in ROLLUPS for table, _ in rollup.changed_by}
"""Tables whose rows change daily figures, by name."""


def changed_by(table: Table) -> str:
    """Return which days of which figures a row of `of_day` changes: an array of pairs."""
    changed = [
        f"arrayMap(after -> ('{rollup.name}', of_day + after), range({days + 1}))"
        for rollup in ROLLUPS
        for of, days in rollup.changed_by
        if of is table
    ]
    return f"arrayConcat({', '.join(changed)})" if len(changed) > 1 else changed[0]


def stored(rollup: Rollup) -> Derived:
    """Return the table that holds a rollup's computed days."""
    computed = Column("computed_at", TIME, "When these figures were computed; of one day the latest hold")
    return Derived(
        rollup.name,
        f"{rollup.comment}: the days that are computed; read {rollup.view}",
        (*rollup.columns, computed),
        "ENGINE = ReplacingMergeTree(computed_at)\n"
        f"ORDER BY (day, {', '.join(key.name for key in rollup.keys)})\n"
        "TTL greatest(day + INTERVAL 25 MONTH, toDate(computed_at) + INTERVAL 3 MONTH)",
    )


DERIVED: Final[tuple[Derived, ...]] = (EVENT_DAYS, CHANGED_DAYS, *map(stored, ROLLUPS))
