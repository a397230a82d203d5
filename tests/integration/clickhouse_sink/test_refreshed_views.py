"""Views that keep themselves up to date, by what is inserted or by a schedule, also after a restart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from deploy.embedded.clickhouse.process import EmbeddedClickHouse


def test_materialised_and_refreshable_views_work(engine: Sequence[str], tmp_path: Path) -> None:
    with (
        EmbeddedClickHouse(path=tmp_path / "data", program=engine) as server,
        clickhouse_connect.get_client(dsn=server.dsn, autogenerate_session_id=False) as client,
    ):
        client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        client.command(
            "CREATE MATERIALIZED VIEW doubled ENGINE = MergeTree ORDER BY b AS SELECT a * 2 AS b FROM t"
        )
        client.command(
            "CREATE MATERIALIZED VIEW counted REFRESH EVERY 1 SECOND (n UInt64) ENGINE = MergeTree ORDER BY n "
            "AS SELECT count() AS n FROM t"
        )
        client.command(
            "CREATE MATERIALIZED VIEW seldom REFRESH EVERY 1 YEAR (n UInt64) ENGINE = MergeTree ORDER BY n EMPTY "
            "AS SELECT count() AS n FROM t"
        )
        client.insert("t", [[1], [2]], column_names=["a"])
        assert client.query("SELECT b FROM doubled ORDER BY b").result_rows == [(2,), (4,)]
        until_it_says(client, "counted", 2)
        assert client.query("SELECT n FROM seldom").result_rows == []
        client.command("SYSTEM REFRESH VIEW seldom")
        until_it_says(client, "seldom", 2)
    with (
        EmbeddedClickHouse(path=tmp_path / "data", program=engine) as server,
        clickhouse_connect.get_client(dsn=server.dsn, autogenerate_session_id=False) as client,
    ):
        client.insert("t", [[3]], column_names=["a"])
        until_it_says(client, "counted", 3)
        assert client.query("SELECT n FROM seldom").result_rows == [(2,)]


def until_it_says(client: Client, view: str, count: int) -> None:
    deadline = time.monotonic() + 30
    while client.query(f"SELECT n FROM {view}").result_rows != [(count,)]:
        assert time.monotonic() < deadline, client.query("SELECT * FROM system.view_refreshes").result_rows
        time.sleep(0.1)
