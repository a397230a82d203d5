"""The sink against a server: each table there and back, duplicates, repeats with tokens, one block."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import topics
from schemas.call import CallEvent
from schemas.profile import ProfileEvent
from sinks.clickhouse import tables
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.clickhouse.tables import COLUMNS
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Row, SinkMismatch, SinkRefused
from tests.integration.clickhouse_sink.messages import (
    START,
    At,
    day,
    dead_letter,
    event,
    one_of_each,
    output,
    signals,
    trigger,
    wire,
)


def write(sink: ClickHouseSink, rows: Sequence[Row]) -> dict[str, int]:
    for row in rows:
        sink.add(*row)
    return sink.flush().rows


def as_written(value: object) -> object:
    """What the driver gives back: times as datetimes in UTC, fixed strings as bytes."""
    if isinstance(value, list):
        return [as_written(each) for each in value]
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000 + 0.5)
    return value.decode() if isinstance(value, bytes) else value


def test_every_table_there_and_back(sink: ClickHouseSink, store: ClickHouse) -> None:
    rows = one_of_each()
    assert {row.table for row in rows} == set(COLUMNS)
    assert write(sink, rows) == dict.fromkeys(COLUMNS, 1)
    assert sink.flush().total == 0
    for row in rows:
        [found] = store.query(f"SELECT {', '.join(COLUMNS[row.table])} FROM {row.table} FINAL")
        assert tuple(map(as_written, found)) == row.values


def test_a_telephone_number_is_in_no_row() -> None:
    assert not [row for row in one_of_each() if "612345678" in repr(row)]


def test_a_replay_in_other_batches_changes_no_view(sink: ClickHouseSink, store: ClickHouse) -> None:
    rows = [
        row_of_event(event(CallEvent, name=f"e{n}", at=day(n)), At(topics.CALLS, offset=n)) for n in range(60)
    ]
    write(sink, rows[:40])
    write(sink, rows[20:])
    assert store.query("SELECT count() FROM fct_calls") == [(80,)]
    assert store.query("SELECT count(), uniqExact(event_id) FROM v_calls") == [(60, 60)]


def test_the_same_batch_again_writes_nothing(sink: ClickHouseSink, store: ClickHouse) -> None:
    """As after a crash between the insert and the commit: rows over several months, one token."""
    rows = [
        row_of_event(event(CallEvent, name=f"e{n}", at=day(n)), At(topics.CALLS, offset=n))
        for n in range(200)
    ]
    write(sink, rows)
    write(sink, rows)
    assert store.query("SELECT count() FROM fct_calls") == [(200,)]


def test_what_was_written_is_let_go_at_once(sink: ClickHouseSink) -> None:
    """The driver's context refers to itself: rows would pile up until a garbage collection comes."""

    class Reason(str):
        pass

    made = row_of_event(event(CallEvent), At(topics.CALLS))
    reason = Reason("bill")
    kept = weakref.ref(reason)
    gc.disable()
    try:
        sink.add(made.table, tuple(reason if each == "unknown" else each for each in made.values))
        del reason
        assert sink.flush().total == 1
        assert kept() is None
    finally:
        gc.enable()


def test_a_large_insert_is_one_block(store: ClickHouse) -> None:
    """A second block under one token would be taken for a repeat of the first, and be lost in silence."""
    sink = ClickHouseSink(store, batch_rows=120_000)
    at = At(topics.CALLS)
    made = row_of_event(event(CallEvent, reason="x" * 60, department="y" * 60), at)
    for number in range(120_000):
        sink.add(*Row(made.table, (made.values[0], f"e{number}", *made.values[2:])))
    assert sink.flush().total == 120_000
    assert store.query("SELECT count() FROM v_calls") == [(120_000,)]


