"""Erasing on a real engine: whose rows go, whose stay, and that the note of it lasts."""

from __future__ import annotations

from datetime import timedelta

from schemas import topics
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse import tables
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Erased
from tests.integration.clickhouse_sink.messages import START, At, day, event, signals, trigger, wire

HASH = "0123456789abcdef" * 2
FIELDS: dict[type, dict[str, object]] = {
    CallEvent: {"resolved": False},
    SurveyEvent: {"csat": 1},
    CancellationEvent: {"stage": "requested"},
    OutcomeEvent: {"trigger_id": "t", "attempt": 1, "disposition": "BUSY"},
    ProfileEvent: {},
}


def ms(number: float) -> int:
    return int(day(number).timestamp() * 1000)


def fill(sink: ClickHouseSink, customer: str, at: float) -> None:
    """A row of every kind for that customer, `at` days after the start."""
    for offset, (kind, fields) in enumerate(FIELDS.items()):
        name = f"{customer}-{at}"
        made = event(kind, customer, name, day(at), **fields)
        sink.add(*row_of_event(made, At("contact.calls", offset=offset, timestamp=ms(at))))
    for topic, message in (
        (topics.TRIGGERS, trigger(customer, at=day(at), trigger_id=f"{customer}-{at}")),
        (topics.SIGNALS, signals(customer, at=day(at))),
    ):
        row = row_of_output(wire(message), At(topic, timestamp=ms(at) + 60_000))
        assert row is not None
        sink.add(*row)
    sink.flush()


def customers(store: ClickHouse, table: str) -> dict[str, int]:
    rows = store.query(f"SELECT customer_id, count() FROM {table} FINAL GROUP BY customer_id")
    return {str(customer): int(count) for customer, count in rows}


def test_what_an_erasure_covers_goes_from_every_table_and_nothing_else_does(
    store: ClickHouse, sink: ClickHouseSink
) -> None:
    for customer, at in (("c1", 0), ("c1", 3), ("c2", 0)):
        fill(sink, customer, at)
    eraser = ClickHouseEraser(store)
    erased = Erased(ms(1), ms(1), 7)
    covered = {**tables.HAPPENED, **tables.DECIDED}
    # Of a customer's profiles only the latest is a row, and it is newer.
    expected = dict.fromkeys(covered, 1) | {tables.CUSTOMERS: 0, "event_days": 4}
    store.command("OPTIMIZE TABLE dim_customers FINAL")
    assert eraser.left("c1", erased) == expected
    eraser.erase("c1", HASH, erased)
    eraser.erase("c1", HASH, erased)
    assert eraser.left("c1", erased) == dict.fromkeys([*covered, "event_days"], 0)
    assert {table: customers(store, table) for table in covered} == {
        table: {"c1": 1, "c2": 1} for table in covered
    }
    assert eraser.known() == {HASH: erased}


def test_what_was_decided_before_the_word_came_goes_too(store: ClickHouse, sink: ClickHouseSink) -> None:
    fill(sink, "c1", 2)
    ClickHouseEraser(store).erase("c1", HASH, Erased(ms(1), ms(3), 7))
    assert customers(store, tables.CALLS) == {"c1": 1}
    assert customers(store, tables.TRIGGERS) == customers(store, tables.SIGNALS) == {}


def test_rows_are_gone_from_the_parts_and_not_only_hidden(store: ClickHouse, sink: ClickHouseSink) -> None:
    fill(sink, "c1", 0)
    ClickHouseEraser(store).erase("c1", HASH, Erased(ms(1), ms(1), 7))
    parts = store.query(
        "SELECT sum(rows), max(has_lightweight_delete) FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = 'fct_calls'"
    )
    assert parts == [(0, 0)]


def test_the_latest_erasure_of_a_customer_holds(store: ClickHouse) -> None:
    eraser = ClickHouseEraser(store)
    eraser.erase("c1", HASH, Erased(ms(2), ms(2), 7))
    eraser.erase("c1", HASH, Erased(ms(1), ms(4), 7))
    assert eraser.known() == {HASH: Erased(ms(2), ms(4), 7)}


def test_a_removed_profile_goes_and_a_newer_one_stays(store: ClickHouse, sink: ClickHouseSink) -> None:
    fill(sink, "c1", 0)
    fill(sink, "c2", 2)
    eraser = ClickHouseEraser(store)
    for customer in ("c1", "c2"):
        eraser.remove_profile(customer, int((START + timedelta(days=1)).timestamp() * 1000))
    assert customers(store, tables.CUSTOMERS) == {"c2": 1}
    assert customers(store, tables.CALLS) == {"c1": 1, "c2": 1}
