"""Tables are made anew under what workers write: killed anywhere, with workers of the version before at work, nothing is lost or doubled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import available, migrate
from sinks.clickhouse.migrations.rebuilding import rebuild
from sinks.clickhouse.older_workers import make_up
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Row, SinkError, SinkRefused
from tests.integration.clickhouse_sink.messages import day, one_of_each
from tests.integration.clickhouse_sink.old_sink import OldSink
from tests.integration.clickhouse_sink.requests import Countdown, Killed, Watched
from tests.integration.clickhouse_sink.test_moves import MOVING
from tests.integration.clickhouse_sink.test_revisions import delivered

SEVENTH = available()[6]
NO_SUCH_TABLE = 60
VIEWS = [view for _, _, view, _ in MOVING]


@pytest.fixture
def before(dsn: str) -> Iterator[ClickHouse]:
    """A database of the version before, with rows of every kind: twice, in parts that have not merged, and events that a correction
    has moved to another month, where each is shown twice."""
    store = ClickHouse(dsn)
    store.create_database()
    migrate(store, available()[:6])
    old = OldSink(store)
    for row in (*one_of_each(), *one_of_each()):
        old.add(row)
    for kind, customer, _, more in MOVING:
        for offset, at in enumerate((0, 40, 80), 10):
            old.add(delivered(kind, customer, "moved", offset, None, at=day(at), **more))
    yield store
    store.close()


def migrate_again(dsn: str, before: Callable[[str], None] = lambda _: None) -> bool:
    """Migrate as a process of its own does; whether it came to its end."""
    store = Watched(dsn, before)
    try:
        migrate(store)
    except Killed:
        return False
    finally:
        store.close()
    return True


def things(store: ClickHouse, view: str, columns: str = "event_id, occurred_at, source_offset") -> list[Any]:
    """What a view shows, in order."""
    return sorted(store.query(f"SELECT {columns} FROM {view}"), key=repr)


def counting(shown: list[Any]) -> list[Any]:
    """Of what a view of before shows, that which counts: of the moved event the last to arrive."""
    last = max((each for each in shown if each[0] == "moved"), key=lambda each: each[2])
    return [each for each in shown if each[0] != "moved"] + [last]


def test_what_was_shown_twice_is_shown_once_and_keeps_its_time(before: ClickHouse, dsn: str) -> None:
    expected = {view: sorted(counting(things(before, view)), key=repr) for view in VIEWS}
    others = {
        "v_trigger_history": ("fct_triggers", "trigger_id, inserted_at"),
        "v_dead_letters": ("fct_dead_letters", "original_offset, inserted_at"),
        "v_customers": ("dim_customers", "customer_id, inserted_at"),
        **{
            f"v_{name}": (f"fct_{name}", "event_id, occurred_at, inserted_at")
            for name in ("calls", "surveys")
        },
    }
    written = {view: things(before, table, columns) for view, (table, columns) in others.items()}
    assert migrate_again(dsn)
    assert {view: things(before, view) for view in VIEWS} == expected
    for view, (_, columns) in others.items():
        shown = things(before, view, columns)
        assert shown
        assert set(shown) <= set(written[view]), view


@pytest.mark.slow
def test_killed_here_and_there(before: ClickHouse, dsn: str) -> None:
    """Each run gets some requests further than the one before, on what that one left; `REBUILD`'s own are all tried below."""
    expected = {view: sorted(counting(things(before, view)), key=repr) for view in VIEWS}
    requests = 0
    while not migrate_again(dsn, Countdown(requests)):
        requests += 4
    assert requests > len(SEVENTH.statements)
    assert {view: things(before, view) for view in VIEWS} == expected
    assert_nothing_is_left(before)


def test_killed_once_before_any_request(dsn: str) -> None:
    """Each run begins with the table of before; of one table, since each is rebuilt alike."""
    store = ClickHouse(dsn)
    store.create_database()
    [statement] = [
        each for each in SEVENTH.statements if each.startswith("REBUILD") and "fct_outcomes\n" in each
    ]
    done = False
    requests = 0
    while not done:
        for name in ("fct_outcomes", "fct_outcomes__old", "fct_outcomes__new", "schema_migrations"):
            store.command(f"DROP TABLE IF EXISTS {name}")
        migrate(store, available()[:6])
        old = OldSink(store)
        for offset in (1, 2):
            old.add(outcome("e1", offset))
        old.add(outcome("e2", 3))
        before = store.query(
            "SELECT event_id, source_offset, inserted_at FROM fct_outcomes FINAL ORDER BY ALL"
        )
        killed = Watched(dsn, Countdown(requests))
        try:
            rebuild(killed, statement)
            done = True
        except Killed:
            old_rows_may_come(old, outcome("e3", 4 + requests))
            rebuild(store, statement)
        came = [] if done else ["e3"]
        shown = store.query(
            "SELECT event_id, source_offset, inserted_at FROM fct_outcomes FINAL ORDER BY ALL"
        )
        assert [each for each in shown if each[0] != "e3"] == before
        assert [each[0] for each in shown] == ["e1", "e2", *came], requests
        assert_nothing_is_left(store)
        requests += 1
    assert requests > 10
    store.close()


