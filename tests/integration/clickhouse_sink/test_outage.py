"""The server goes away and comes back: nothing is lost, nothing written twice, and the sink says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Row, SinkUnavailable
from tests.integration.clickhouse_sink.messages import At, event


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "clickhouse"


@pytest.fixture
def server(directory: Path, engine: Sequence[str]) -> Iterator[EmbeddedClickHouse]:
    """A server of the test's own, that it may stop and start again on the same port and directory."""
    with EmbeddedClickHouse(path=directory, arguments=["--exit-with-parent"], program=engine) as running:
        yield running


def calls(first: int, count: int) -> list[Row]:
    return [
        row_of_event(event(CallEvent, name=f"e{n}"), At(topics.CALLS, offset=n))
        for n in range(first, first + count)
    ]


def again(server: EmbeddedClickHouse, directory: Path, engine: Sequence[str]) -> EmbeddedClickHouse:
    """The same server once more: its port, its data, its password."""
    return EmbeddedClickHouse(
        path=directory,
        port=server.port,
        password=server.password,
        arguments=["--exit-with-parent"],
        program=engine,
    )


def prepared(
    server: EmbeddedClickHouse, away: Callable[[str], None] = lambda _reason: None, **options: Any
) -> tuple[ClickHouse, ClickHouseSink]:
    store = ClickHouse(server.dsn, timeout=5, on_unavailable=away)
    migrate(store)
    return store, ClickHouseSink(store, **{"attempts": 2, "wait_initial": 0.01, **options})


def test_what_was_taken_is_written_after_a_restart(
    server: EmbeddedClickHouse, directory: Path, engine: Sequence[str]
) -> None:
    away: list[str] = []
    inserted: list[tuple[str, int]] = []
    store, sink = prepared(
        server,
        away.append,
        on_insert=lambda table, rows: inserted.append((table, rows)),
    )
    for row in calls(0, 10):
        sink.add(*row)
    sink.flush()
    server.stop()

    for row in calls(10, 10):
        sink.add(*row)
    with pytest.raises(SinkUnavailable, match="Nothing is lost"):
        sink.flush()
    assert away == ["no_connection", "no_connection"], "each try is heard of, with its reason"
    for row in calls(20, 5):  # rows that come during the outage are batches of their own
        sink.add(*row)
    with pytest.raises(SinkUnavailable):
        sink.flush()

    with again(server, directory, engine):
        assert sink.flush().rows == {"fct_calls": 15}
        assert store.query("SELECT count(), uniqExact(event_id) FROM fct_calls") == [(25, 25)]
        assert inserted == [("fct_calls", 10), ("fct_calls", 10), ("fct_calls", 5)]
    sink.close()


def test_a_lost_answer_does_not_write_twice(
    server: EmbeddedClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server wrote, the answer did not arrive: the repeat carries the same token."""
    store, sink = prepared(server)
    real, lost = store.insert, [True]

    def losing(*arguments: Any, **named: Any) -> int:
        written = real(*arguments, **named)
        if lost:
            lost.clear()
            raise SinkUnavailable("the answer was lost")
        return written

    monkeypatch.setattr(store, "insert", losing)
    for row in calls(0, 10):
        sink.add(*row)
    assert sink.flush().total == 10
    assert store.query("SELECT count() FROM fct_calls") == [(10,)]
    sink.close()


def test_a_server_that_is_not_there_yet(
    server: EmbeddedClickHouse, directory: Path, engine: Sequence[str]
) -> None:
    """A sink may be made before its server: the connection opens with the first flush."""
    store, sink = prepared(server)
    store.close()
    server.stop()
    sink.add(*calls(0, 1)[0])
    with pytest.raises(SinkUnavailable):
        sink.flush()
    with again(server, directory, engine):
        assert sink.flush().total == 1
    sink.close()


def test_tries_are_bounded_by_time(server: EmbeddedClickHouse) -> None:
    away: list[str] = []
    _, sink = prepared(server, away.append, attempts=10_000, retry_seconds=0.2)
    server.stop()
    sink.add(*calls(0, 1)[0])
    with pytest.raises(SinkUnavailable):
        sink.flush()
    assert 1 < len(away) < 9_999, "the time was over before the attempts were"
    sink.close()
