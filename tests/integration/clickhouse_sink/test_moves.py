"""Corrections that move an event to another day: it shows once, on the right day, whatever happens between the writing and the settling."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, permutations
from typing import Any

import pytest

from schemas.base import Event
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.rollups import refresh
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Row
from tests.integration.clickhouse_sink.messages import START, day
from tests.integration.clickhouse_sink.requests import Countdown, Killed, Turns, Watched
from tests.integration.clickhouse_sink.test_revisions import KINDS, delivered

MOVING = [each for each in KINDS if each[2] != "v_customers"]
"""Kind of event, customer, view, and what else such an event needs."""
AWAY = {"a day": 1, "a month": 31, "a year": -366}
REQUESTS = 4
"""Of a flush: the rows, their days, what settles them, and the note of changed days."""
each_table = pytest.mark.parametrize(
    ("kind", "customer", "view", "more"), MOVING, ids=[each[2].removeprefix("v_") for each in MOVING]
)
Kind = type[Event]


def write(store: ClickHouse, *rows: Row) -> None:
    """Write rows in one batch, as a worker that was just started."""
    sink = ClickHouseSink(store)
    for row in rows:
        sink.add(*row)
    sink.flush()


def shown(store: ClickHouse, view: str) -> list[tuple[Any, ...]]:
    """Day after the start, and offset, of all that a view shows."""
    rows = store.query(f"SELECT occurred_at, source_offset FROM {view} ORDER BY event_id, occurred_at")
    return [((at - START).days, offset) for at, offset in rows]


def merge(store: ClickHouse, *tables: str) -> None:
    """All that merges in the background may do one day."""
    for table in (*tables, "event_days"):
        store.command(f"OPTIMIZE TABLE {table} FINAL")


@each_table
@pytest.mark.parametrize("away", AWAY.values(), ids=AWAY)
@pytest.mark.parametrize("revised", [False, True], ids=["later arrival", "later revision"])
def test_there_and_back_and_there_again(
    store: ClickHouse,
    kind: Kind,
    customer: str | None,
    view: str,
    more: dict[str, Any],
    away: int,
    revised: bool,
) -> None:
    versions = [
        delivered(
            kind, customer, "e1", number, number if revised else None, at=day(away * (number % 2)), **more
        )
        for number in range(1, 5)
    ]
    for number, row in enumerate(versions, 1):
        write(store, row)
        assert shown(store, view) == [(away * (number % 2), number)]
        if number % 2:
            merge(store, row.table)
            assert shown(store, view) == [(away, number)]
    for again in (versions, versions[::-1]):
        for row in again:
            write(store, row)
            assert shown(store, view) == [(0, 4)]
    write(store, *versions)
    merge(store, versions[0].table)
    assert shown(store, view) == [(0, 4)]


@each_table
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_whichever_version_arrives_last(
    store: ClickHouse,
    kind: Kind,
    customer: str | None,
    view: str,
    more: dict[str, Any],
    order: Sequence[int],
) -> None:
    """The second was revised later than the third, which arrived after it."""
    versions = [
        delivered(kind, customer, "e1", 1, None, at=day(0), **more),
        delivered(kind, customer, "e1", 2, 9, at=day(40), **more),
        delivered(kind, customer, "e1", 3, 5, at=day(400), **more),
    ]
    for each in order:
        write(store, versions[each])
    assert shown(store, view) == [(40, 2)]
    merge(store, versions[0].table)
    assert shown(store, view) == [(40, 2)]


@each_table
def test_two_versions_in_one_batch_beside_other_events(
    store: ClickHouse, kind: Kind, customer: str | None, view: str, more: dict[str, Any]
) -> None:
    versions = [delivered(kind, customer, "e1", n, None, at=day(n), **more) for n in (1, 2)]
    others = [delivered(kind, customer, f"x{n}", n, None, at=day(n), **more) for n in (1, 2)]
    write(store, *versions[::-1], *others)
    assert shown(store, view) == [(2, 2), (1, 1), (2, 2)]


@each_table
@pytest.mark.parametrize("requests", range(1, REQUESTS))
def test_killed_after_any_request_and_written_again(
    store: ClickHouse,
    migrated: str,
    kind: Kind,
    customer: str | None,
    view: str,
    more: dict[str, Any],
    requests: int,
) -> None:
    before, after = (delivered(kind, customer, "e1", n, None, at=day(40 * n), **more) for n in (0, 1))
    write(store, before)
    with_this = Countdown(requests)
    try:
        write(Watched(migrated, with_this), after)
    except Killed:
        merge(store, after.table)
    assert with_this.left == 0
    other = delivered(
        kind, customer, "e2", 2, None, at=day(3), **more
    )  # read on from the same place, in another batch
    write(store, after, other)
    assert shown(store, view) == [(40, 1), (3, 2)]


def orders() -> list[str]:
    """Every way in which two flushes can fall into one another."""
    places = range(2 * REQUESTS)
    return [
        "".join("a" if place in of_a else "b" for place in places) for of_a in combinations(places, REQUESTS)
    ]


@pytest.mark.parametrize("both", [(0, 1), (2, 1)], ids=str)
def test_two_workers_write_versions_at_once(store: ClickHouse, migrated: str, both: tuple[int, int]) -> None:
    """In every order of their requests: a new event in two versions, or two corrections of one that was there."""
    versions = [delivered(CallEvent, "c", "e1", n, None, at=day(40 * n)) for n in range(3)]
    expected = [(40 * max(both), max(both))]
    for order in orders():
        store.command("TRUNCATE TABLE fct_calls")
        store.command("TRUNCATE TABLE event_days")
        if 0 not in both:
            write(store, versions[0])
        turns = Turns(order)

        def work(name: str, version: int, turns: Turns = turns) -> None:
            with turns.working(name):
                write(Watched(migrated, turns.of(name)), versions[version])

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(work, name, version) for name, version in zip("ab", both, strict=True)]:
                done.result()
        assert shown(store, "v_calls") == expected, order


def test_of_equal_versions_one_stands_and_always_the_same(store: ClickHouse) -> None:
    """Two partitions, one millisecond, one offset."""
    versions = [delivered(CallEvent, "c", "e1", 7, None, at=day(n)) for n in (3, 5, 4)]
    for order in permutations(versions):
        for row in order:
            write(store, row)
        assert shown(store, "v_calls") == [(5, 7)]


def test_both_days_figures_follow(store: ClickHouse) -> None:
    """Also those that were computed while the event was there."""

    def figures() -> dict[int, int]:
        rows = store.query("SELECT day, sum(contacts) FROM v_daily_contacts GROUP BY day")
        return {(on - START.date()).days: int(contacts) for on, contacts in rows}

    write(store, *(delivered(CallEvent, "c", f"x{n}", n, None, at=day(n)) for n in (0, 1)))
    for number, at in enumerate((0, 1, 0, 5)):
        write(store, delivered(CallEvent, "c", "e1", 10 + number, None, at=day(at)))
        expected = {0: 1, 1: 1}
        expected[at] = expected.get(at, 0) + 1
        assert figures() == expected
        assert refresh(store, quiet_s=0)
        assert figures() == expected
        assert shown(store, "v_calls")[0] == (at, 10 + number)
