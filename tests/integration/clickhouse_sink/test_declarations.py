"""What the migrations make is what is declared, cell by cell, as the engine itself tells both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import DERIVED
from sinks.clickhouse.declarations.episodes import EPISODES
from sinks.clickhouse.declarations.events import CALLS, SURVEYS
from sinks.clickhouse.declarations.rollups import ROLLUPS
from sinks.clickhouse.declarations.table import EPHEMERAL, Column, Table, View
from sinks.clickhouse.statements import add_column, create_view, everything
from sinks.clickhouse.tables import TABLES, VIEWS

SHOWN = [(table, view) for table in TABLES for view in table.views]
NOT_SHOWN = {("v_surveys", "comment")} | {
    ("v_survey_comments", column.name)
    for column in SURVEYS.columns
    if column.name not in ("customer_id", "event_id", "occurred_at", "comment", "moved")
}
"""Columns that a view leaves out on purpose: view and column."""
NEVER_SHOWN = ("moved",)
ADDED = {"v_triggers": ("first_status", "published")}
"""Columns that a view tells of all rows of a thing, beside the table's own."""


@pytest.fixture
def declared(store: ClickHouse, dsn: str) -> Iterator[ClickHouse]:
    """A database that was made from the declarations alone, beside the one of the migrations."""
    name = f"{store.database}_declared"
    made = ClickHouse(urlunsplit(urlsplit(dsn)._replace(path=f"/{name}")))
    made.create_database()
    for statement in everything():
        made.command(statement.rstrip(";"))
    yield made
    made.command(f"DROP DATABASE {name}")
    made.close()


def tables_of(store: ClickHouse) -> dict[str, tuple[Any, ...]]:
    """All that the engine knows of tables and views, by name, but for the migrations' own table."""
    rows = store.query(
        "SELECT name, engine, engine_full, partition_key, sorting_key, primary_key, comment, "
        "replaceAll(create_table_query, concat(currentDatabase(), '.'), ''), replaceAll(as_select, currentDatabase(), '') "
        "FROM system.tables WHERE database = currentDatabase() AND name != 'schema_migrations'"
    )
    return {name: tuple(cells) for name, *cells in rows}


def columns_of(store: ClickHouse, table: str) -> list[tuple[Any, ...]]:
    """The columns of a table or view in order: name, type, default, codec, comment, and the keys that it is in."""
    return store.query(
        "SELECT name, type, default_kind, default_expression, compression_codec, comment, "
        "is_in_partition_key, is_in_sorting_key, is_in_primary_key "
        "FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
        {"table": table},
    )


def test_there_are_the_declared_tables_and_views_and_no_others(store: ClickHouse) -> None:
    derived = {each.name for each in DERIVED} | {each.view for each in ROLLUPS} | {EPISODES.name}
    assert set(tables_of(store)) == {table.name for table in TABLES} | set(VIEWS) | derived


def test_migrated_and_declared_are_the_same_to_the_engine(store: ClickHouse, declared: ClickHouse) -> None:
    migrated, made = tables_of(store), tables_of(declared)
    for name, cells in made.items():
        assert migrated[name] == cells, (
            f"{name}: take the next migration from `python -m sinks.clickhouse.statements`"
        )
        assert columns_of(store, name) == columns_of(declared, name), name


