"""The declared tables as SQL: what a migration of a new table, column or view says, and which rights users need.

Owns the text. `python -m sinks.clickhouse.statements [TABLE …]` prints it, to take the next migration from. It must not run anything.
"""

import sys
from collections.abc import Iterable
from typing import Final

from sinks.clickhouse.declarations.derived import CHANGED_DAYS, DERIVED, EVENT_DAYS, Derived, changed_by
from sinks.clickhouse.declarations.episodes import EPISODES
from sinks.clickhouse.declarations.rollups import ROLLUPS, Rollup
from sinks.clickhouse.declarations.table import EPHEMERAL, Column, Keep, Table, View
from sinks.clickhouse.tables import TABLES

_DATABASE: Final = "behoudlijn"
_PARTITIONS: Final = 8
"""By the hash of a row's customer: an erasure touches one of them in each table."""


def create_table(table: Table, name: str = "") -> str:
    """Return the statement that makes a table, under another `name` if one is given."""
    lines = [f"CREATE TABLE IF NOT EXISTS {name or table.name}", "("]
    parts = [f"    {_column(column, table.time)}" for column in table.columns]
    searched = table.day and table.spread_by == "customer_id"
    if searched:
        parts.append("    INDEX by_customer customer_id TYPE bloom_filter(0.001) GRANULARITY 1")
    lines.append(",\n".join(parts))
    lines += [")", f"ENGINE = {_engine(table)}"]
    if table.spread_by:
        lines.append(f"PARTITION BY cityHash64({table.spread_by}) % {_PARTITIONS}")
    if table.day:
        # The time itself must not be in it: a condition on the time would then be read as one on that column, not on the day.
        lines.append(f"PRIMARY KEY (toDate({table.day}), {table.identity[0]})")
    lines.append(
        f"ORDER BY {_key((f'toDate({table.day})', *table.identity) if table.day else table.identity)}"
    )
    if table.keep is not None:
        lines.append(f"TTL {_kept(table, table.keep)}")
    if table.model is not None:  # the writer's inserts carry tokens
        window = "non_replicated_deduplication_window = 10000"
        lines.append(f"SETTINGS index_granularity = {table.granule}, {window}")
    return "\n".join([*lines, f"COMMENT {text(table.comment)};"])


def partition_of(customer_id: str) -> tuple[str, dict[str, object]]:
    """Return which partition a customer's rows are in, as an expression and its parameters."""
    return f"cityHash64({{of:String}}) % {_PARTITIONS}", {"of": customer_id}


def add_column(table: Table, name: str) -> str:
    """Return the statement that adds a column to a table that is there, where it is declared to stand."""
    names = [column.name for column in table.columns]
    at = names.index(name)
    place = f"AFTER {names[at - 1]}" if at else "FIRST"
    return (
        f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {_column(table.columns[at], table.time)} {place};"
    )


def create_view(table: Table, view: View) -> str:
    """Return the statement that makes a view, or makes it anew, with the comments of its columns."""
    shown = table.shown(view)
    return view_of(
        view.name,
        view.comment,
        shown,
        _latest(table, view, shown) if view.latest_of else _each(table, view, shown),
    )


def view_of(name: str, comment: str, columns: Iterable[Column], select: str) -> str:
    """Return the statement that makes a view of a query, or makes it anew.

    Whoever may read it need not read what it reads: it does so by the right of who made it.
    """
    lines = [f"CREATE OR REPLACE VIEW {name}", "("]
    lines.append(",\n".join(f"    {each.name} {each.type} COMMENT {text(each.comment)}" for each in columns))
    lines += [")", "DEFINER = CURRENT_USER SQL SECURITY DEFINER", "AS", select]
    return "\n".join([*lines, f"COMMENT {text(comment)};"])


_BY_INDEX: Final = "SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0"
"""The one index is of a column of the identity: it leaves out all versions of a row or none."""


def _each(table: Table, view: View, shown: tuple[Column, ...]) -> str:
    lines = [f"SELECT {', '.join(each.name for each in shown)}", f"FROM {table.name} FINAL"]
    if view.where:
        lines.append(f"WHERE {view.where}")
    if table.day and table.spread_by == "customer_id":
        lines.append(_BY_INDEX)
    return "\n".join(lines)


