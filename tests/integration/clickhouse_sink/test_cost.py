"""What reading costs: rows that the engine reads, by its own count, over a made-up year in several parts of each partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import pytest

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.rollups import ROLLUPS
from sinks.clickhouse.declarations.table import Table, View
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.rollups import refresh
from sinks.clickhouse.tables import TABLES
from tests.rows_read import rows_read
from tests.year_of_rows import SHARES, TIMES, during, fill, follow

ROWS = dict.fromkeys(SHARES, 20_000) | {"fct_calls": 100_000, "fct_customer_signals": 100_000}
"""Enough that the borders of granules, of each part of each partition, do not hide what is meant."""
SHOWN = [(table, view) for table in TABLES for view in table.views]


class Year(NamedTuple):
    """A database with a year in it."""

    store: ClickHouse
    dsn: str

    def count(self, table: str, where: str) -> int:
        return int(self.store.query(f"SELECT count() FROM {table} WHERE {where}")[0][0])

    def read(self, source: str, where: str) -> int:
        return rows_read(self.dsn, f"SELECT * FROM {source} WHERE {where}")

    def customer(self, table: str) -> str:
        """Somebody of whom the table has much."""
        sql = (
            f"SELECT customer_id FROM {table} GROUP BY customer_id ORDER BY count() DESC, customer_id LIMIT 1"
        )
        return str(self.store.query(sql)[0][0])


@pytest.fixture(scope="module")
def year(server_dsn: str) -> Iterator[Year]:
    """In two parts of each partition."""
    dsn = urlunsplit(urlsplit(server_dsn)._replace(path="/sink_year"))
    store = ClickHouse(dsn, timeout=300)
    store.create_database()
    migrate(store)
    fill(store, ROWS, layers=2)
    follow(store)
    yield Year(store, dsn)
    store.command("DROP DATABASE sink_year")
    store.close()


@pytest.mark.parametrize("view", TIMES)
def test_five_weeks_read_little_more_than_five_weeks(year: Year, view: str) -> None:
    [table] = [table.name for table, each in SHOWN if each.name == view]
    where = during(TIMES[view])
    rows = year.count(table, where)
    assert rows > 500
    assert year.read(view, where) <= 1.5 * rows


@pytest.mark.parametrize(
    ("table", "view"), [pair for pair in SHOWN if pair[0].of_customers], ids=lambda each: each.name
)
def test_one_customer_costs_through_a_view_what_the_table_costs(year: Year, table: Table, view: View) -> None:
    where = f"customer_id = '{year.customer(table.name)}'"
    raw = year.read(table.name, where)
    assert 0 < raw < ROWS[table.name] / 8, "not a partition is read whole"
    assert year.read(view.name, where) <= 1.2 * raw


def test_stored_figures_cost_what_is_stored(year: Year) -> None:
    before = {rollup.view: year.read(rollup.view, during("day")) for rollup in ROLLUPS}
    shown = {rollup.view: year.store.query(f"SELECT * FROM {rollup.view} ORDER BY ALL") for rollup in ROLLUPS}
    refresh(year.store, quiet_s=0, budget_s=600)
    for rollup in ROLLUPS:
        assert year.read(rollup.view, during("day")) < before[rollup.view]
        stored = year.count(rollup.name, "1")
        assert year.read(rollup.view, "1") <= stored + 2 * year.count("changed_days", "1")
        assert year.store.query(f"SELECT * FROM {rollup.view} ORDER BY ALL") == shown[rollup.view]
