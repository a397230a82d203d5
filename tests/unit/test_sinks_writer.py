"""Batching, tokens and the DSN, without a server."""

from __future__ import annotations

from typing import Any

import pytest
import stamina

from schemas import topics
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse, DsnError
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink, seal
from sinks.contract import Row, Sink, SinkMismatch, SinkRefused, SinkUnavailable
from sinks.recording import RecordingSink
from tests.integration.clickhouse_sink.messages import At, event


class Store:
    """Takes the inserts of a sink; `answers` are numbers of rows, or errors, one per insert of its own rows."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.inserts: list[tuple[int, dict[str, Any]]] = []
        self.followed: list[str] = []

    def query(self, sql: str, settings: Any) -> list[Any]:
        self.followed.append(sql.split("FROM ")[1].split()[0])
        return []

    def command(self, sql: str, settings: Any) -> None:
        self.followed.append(sql.split()[2])

    def column_types(self, table: str, columns: Any) -> list[Any]:
        return []

    def insert(self, table: str, columns: Any, rows: Any, *, types: Any, settings: Any) -> int:
        if table == "event_days":
            self.followed.append(table)
            return len(rows)
        self.inserts.append((len(rows), settings))
        answer = self.answers.pop(0) if self.answers else len(rows)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def tokens(self) -> list[str]:
        return [settings["insert_deduplication_token"] for _, settings in self.inserts]


def row(number: int, **more: Any) -> Row:
    return row_of_event(event(CallEvent, name=f"e{number}", **more), At(topics.CALLS, offset=number))


def sink_on(store: Store, **options: Any) -> ClickHouseSink:
    return ClickHouseSink(store, **{"attempts": 3, "wait_initial": 0.001, **options})  # type: ignore[arg-type]


def test_a_token_is_of_the_rows_and_their_order() -> None:
    one, two = row(1).values, row(2).values
    assert seal("fct_calls", [one, two]).token == seal("fct_calls", [one, two]).token
    assert seal("fct_calls", [one, two]).token != seal("fct_calls", [two, one]).token
    assert seal("fct_calls", [one]).token != seal("fct_calls", [row(1, reason="other").values]).token
    assert seal("fct_calls", [one, two]).token.startswith("fct_calls:contact.calls/0/1:contact.calls/0/2:2:")


def test_no_insert_is_larger_than_a_batch() -> None:
    store = Store()
    sink = sink_on(store, batch_rows=4)
    for number in range(10):
        sink.add(*row(number))
    assert sink.flush().rows == {"fct_calls": 10}
    assert [count for count, _ in store.inserts] == [4, 4, 2]
    assert len(set(store.tokens)) == 3
    assert all(settings["async_insert"] == 0 for _, settings in store.inserts)


def test_repeats_carry_the_same_token_within_a_flush_and_after_it() -> None:
    away = SinkUnavailable("away")
    store = Store(away, away, away, away)
    sink = sink_on(store)
    sink.add(*row(1))
    with pytest.raises(SinkUnavailable):
        sink.flush()
    sink.add(*row(2))
    assert sink.flush().total == 2
    assert [count for count, _ in store.inserts] == [1, 1, 1, 1, 1, 1]
    assert len(set(store.tokens[:5])) == 1
    assert store.tokens[5] != store.tokens[0]


def test_a_refusal_is_not_tried_again() -> None:
    store = Store(SinkRefused("no", code=497))
    sink = sink_on(store)
    sink.add(*row(1))
    with pytest.raises(SinkRefused):
        sink.flush()
    assert len(store.inserts) == 1
    assert sink.flush().total == 1, "the row was kept"


@pytest.mark.parametrize("written", [0, 1, 3])
def test_another_number_than_was_sent_is_an_error(written: int) -> None:
    sink = sink_on(Store(written))
    sink.add(*row(1))
    sink.add(*row(2))
    with pytest.raises(SinkMismatch, match=f"wrote {written} of 2 rows"):
        sink.flush()


def test_nothing_written_is_fine_for_a_repeat_only() -> None:
    sink = sink_on(Store(SinkUnavailable("the answer was lost"), 0))
    sink.add(*row(1))
    assert sink.flush().total == 1


def test_a_row_that_does_not_fit_its_table() -> None:
    with pytest.raises(ValueError, match="columns"):
        sink_on(Store()).add("fct_calls", (1, 2))


def test_stamina_is_not_switched_off() -> None:
    assert stamina.is_active()


@pytest.mark.parametrize("made", [lambda: RecordingSink(), lambda: sink_on(Store())])
def test_every_sink_keeps_the_contract(made: Any) -> None:
    sink: Sink = made()
    sink.add(*row(1))
    sink.add(*row(2))
    assert sink.flush().rows == {"fct_calls": 2}
    assert sink.flush().total == 0


def test_the_recording_sink_fails_as_told() -> None:
    sink = RecordingSink(failures=[SinkUnavailable("away")])
    sink.add(*row(1))
    with pytest.raises(SinkUnavailable):
        sink.flush()
    assert sink.written == []
    assert sink.flush().total == 1
    assert sink.rows("fct_calls") == [row(1).values]
    sink.close()
    assert sink.closed


@pytest.mark.parametrize(
    "dsn",
    [
        "http://geheim@localhost/x",
        "clickhouse:///nowhere",
        "clickhouse://u:geheim@host:99999/db",
        "clickhouse://u:geheim@host/db?secure=perhaps",
        "clickhouse://u:geheim@host/db?sceure=true",
        "clickhouse://u:geheim@host/db?secure=true&ca_cert=/nowhere/ca.pem",
        "clickhouse://u:geheim@host/db?secure=true&client_cert_key=/nowhere/key.pem",
    ],
)
def test_a_wrong_dsn_is_explained_without_its_password(dsn: str) -> None:
    with pytest.raises(DsnError) as caught:
        ClickHouse(dsn)
    assert "geheim" not in str(caught.value)


def test_what_a_dsn_says() -> None:
    store = ClickHouse("clickhouse://me:p%40ss@db.example/deep?secure=true")
    assert (store.where, store.database) == ("db.example:8443/deep", "deep")
    assert ClickHouse("clickhouse://h").where == "h:8123/default"
    assert ClickHouse("chdb:///tmp/somewhere").where == "chdb"