def _latest(table: Table, view: View, shown: tuple[Column, ...]) -> str:
    # By GROUP BY, not by LIMIT BY: a condition on what names a thing then goes through to the table.
    told = {column.name: (number, sql) for number, (column, sql) in enumerate(view.told, 1)}
    rest = [each.name for each in shown if each.name not in (*view.latest_of, *told)]
    named = {name: f"tupleElement(last, {number})" for number, name in enumerate(rest, 1)}
    named |= {name: f"told_{number}" for name, (number, _) in told.items()}
    outer = [f"{named[each.name]} AS {each.name}" if each.name in named else each.name for each in shown]
    inner = [
        *view.latest_of,
        f"argMax(tuple({', '.join(rest)}), tuple({', '.join(view.latest_by)})) AS last",
        *(f"{sql} AS told_{number}" for number, sql in told.values()),
    ]
    return "\n".join(
        [
            f"SELECT {', '.join(outer)}",
            "FROM",
            "(",
            f"    SELECT {', '.join(inner)}",
            f"    FROM {table.name}",
            f"    GROUP BY {', '.join(view.latest_of)}",
            ") AS things",  # without a name of its own it would be called COMMENT on 25.8 and 26.3
        ]
    )


CHANGED: Final = (
    "(SELECT groupUniqArray(day) FROM (SELECT day FROM changed_days WHERE figures = '{name}' GROUP BY day "
    "HAVING max(changed_at) > max(computed_at)))"
)
"""The days of a rollup that must be computed when they are asked for. Written alike in both places it is one value for a whole query."""


def create_derived(table: Derived) -> str:
    """Return the statement that makes a table of what follows from others."""
    lines = [f"CREATE TABLE IF NOT EXISTS {table.name}", "("]
    lines.append(",\n".join(f"    {_column(each)}" for each in table.columns))
    return "\n".join([*lines, ")", table.engine, f"COMMENT {text(table.comment)};"])


def create_rollup_view(rollup: Rollup) -> str:
    """Return the statement of the view that shows stored days, and computes those that have changed since."""
    keys = [rollup.day.name, *(key.name for key in rollup.keys)]
    measures = [column.name for column, _ in rollup.measures]
    named = [f"{value} AS {name}" for value, name in zip(rollup.values, measures, strict=True)]
    changed = CHANGED.format(name=rollup.name)
    select = "\n".join(
        [
            # First what asks which days have changed: the stored days are then looked up no earlier than that.
            f"SELECT {', '.join([*keys, *named])} FROM",
            f"({rollup.of_days(changed)})",
            "UNION ALL",
            f"SELECT {', '.join([*keys, *measures])}",
            f"FROM {rollup.name} FINAL",
            f"WHERE {measures[0]} > 0 AND NOT has({changed}, day)",
        ]
    )
    return view_of(rollup.view, rollup.comment, rollup.columns, select)


def settle(table: Table, among: str = "") -> str:
    """Return the statement that has an event stand on one day only, that of the version which counts, of equal ones the latest day:
    whoever asks again must say the same. `among`: a further condition.
    """
    owner = table.identity[0]
    return "\n".join(
        [
            f"INSERT INTO {table.name} ({owner}, event_id, occurred_at, ingested_at, version, moved)",
            "SELECT owner, event_id, tupleElement(place, 2), now64(3, 'UTC'), newest, 1",
            "FROM",
            "(",
            "    SELECT owner, event_id, max(version) AS newest, argMax(day, tuple(version, day)) AS stands,",
            "        groupArray(tuple(day, occurred_at)) AS places",
            "    FROM event_days FINAL",
            f"    WHERE fact = '{table.name}'{among}",
            "    GROUP BY owner, event_id",
            "    HAVING min(day) != max(day)",
            ")",
            "ARRAY JOIN places AS place",
            "WHERE tupleElement(place, 1) != stands",
        ]
    )


def on_several_days(table: Table, among: str) -> str:
    """Return the query for events of which versions lie on more than one day, and for those days: most are none of these, so that
    this is asked before `settle`."""
    return "\n".join(
        [
            "SELECT owner, event_id, groupUniqArray(toUInt16(day))",
            "FROM event_days",
            f"WHERE fact = '{table.name}'{among}",
            "GROUP BY owner, event_id",
            "HAVING min(day) != max(day)",
        ]
    )


def note_days(table: Table, where: str) -> str:
    """Return the statement that notes on which days the events of rows in a table lie."""
    return (
        f"INSERT INTO {EVENT_DAYS.name} (owner, event_id, fact, day, occurred_at, version)\n"
        f"SELECT {table.identity[0]}, event_id, '{table.name}', toDate(occurred_at), occurred_at, version\n"
        f"FROM {table.name}\n"
        f"WHERE NOT moved{where}"
    )