def outcome(name: str, offset: int) -> Row:
    kind, customer, _, more = MOVING[3]
    return delivered(kind, customer, name, offset, None, **more)


def old_rows_may_come(old: OldSink, row: Row) -> bool:
    """Write a row as the version before does, unless the table is missing just now: then its worker ends, and is started again."""
    try:
        old.add(row)
    except SinkRefused as error:
        if error.code != NO_SUCH_TABLE:
            raise
        return False
    return True


def assert_nothing_is_left(store: ClickHouse) -> None:
    rows = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%\\_\\_%'"
    )
    rows += store.query("SELECT table FROM system.detached_tables WHERE database = currentDatabase()")
    assert rows == []


def test_workers_of_the_version_before_write_before_any_request(before: ClickHouse, dsn: str) -> None:
    """And go on after it. Until it is made up for, an event that they move may be on two days; nothing is missing."""
    worker = ClickHouse(dsn)
    old = OldSink(worker)
    written: dict[str, set[str]] = {view: set() for view in VIEWS}
    waiting: list[tuple[str, Row]] = []
    number = 100

    def write(_statement: str = "") -> None:
        nonlocal number, old
        number += 1
        kind, customer, view, more = MOVING[number % len(MOVING)]
        row = delivered(kind, customer, f"e{number}", number, None, at=day(number % 50), **more)
        moved = delivered(kind, customer, "moved", number, None, at=day(number % 70), **more)
        waiting.extend([(view, row), (view, moved)])
        for each in list(waiting):
            if old_rows_may_come(old, each[1]):
                waiting.remove(each)
                written[each[0]].add(str(each[1].values[1]))
            else:
                old = OldSink(worker)

    assert migrate_again(dsn, write)
    for _ in range(10):
        write()
    assert not waiting
    assert number > 150
    make_up(before)
    make_up(before)
    for view in VIEWS:
        shown = things(before, view, "event_id")
        assert len(shown) == len(set(shown)), view
        assert {name for (name,) in shown} >= written[view]
        [(last,)] = before.query(f"SELECT source_offset FROM {view} WHERE event_id = 'moved'")
        assert last > number - len(MOVING)
    contacts = before.query(
        "SELECT toDate(occurred_at) AS day, count() FROM v_calls GROUP BY day ORDER BY day"
    )
    figures = before.query("SELECT day, sum(contacts) FROM v_daily_contacts GROUP BY day ORDER BY day")
    assert figures == contacts
    worker.close()


def test_an_insert_that_is_still_writing_when_its_table_is_renamed(before: ClickHouse, dsn: str) -> None:
    """It found the old table; what it writes there comes along, or it is told that it was not written."""
    [statement] = [
        each for each in SEVENTH.statements if each.startswith("REBUILD") and "fct_calls\n" in each
    ]
    columns = "customer_id, event_id, occurred_at, ingested_at, source_offset, version"
    slow = (
        f"INSERT INTO fct_calls ({columns}) SELECT 'slow', toString(number), {{at:DateTime64(3)}}, {{at:DateTime64(3)}}, number, number "
        "FROM numbers(12) WHERE sleepEachRow(0.25) = 0 SETTINGS max_block_size = 1"
    )

    def write() -> bool:
        writer = ClickHouse(dsn)
        try:
            writer.command(slow, {"at": day(0)})
        except SinkError:  # whatever it is told, it writes again
            return False
        finally:
            writer.close()
        return True

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        time.sleep(0.5)
        rebuild(before, statement)
        told = writing.result()
    [(shown,)] = before.query("SELECT count() FROM fct_calls FINAL WHERE customer_id = 'slow'")
    assert not told or shown == 12
    assert before.query("SELECT count() FROM fct_calls FINAL WHERE customer_id = 'c1'") == [(1,)]


def test_a_worker_of_this_version_goes_on_after_a_migration_that_was_killed(
    before: ClickHouse, dsn: str
) -> None:
    """One that was started too early, while `event_days` is not there, ends, and loses nothing."""
    assert not migrate_again(dsn, Countdown(60))
    row = delivered(CallEvent, "c", "early", 200, None, at=day(3))
    early = ClickHouseSink(before, attempts=1)
    early.add(*row)
    with pytest.raises(SinkRefused) as caught:
        early.flush()
    assert caught.value.code == NO_SUCH_TABLE
    assert migrate_again(dsn)
    early.flush()
    assert before.query("SELECT count() FROM v_calls WHERE event_id = 'early'") == [(1,)]
