"""The declared tables as SQL: what a migration of a new table, column or view says, and which rights users need.

Owns the text. `python -m sinks.clickhouse.statements [TABLE …]` prints it, to take the next migration from. It must not run anything.
"""

import sys
from typing import Final

from sinks.clickhouse.declarations.table import Column, Table, View
from sinks.clickhouse.tables import TABLES

_DATABASE: Final = "behoudlijn"
_TTL: Final = "TTL toDateTime(inserted_at) + INTERVAL {months} MONTH"


def create_table(table: Table) -> str:
    """Return the statement that makes a table."""
    versioned = any(column.name == "version" for column in table.columns)
    lines = [f"CREATE TABLE IF NOT EXISTS {table.name}", "("]
    lines.append(",\n".join(f"    {_column(column)}" for column in table.columns))
    lines += [")", f"ENGINE = ReplacingMergeTree{'(version)' if versioned else ''}"]
    if table.partition_by:
        lines.append(f"PARTITION BY toYYYYMM({table.partition_by})")
    if table.apart:
        lines.append(f"PRIMARY KEY {_key(table.identity)}")
    lines.append(f"ORDER BY {_key((*table.identity, table.apart) if table.apart else table.identity)}")
    if table.keep_months is not None:
        lines.append(_TTL.format(months=table.keep_months))
    if table.model is not None:  # the writer's inserts carry tokens
        lines.append("SETTINGS non_replicated_deduplication_window = 10000")
    return "\n".join([*lines, f"COMMENT {_text(table.comment)};"])


def add_column(table: Table, name: str) -> str:
    """Return the statement that adds a column to a table that is there, where it is declared to stand."""
    names = [column.name for column in table.columns]
    at = names.index(name)
    place = f"AFTER {names[at - 1]}" if at else "FIRST"
    return f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {_column(table.columns[at])} {place};"


def create_view(table: Table, view: View) -> str:
    """Return the statement that makes a view, or makes it anew, with the comments of its columns."""
    columns = table.shown(view)
    lines = [f"CREATE OR REPLACE VIEW {view.name}", "("]
    lines.append(",\n".join(f"    {each.name} {each.type} COMMENT {_text(each.comment)}" for each in columns))
    lines += [") AS", f"SELECT {', '.join(each.name for each in columns)}", f"FROM {table.name} FINAL"]
    if view.latest_of:
        last = [f"{name} DESC" for name in view.latest_by or table.identity[len(view.latest_of) :]]
        lines.append(f"ORDER BY {', '.join([*view.latest_of, *last])}")
        lines.append(f"LIMIT 1 BY {', '.join(view.latest_of)}")
    return "\n".join([*lines, f"COMMENT {_text(view.comment)};"])


def create_views() -> str:
    """Return the statements of all views."""
    return "\n\n".join(create_view(table, view) for table in TABLES for view in table.views) + "\n"


def grants_of_sink() -> list[str]:
    """Return what the sink's user may do: write, read, and erase a customer."""
    erasing = [f"GRANT ALTER DELETE ON {_DATABASE}.{table.name}" for table in TABLES if table.of_customers]
    return [f"GRANT INSERT, SELECT ON {_DATABASE}.*", *erasing]


def grants_of_readers() -> list[str]:
    """Return what the users of reports may do. A view reads its table with the rights of whoever asks, so they need both."""
    return [f"GRANT SELECT ON {_DATABASE}.*"]


def _column(column: Column) -> str:
    parts = [column.name, column.type]
    if column.default:
        parts.append(f"DEFAULT {column.default}")
    parts.append(f"COMMENT {_text(column.comment)}")
    if column.codec:
        parts.append(column.codec)
    if column.keep_months is not None:
        parts.append(_TTL.format(months=column.keep_months))
    return " ".join(parts)


def _key(parts: tuple[str, ...]) -> str:
    return f"({', '.join(parts)})" if len(parts) > 1 else parts[0]


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def of(names: list[str]) -> str:
    """Return what makes these tables (default: all) and their views. Raises ValueError for a table that is not declared."""
    known = {table.name: table for table in TABLES}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no table is declared as {', '.join(unknown)}; known: {', '.join(known)}")
    chosen = [known[name] for name in names] or list(TABLES)
    views = [create_view(table, view) for table in chosen for view in table.views]
    return "\n\n".join([*map(create_table, chosen), *views]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(of(sys.argv[1:]))
    if not sys.argv[1:]:
        sys.stdout.write("".join(f"\n{each};" for each in (*grants_of_sink(), *grants_of_readers())) + "\n")
