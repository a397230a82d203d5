"""How long rows are kept: from the event, and no less than three months from the arrival. Told with events of before today, since the
server's clock decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import topics
from schemas.call import CallEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.tables import COLUMNS
from sinks.contract import Row
from tests.integration.clickhouse_sink.messages import At, event
from tests.integration.clickhouse_sink.test_moves import merge, write

NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = timedelta(days=30.5)


def call(name: str, happened: float, came: float, offset: int = 1) -> Row:
    """A contact of so many months ago, whose record came so many months ago."""
    return told(CallEvent, name, happened, came, offset)


def told(kind: Any, name: str, happened: float, came: float, offset: int = 1, **more: Any) -> Row:
    timestamp = int((NOW - came * MONTH).timestamp() * 1000) + offset
    made = event(kind, "c", name, NOW - happened * MONTH, **more)
    return row_of_event(made, At(topics.CALLS, offset=offset, timestamp=timestamp))


def shown(store: ClickHouse, view: str = "v_calls") -> list[str]:
    return [name for (name,) in store.query(f"SELECT event_id FROM {view} ORDER BY event_id")]


def test_events_go_after_25_months_but_stay_three_from_their_arrival(store: ClickHouse) -> None:
    write(
        store,
        call("old", 26, 26),
        call("kept", 24, 24),
        call("loaded", 60, 1),
        call("loaded-long-ago", 60, 4),
    )
    merge(store, "fct_calls")
    assert shown(store) == ["kept", "loaded"]


def test_a_replay_of_an_old_history_brings_nothing_back(store: ClickHouse) -> None:
    """Kafka's time of the record is what it was."""
    history = [call(f"e{months}", months, months, months) for months in range(20, 32)]
    for _ in range(3):
        write(store, *history)
        write(store, *history[::-1])
        merge(store, "fct_calls")
        assert shown(store) == [f"e{months}" for months in range(20, 25)]


def test_comments_go_three_months_after_the_survey_and_stay_away(store: ClickHouse) -> None:
    surveys = [
        told(SurveyEvent, name, months, months, csat=1, comment="free text")
        for name, months in (("new", 2.5), ("old", 3.5))
    ]
    for row in (*surveys, *surveys):
        write(store, row)
        assert shown(store, "v_survey_comments") == ["new"]  # also before anything merges
    merge(store, "fct_surveys")
    assert store.query("SELECT event_id, comment FROM fct_surveys ORDER BY event_id") == [
        ("new", "free text"),
        ("old", ""),
    ]
    assert shown(store, "v_surveys") == ["new", "old"]


def test_a_mark_outlasts_what_it_hides(store: ClickHouse) -> None:
    """On a day that is over, of a correction of long ago: the mark's part was merged, the part of what it hides was not yet."""
    row = call("e", 25.5, 25.5, 1)
    columns = COLUMNS[row.table]
    mark = {
        name: row.values[columns.index(name)]
        for name in ("customer_id", "event_id", "occurred_at", "ingested_at")
    }
    mark |= {"version": 1 << 100, "moved": 1}
    store.insert(row.table, tuple(mark), [tuple(mark.values())])
    store.insert(row.table, columns, [call("over", 26.5, 26.5).values])
    merge(store, "fct_calls")
    assert store.query("SELECT event_id, moved FROM fct_calls") == [("e", 1)]
    store.insert(row.table, columns, [row.values])
    assert shown(store) == []
