"""Migrations: repeatable, recorded, documented."""

from __future__ import annotations

import pytest

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import Migration, MigrationError, available, migrate
from sinks.clickhouse.tables import COLUMNS, VIEWS


def test_a_second_run_applies_nothing(dsn: str) -> None:
    store = ClickHouse(dsn)
    store.create_database()
    store.create_database()
    assert migrate(store) == available()
    assert migrate(store) == []
    assert store.query("SELECT count() FROM schema_migrations") == [(len(available()),)]
    store.close()


def test_a_run_that_broke_off_is_run_again(store: ClickHouse) -> None:
    store.command("TRUNCATE TABLE schema_migrations")
    assert migrate(store) == available()


def test_an_applied_file_must_not_change(store: ClickHouse) -> None:
    first, *others = available()
    changed = [first._replace(sql=first.sql + "-- edited\n"), *others]
    with pytest.raises(MigrationError, match="001_facts was changed"):
        migrate(store, changed)


def test_a_newer_database_is_refused(store: ClickHouse) -> None:
    with pytest.raises(MigrationError, match=r"\[4\]"):
        migrate(store, available()[:-1])


def test_the_next_number_is_applied_alone(store: ClickHouse) -> None:
    more = Migration(
        len(available()) + 1, "more", "-- why; a comment\nCREATE VIEW v_more AS SELECT ';' AS x;\n"
    )
    assert migrate(store, [*available(), more]) == [more]
    assert store.query("SELECT x FROM v_more") == [(";",)]


def test_every_table_and_column_has_a_comment(store: ClickHouse) -> None:
    tables = store.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND comment = ''")
    assert tables == []
    columns = store.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = '' "
        "AND NOT startsWith(table, 'v_')"
    )
    assert columns == []


def test_the_tables_are_as_the_sink_fills_them(store: ClickHouse) -> None:
    for table, columns in COLUMNS.items():
        found = store.query(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
            "ORDER BY position",
            {"table": table},
        )
        assert [name for (name,) in found] == [*columns, "inserted_at"]


def test_every_view_is_listed_and_selects(store: ClickHouse) -> None:
    found = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    )
    assert {name for (name,) in found} == set(VIEWS)
    for view in VIEWS:
        assert store.query(f"SELECT * FROM {view}") == []


def test_tables_keep_tokens_identities_and_retention(store: ClickHouse) -> None:
    for table in COLUMNS:
        [(engine, query)] = store.query(
            "SELECT engine, create_table_query FROM system.tables "
            "WHERE database = currentDatabase() AND name = {table:String}",
            {"table": table},
        )
        assert engine.endswith("ReplacingMergeTree")
        assert "non_replicated_deduplication_window" in query
        assert "TTL" in query
