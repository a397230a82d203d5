"""Migrations: repeatable, recorded, documented."""

from __future__ import annotations

from typing import Any

import pytest

from sinks.clickhouse import tables
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import Migration, MigrationError, available, migrate
from sinks.clickhouse.tables import TABLES, VIEWS
from sinks.clickhouse.writer import ClickHouseSink
from tests.integration.clickhouse_sink.messages import one_of_each
from tests.integration.clickhouse_sink.old_sink import LATER, OldSink

GONE = {("dim_customers", "version"), ("v_customers", "version"), ("v_surveys", "comment")}
"""Columns of before: the first is no longer kept, and comments have a view of their own."""


def test_a_second_run_applies_nothing(dsn: str) -> None:
    store = ClickHouse(dsn)
    store.create_database()
    store.create_database()
    assert migrate(store) == available()
    assert migrate(store) == []
    assert store.query("SELECT count() FROM schema_migrations") == [(len(available()),)]
    store.close()


def test_a_run_that_broke_off_before_its_record_is_run_again(own_database: ClickHouse) -> None:
    store = own_database
    [*_, last] = available()
    store.command(f"DELETE FROM schema_migrations WHERE number = {last.number}")
    assert migrate(store) == [last]


def test_an_applied_file_must_not_change(own_database: ClickHouse) -> None:
    store = own_database
    first, *others = available()
    changed = [first._replace(sql=first.sql + "-- edited\n"), *others]
    with pytest.raises(MigrationError, match="001_facts was changed"):
        migrate(store, changed)


def test_a_newer_database_is_refused(own_database: ClickHouse) -> None:
    store = own_database
    with pytest.raises(MigrationError, match=rf"\[{len(available())}\]"):
        migrate(store, available()[:-1])


def test_the_next_number_is_applied_alone(own_database: ClickHouse) -> None:
    store = own_database
    more = Migration(
        len(available()) + 1, "more", "-- why; a comment\nCREATE VIEW v_more AS SELECT ';' AS x;\n"
    )
    assert migrate(store, [*available(), more]) == [more]
    assert store.query("SELECT x FROM v_more") == [(";",)]


def test_every_table_view_and_column_has_a_comment(store: ClickHouse) -> None:
    tables = store.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND comment = ''")
    assert tables == []
    columns = store.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = ''"
    )
    assert columns == []


@pytest.mark.parametrize("number", [4, 5, 7])
def test_rows_and_what_views_show_of_them_outlast_what_comes_after(dsn: str, number: int) -> None:
    """A database that has the migrations up to `number`, and rows of every kind, some of them twice, gets the rest."""
    store = ClickHouse(dsn)
    store.create_database()
    migrate(store, available()[:number])
    old = OldSink(store)
    for row in (*one_of_each(), one_of_each()[0], *one_of_each()):  # as after a replay in other batches
        old.add(row)
    store.insert(
        tables.ERASURES,
        ("customer_hash", "erased_until", "ordered_at", "key_id"),
        [("ab" * 16, 1_000, 2_000, 7)],
    )
    columns = columns_of(store)
    before = contents(store, columns)
    assert all(before.values())

    assert [each.number for each in migrate(store)] == list(range(number + 1, len(available()) + 1))
    assert contents(store, columns) == before
    assert migrate(store) == []

    unsaid = {"inserted_at", *LATER}
    said = {view: [name for name in columns_of(store)[view] if name not in unsaid] for view in VIEWS}
    shown = contents(store, said)
    sink = ClickHouseSink(store)
    for row in one_of_each():
        sink.add(*row)
    sink.flush()
    assert contents(store, said) == shown, "read again, a row of before is not the same row"
    store.close()


def test_the_migration_of_revisions_may_be_killed_after_any_statement(dsn: str) -> None:
    """Each try gets one statement further than the one before, over rows of the version before."""
    store = ClickHouse(dsn)
    store.create_database()
    migrate(store, available()[:5])
    old = OldSink(store)
    for row in one_of_each():
        old.add(row)
    columns = columns_of(store)
    before = contents(store, columns)
    sixth = available()[5]
    for count in range(1, len(sixth.statements) + 1):
        for statement in sixth.statements[:count]:
            store.command(statement)
        assert contents(store, columns) == before
    assert sixth in migrate(store)
    assert contents(store, columns) == before
    store.close()


def columns_of(store: ClickHouse) -> dict[str, list[str]]:
    """The columns of every table and view that there is, in order."""
    there = {
        str(name)
        for (name,) in store.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
    }
    names = [name for name in (*(each.name for each in TABLES), *VIEWS) if name in there]
    sql = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position"
    return {table: [str(name) for (name,) in store.query(sql, {"table": table})] for table in names}


def contents(store: ClickHouse, columns: dict[str, list[str]]) -> dict[str, list[tuple[Any, ...]]]:
    """What tables hold and views show in these columns, in some order; but for those that a later migration takes away. What a table
    holds twice may be one row at any time, either of the two."""
    return {
        table: sorted(
            store.query(
                f"SELECT DISTINCT {', '.join(name for name in names if name != 'inserted_at' and (table, name) not in GONE)} FROM {table}"
            ),
            key=repr,
        )
        for table, names in columns.items()
    }