def note_changes(table: Table, where: str, at: str) -> str:
    """Return the statement that notes days whose figures rows of a table change as changed at a time, which is an expression."""
    return (
        f"INSERT INTO {CHANGED_DAYS.name} (figures, day, changed_at)\n"  # noqa: S608 - declarations
        f"SELECT DISTINCT tupleElement(each, 1), tupleElement(each, 2), {at}\n"
        f"FROM (SELECT arrayJoin({changed_by(table)}) AS each "
        f"FROM (SELECT DISTINCT toDate({table.day}) AS of_day FROM {table.name} WHERE {where}))"
    )


def create_views() -> list[str]:
    """Return the statements of all views, each after those that it reads."""
    shown = [create_view(table, view) for table in TABLES for view in table.views]
    shown += [create_rollup_view(rollup) for rollup in ROLLUPS]
    shown.append(view_of(EPISODES.name, EPISODES.comment, EPISODES.columns, EPISODES.select))
    return shown


def grants_of_sink() -> list[str]:
    """Return what the sink's user may do: write, read, and erase a customer."""
    erased = [*(table.name for table in TABLES if table.of_customers), EVENT_DAYS.name]
    return [
        f"GRANT INSERT, SELECT ON {_DATABASE}.*",
        *(f"GRANT ALTER DELETE ON {_DATABASE}.{name}" for name in erased),
    ]


def grants_of_readers() -> list[str]:
    """Return what the users of reports may do: read the views, but for those with a right of their own."""
    views = [view.name for table in TABLES for view in table.views if not view.apart]
    views += [*(rollup.view for rollup in ROLLUPS), EPISODES.name]
    return [f"GRANT SELECT ON {_DATABASE}.{name}" for name in views]


def grants_of_comments() -> list[str]:
    """Return what those may do besides who read what customers wrote."""
    return [
        f"GRANT SELECT ON {_DATABASE}.{view.name}" for table in TABLES for view in table.views if view.apart
    ]


def _column(column: Column, time: str = "") -> str:
    parts = [column.name, column.type]
    if column.default:
        parts.append(column.default if column.default == EPHEMERAL else f"DEFAULT {column.default}")
    parts.append(f"COMMENT {text(column.comment)}")
    if column.codec:
        parts.append(column.codec)
    if column.keep_months is not None:
        parts.append(f"TTL toDateTime({time}) + INTERVAL {column.keep_months} MONTH")
    return " ".join(parts)


def _engine(table: Table) -> str:
    if not any(column.name == table.version for column in table.columns):
        return "ReplacingMergeTree"
    return f"ReplacingMergeTree({table.version}{', moved' if table.moves else ''})"


def _kept(table: Table, keep: Keep) -> str:
    happened = table.day or table.time
    if table.moves:  # a mark outlasts by a month what it hides
        return (
            f"toDateTime(greatest({happened} + toIntervalMonth({keep.months} + moved), "
            f"ingested_at + toIntervalMonth({keep.first} + moved)))"
        )
    return f"toDateTime(greatest({happened} + INTERVAL {keep.months} MONTH, ingested_at + INTERVAL {keep.first} MONTH))"


def _key(parts: tuple[str, ...]) -> str:
    return f"({', '.join(parts)})" if len(parts) > 1 else parts[0]


def text(value: str) -> str:
    """Return a text as SQL quotes it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def of(names: list[str]) -> str:
    """Return what makes these tables and their views (default: everything). Raises ValueError for a table that is not declared."""
    known = {table.name: table for table in TABLES}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no table is declared as {', '.join(unknown)}; known: {', '.join(known)}")
    chosen = [known[name] for name in names]
    if not chosen:
        return "\n\n".join(everything()) + "\n"
    return (
        "\n\n".join(
            [
                *map(create_table, chosen),
                *(create_view(table, view) for table in chosen for view in table.views),
            ]
        )
        + "\n"
    )


def everything() -> list[str]:
    """Return all statements, each after those that it needs."""
    return [
        *map(create_table, TABLES),
        *map(create_derived, DERIVED),
        *create_views(),
    ]


if __name__ == "__main__":
    sys.stdout.write(of(sys.argv[1:]))
    if not sys.argv[1:]:
        grants = (*grants_of_sink(), *grants_of_readers(), *grants_of_comments())
        sys.stdout.write("".join(f"\n{each};" for each in grants) + "\n")