def test_an_old_history_may_span_more_months_than_the_default(
    sink: ClickHouseSink, store: ClickHouse
) -> None:
    rows = [
        row_of_event(
            event(CallEvent, name=f"e{n}", at=datetime(1990 + n // 12, n % 12 + 1, 1, tzinfo=UTC)),
            At(topics.CALLS, offset=n),
        )
        for n in range(150)
    ]
    write(sink, rows)
    assert store.query("SELECT count() FROM v_calls") == [(150,)]


def test_the_later_record_of_an_identity_counts(sink: ClickHouseSink, store: ClickHouse) -> None:
    later = row_of_event(event(CallEvent, reason="corrected"), At(topics.CALLS, offset=9))
    earlier = row_of_event(event(CallEvent, reason="first"), At(topics.CALLS, offset=8))
    write(sink, [later])
    write(sink, [earlier])
    assert store.query("SELECT reason FROM v_calls") == [("corrected",)]


def test_the_latest_profile_counts_whenever_it_arrives(sink: ClickHouseSink, store: ClickHouse) -> None:
    new = event(ProfileEvent, name="p2", at=day(2), do_not_call=True)
    old = event(ProfileEvent, name="p1", at=day(1), do_not_call=False)
    write(sink, [row_of_event(new, At(topics.PROFILES, offset=1))])
    write(sink, [row_of_event(old, At(topics.PROFILES, offset=2))])
    assert store.query("SELECT do_not_call FROM v_customers") == [("yes",)]


def test_triggers_stand_by_their_highest_sequence(sink: ClickHouseSink, store: ClickHouse) -> None:
    write(
        sink, [output(trigger(sequence=2, status="completed", status_reason="answered"), topics.TRIGGERS, 2)]
    )
    write(sink, [output(trigger(), topics.TRIGGERS, 1)])
    write(sink, [output(trigger(), topics.TRIGGERS, 3)])
    assert store.query("SELECT mode, sequence, first_status, status, published FROM v_triggers") == [
        ("live", 2, "open", "completed", "yes")
    ]
    assert store.query("SELECT count() FROM v_trigger_history") == [(2,)]


LATE = int((START + timedelta(days=4)).timestamp() * 1000)
"""When a trigger of the start is over."""
IDS: list[tuple[str, list[tuple[str, int, str, int | None]], tuple[object, ...]]] = [
    ("published", [("live", 1, "open", None)], ("live", 1, "open", "yes")),
    ("in shadow mode", [("shadow", 1, "open", None)], ("shadow", 1, "open", "shadow")),
    (
        "known too late, then published as expired",
        [("shadow", 1, "open", LATE), ("live", 2, "expired", LATE)],
        ("live", 2, "expired", "too_late"),
    ),
    ("born expired", [("shadow", 1, "expired", None)], ("shadow", 1, "expired", "too_late")),
    (
        "decided in shadow mode, gone on live",
        [("shadow", 1, "open", None), ("live", 2, "completed", None)],
        ("live", 2, "completed", "shadow"),
    ),
    (
        "recorded by a worker that was behind, published by one that was not",
        [("shadow", 1, "open", LATE), ("live", 1, "open", None)],
        ("live", 1, "open", "yes"),
    ),
    (
        "published, and its end recorded only",
        [("live", 1, "open", None), ("shadow", 2, "retracted", LATE)],
        ("live", 2, "retracted", "yes"),
    ),
]


@pytest.mark.parametrize(("records", "shown"), [each[1:] for each in IDS], ids=[each[0] for each in IDS])
def test_a_trigger_is_one_row_whatever_was_published_of_it(
    sink: ClickHouseSink,
    store: ClickHouse,
    records: list[tuple[str, int, str, int | None]],
    shown: tuple[object, ...],
) -> None:
    for order in (records, records[::-1]):
        for mode, sequence, status, at in order:
            topic = topics.TRIGGERS if mode == "live" else topics.SHADOW_TRIGGERS
            row = row_of_output(
                wire(trigger(sequence=sequence, status=status)),
                At(topic, offset=sequence) if at is None else At(topic, offset=sequence, timestamp=at),
            )
            assert row is not None
            write(sink, [row])
        assert store.query("SELECT mode, sequence, status, published FROM v_triggers") == [shown]


def test_signals_stand_by_their_latest_picture(sink: ClickHouseSink, store: ClickHouse) -> None:
    write(sink, [output(signals(sequence=2, at=day(1)), topics.SIGNALS), output(signals(), topics.SIGNALS)])
    assert store.query("SELECT sequence, as_of > {at:DateTime64} FROM v_customer_signals", {"at": START}) == [
        (2, 1)
    ]
    assert store.query("SELECT count() FROM v_customer_signal_history") == [(2,)]


def test_a_missing_table_is_refused_once_and_explained(own_database: ClickHouse) -> None:
    store, sink = own_database, ClickHouseSink(own_database, attempts=2, wait_initial=0.01)
    store.command("DROP TABLE fct_dead_letters")
    with pytest.raises(SinkRefused, match="behoudlijn clickhouse migrate") as caught:
        write(sink, [output(dead_letter(), topics.DEAD_LETTERS)])
    assert caught.value.code == 60
    with pytest.raises(SinkRefused):  # the row is kept
        sink.flush()


def test_the_text_of_a_refused_insert_stays_out(own_database: ClickHouse) -> None:
    store, sink = own_database, ClickHouseSink(own_database, attempts=2, wait_initial=0.01)
    write(sink, [output(dead_letter(), topics.DEAD_LETTERS)])
    store.command("DROP TABLE fct_dead_letters")
    with pytest.raises(SinkRefused) as caught:
        write(sink, [output(dead_letter(8), topics.DEAD_LETTERS)])
    assert caught.value.__cause__ is None


def test_a_wrong_password_is_refused_without_repeating_it(dsn: str) -> None:
    wrong = dsn.replace("//default:", "//default:geheim", 1)
    if wrong == dsn:
        pytest.skip("the given DSN names another user than default")
    with pytest.raises(SinkRefused, match="Check user and password") as caught:
        ClickHouse(wrong).query("SELECT 1")
    assert "geheim" not in str(caught.value)


def test_other_numbers_than_were_sent_are_an_error(
    store: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = ClickHouseSink(store)
    real = store.insert

    def short(*arguments: Any, **named: Any) -> int:
        return real(*arguments, **named) - 1

    monkeypatch.setattr(store, "insert", short)
    with pytest.raises(SinkMismatch, match=f"0 of 1 rows into {tables.DEAD_LETTERS}"):
        write(sink, [output(dead_letter(), topics.DEAD_LETTERS)])
