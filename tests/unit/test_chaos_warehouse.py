"""What ClickHouse must show: of one identity the highest version, and a lost or changed row is found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
import pytest

from schemas import topics
from sinks.clickhouse import tables
from streams.core.records import Record
from streams.settings import Settings
from tests.chaos import warehouse
from tests.chaos.warehouse import compare_views, expected_rows


class Shown:
    """A store that shows these rows; each view that is not named shows none."""

    def __init__(self, rows: dict[str, list[Sequence[object]]]) -> None:
        self._rows = rows

    def query(self, sql: str) -> list[Sequence[object]]:
        return self._rows.get(sql.split(" FROM ")[1], [])


def call(event_id: str, offset: int, **more: object) -> Record:
    event = {
        "type": "call",
        "schema_version": 1,
        "event_id": event_id,
        "customer_id": "c1",
        "occurred_at": "2026-01-05T09:00:00Z",
    }
    return Record(topics.CALLS, 0, offset, 1_790_000_000_000, b"c1", orjson.dumps(event | more))


def logs(*records: Record) -> dict[str, list[Record]]:
    empty: dict[str, list[Record]] = {name: [] for name in (*topics.INPUTS, *topics.OUTPUTS)}
    return empty | {topics.CALLS: list(records)}


def as_the_driver_gives_it(row: Sequence[object]) -> tuple[object, ...]:
    times = {"occurred_at", "ingested_at"}
    columns = tables.COLUMNS[tables.CALLS]
    return tuple(
        datetime.fromtimestamp(value / 1000, UTC) if name in times and isinstance(value, int) else value
        for name, value in zip(columns, row, strict=True)
    )


@pytest.fixture
def rows() -> list[tuple[object, ...]]:
    """Of two calls, one of them sent again with other content."""
    records = (call("e1", 0), call("e2", 1, wait_seconds=5), call("e2", 2, wait_seconds=9))
    made = [warehouse._row_of(topics.CALLS, record) for record in records]
    return [as_the_driver_gives_it(row.values) for row in made if row is not None]


def differences(shown: list[tuple[object, ...]]) -> set[tuple[str, str]]:
    there = logs(call("e1", 0), call("e2", 1, wait_seconds=5), call("e2", 2, wait_seconds=9))
    store = Shown({"v_calls": list(shown)})
    found = compare_views(store, expected_rows(Settings(), there))  # type: ignore[arg-type]
    return {(each.check, each.problem) for each in found}


def test_the_later_version_counts(rows: list[tuple[object, ...]]) -> None:
    assert differences([rows[0], rows[2]]) == set()
    assert differences([rows[0], rows[1]]) == {("ClickHouse v_calls", "with other content")}


def test_a_lost_row_is_found(rows: list[tuple[object, ...]]) -> None:
    assert differences([rows[2]]) == {("ClickHouse v_calls", "missing")}


def test_a_row_that_is_shown_twice_is_found(rows: list[tuple[object, ...]]) -> None:
    assert differences([rows[0], rows[1], rows[2]]) == {
        ("ClickHouse v_calls", "with other content"),
        ("ClickHouse v_calls", "extra"),
    }