def assert_table(store: ClickHouse, table: Table) -> None:
    """The table is as it is declared: columns, keys, engine and retention."""
    found = [row[:6] for row in columns_of(store, table.name)]
    assert found == [
        (
            each.name,
            each.type,
            "EPHEMERAL" if each.default == EPHEMERAL else "DEFAULT" if each.default else "",
            found[at][3] if each.default == EPHEMERAL else each.default,
            each.codec,
            each.comment,
        )
        for at, each in enumerate(table.columns)
    ]
    engine, full, partition, order, primary, comment, sql, _ = tables_of(store)[table.name]
    identity = ", ".join(table.identity)
    assert comment == table.comment
    assert order == (f"toDate({table.day}), {identity}" if table.day else identity)
    assert primary == (f"toDate({table.day}), {table.identity[0]}" if table.day else identity)
    assert f"index_granularity = {table.granule if table.model is not None else 8192}" in full
    assert partition == (f"cityHash64({table.spread_by}) % 8" if table.spread_by else "")
    assert engine.endswith("ReplacingMergeTree")
    kept = {each.name: each.keep_months for each in table.columns if each.keep_months is not None}
    for name, months in kept.items():
        one = sql.split(f"`{name}` ")[1].split("`")[0]
        assert f"TTL toDateTime({table.time}) + toIntervalMonth({months})" in one
    keep = table.keep
    if keep is not None:
        since = table.day or table.time
        later = " + moved" * table.moves
        happened = f"{since} + toIntervalMonth({keep.months}{later})"
        came = f"ingested_at + toIntervalMonth({keep.first}{later})"
        assert f" TTL toDateTime(greatest({happened}, {came}))" in full
    assert sql.count("toIntervalMonth") == len(kept) + 2 * (keep is not None)
    if table.model is not None:
        assert full.startswith(f"ReplacingMergeTree({table.version}{', moved' * table.moves})")
        assert "non_replicated_deduplication_window = 10000" in full
    assert ("INDEX by_customer customer_id TYPE bloom_filter" in sql) == bool(
        table.day and table.of_customers
    )


def test_what_is_one_lies_in_one_partition() -> None:
    """Engines that merge within partitions only, and those that are told to, would else keep two rows of one identity."""
    for table in TABLES:
        assert not table.spread_by or table.spread_by in table.identity
        assert not table.day or table.moves or table.day != "occurred_at"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_as_it_is_declared(store: ClickHouse, table: Table) -> None:
    assert_table(store, table)


def assert_view(store: ClickHouse, table: Table, view: View) -> None:
    """The view shows every column of its table that is not left out on purpose, with its comment."""
    shown = {name: (type_, comment) for name, type_, _, _, _, comment, *_ in columns_of(store, view.name)}
    own = [
        each
        for each in table.columns
        if (view.name, each.name) not in NOT_SHOWN
        and each.name not in NEVER_SHOWN
        and each.default != EPHEMERAL
    ]
    added = ADDED.get(view.name, ())
    assert set(shown) == {each.name for each in own} | set(added)
    told = {column.name for column, _ in view.told}
    for each in own:
        assert each.name in told or shown[each.name] == (each.type, each.comment)
    assert tables_of(store)[view.name][5] == view.comment
    assert store.query(f"SELECT * FROM {view.name}") == []


@pytest.mark.parametrize(("table", "view"), SHOWN, ids=lambda each: each.name)
def test_a_view_shows_every_column_that_is_not_left_out_on_purpose(
    store: ClickHouse, table: Table, view: View
) -> None:
    assert_view(store, table, view)


def test_what_views_leave_out_is_what_is_said_here() -> None:
    left_out = {(view.name, name) for _, view in SHOWN for name in view.without}
    left_out |= {
        (view.name, column.name)
        for table, view in SHOWN
        if view.only
        for column in table.columns
        if column.name not in view.only
    }
    assert left_out == NOT_SHOWN | {("v_survey_comments", "moved")}


@pytest.mark.parametrize("at", [0, 8, 13])
def test_a_new_column_comes_by_the_statements_of_its_declaration(own_database: ClickHouse, at: int) -> None:
    """As the next migration does: the table first, then its view, which would not show the column by itself."""
    store = own_database
    mood = Column("mood", "String", "How the customer's voice was", codec="CODEC(ZSTD(3))", keep_months=2)
    longer = replace(CALLS, columns=(*CALLS.columns[:at], mood, *CALLS.columns[at:]))
    [view] = longer.views
    store.command(add_column(longer, "mood").rstrip(";"))
    assert_table(store, longer)
    assert "mood" not in [row[0] for row in columns_of(store, view.name)]
    store.command(create_view(longer, view).rstrip(";"))
    assert_view(store, longer, view)
