"""The database `behoudlijn`, and what an older data directory left in `default`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import available, migrate
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.tables import VIEWS
from sinks.clickhouse.writer import ClickHouseSink
from tests.integration.clickhouse_sink.messages import At, event
from tests.integration.clickhouse_sink.old_sink import OldSink


def names(store: ClickHouse, database: str) -> set[str]:
    asked = "SELECT name FROM system.tables WHERE database = {d:String}"
    return {name for (name,) in store.query(asked, {"d": database})}


def test_a_new_directory_has_the_database_of_production() -> None:
    with EmbeddedClickHouse() as server:
        assert server.dsn.endswith("/behoudlijn")
        store = ClickHouse(server.dsn)
        migrate(store)
        assert names(store, "default") == set()
        assert store.query("SELECT currentDatabase()") == [("behoudlijn",)]
        store.close()


@pytest.fixture(scope="module", params=["0.2.0", "newest"])
def former(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as former versions made it, in `default`, with a person's own view and table."""
    folder = tmp_path_factory.mktemp("former") / "data"
    with EmbeddedClickHouse(path=folder) as server:
        store = ClickHouse(server.dsn_of("default"))
        store.command("DROP DATABASE behoudlijn")
        row = row_of_event(event(CallEvent, name="e1", reason="default.fct_calls"), At(topics.CALLS))
        if request.param == "newest":
            migrate(store)
            sink = ClickHouseSink(store)
            sink.add(*row)
            sink.flush()
        else:
            migrate(store, available()[:5])
            OldSink(store).add(row)
        store.command("CREATE TABLE `my own` (a Int8) ENGINE = MergeTree ORDER BY a AS SELECT 7")
        # Made before what it reads is moved, and named so that it comes first.
        store.command(
            "CREATE VIEW a_report AS SELECT reason, 'default.v_calls' AS source FROM default.v_calls"
        )
        store.command("CREATE VIEW `a first` AS SELECT reason, a FROM a_report CROSS JOIN `my own`")
        store.close()
    return folder


@pytest.fixture
def directory(former: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(former, tmp_path / "data", symlinks=True))


def assert_moved(server: EmbeddedClickHouse) -> None:
    store = ClickHouse(server.dsn)
    assert names(store, "default") == set()
    assert store.query("SELECT reason, source FROM a_report") == [("default.fct_calls", "default.v_calls")]
    assert store.query("SELECT reason, a FROM `a first`") == [("default.fct_calls", 7)]
    migrate(store)
    assert migrate(store) == []
    assert {table for table in VIEWS if table not in names(store, "behoudlijn")} == set()
    assert store.query("SELECT count() FROM v_calls") == [(1,)]
    texts = "SELECT count() FROM system.tables WHERE database = 'behoudlijn' AND name LIKE 'v\\_%' AND as_select LIKE '%default.%'"
    assert store.query(texts) == [(0,)]
    store.close()


def test_what_stood_in_default_moves_and_stays(directory: Path) -> None:
    for _ in range(2):
        with EmbeddedClickHouse(path=directory) as server:
            assert_moved(server)
            assert server.stayed == []


def test_a_move_that_broke_off_goes_on(directory: Path) -> None:
    with EmbeddedClickHouse(path=directory) as server:
        store = ClickHouse(server.dsn)
        # As it stands after some tables and views, before the record of migrations.
        for name in ("schema_migrations", "fct_surveys", "my own", "fct_calls"):
            store.command(f"RENAME TABLE behoudlijn.`{name}` TO default.`{name}`")
        store.command("CREATE VIEW default.v_calls AS SELECT * FROM default.fct_calls FINAL")
        store.command(
            "CREATE VIEW default.a_report AS SELECT reason, 'default.v_calls' AS source FROM default.v_calls"
        )
        store.command("DROP VIEW a_report")
        store.command("RENAME TABLE default.fct_calls TO behoudlijn.fct_calls")
        store.close()
    with EmbeddedClickHouse(path=directory) as server:
        assert_moved(server)


def test_tables_of_ours_in_both_databases_stay_where_they_are(directory: Path) -> None:
    with EmbeddedClickHouse(path=directory):
        pass
    with EmbeddedClickHouse(path=directory) as server:
        store = ClickHouse(server.dsn_of("default"))
        migrate(store)
        store.close()
    with EmbeddedClickHouse(path=directory) as server:
        store = ClickHouse(server.dsn)
        assert store.query("SELECT count() FROM v_calls") == [(1,)]
        assert store.query("SELECT count() FROM default.v_calls") == [(0,)]
        store.close()


def test_a_materialised_view_of_a_person_is_told_and_kept(directory: Path) -> None:
    with EmbeddedClickHouse(path=directory) as server:
        store = ClickHouse(server.dsn)
        store.command("RENAME TABLE behoudlijn.schema_migrations TO default.schema_migrations")
        store.command(
            "CREATE MATERIALIZED VIEW default.mine ENGINE = MergeTree ORDER BY r POPULATE AS "
            "SELECT reason AS r FROM behoudlijn.fct_calls"
        )
        store.close()
    with EmbeddedClickHouse(path=directory) as server:
        assert server.stayed == ["mine"]
        store = ClickHouse(server.dsn)
        assert store.query("SELECT r FROM default.mine") == [("default.fct_calls",)]
        store.close()
