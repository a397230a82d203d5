"""Corrections: of two deliveries of one event the later revision counts, then the later arrival, in whatever order they are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from schemas import topics
from schemas.base import Event
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.revisions import arrival_of, revision_of
from schemas.survey import SurveyEvent
from sinks.clickhouse import tables
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.migrations import available, migrate
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Erased, Row
from tests.integration.clickhouse_sink.messages import START, At, day, event
from tests.integration.clickhouse_sink.old_sink import OldSink

KINDS: list[tuple[type[Event], str | None, str, dict[str, Any]]] = [
    (CallEvent, "c", "v_calls", {}),
    (SurveyEvent, "c", "v_surveys", {"csat": 1}),
    (CancellationEvent, "c", "v_cancellations", {"stage": "inquiry"}),
    (OutcomeEvent, "c", "v_outcomes", {"trigger_id": "t", "attempt": 1, "disposition": "BUSY"}),
    (ProfileEvent, "c", "v_customers", {}),
    (CallEvent, None, "v_unattributable_events", {}),
]
EPOCH_MS = int(START.timestamp() * 1000)


def delivered(
    kind: type[Event], customer: str | None, name: str, offset: int, revised: float | None, **more: Any
) -> Row:
    """The row of a delivery, revised so many days after the start and arriving `offset` ms after it."""
    made = event(kind, customer, name, revised_at=None if revised is None else day(revised), **more)
    return row_of_event(made, At(topics.CALLS, offset=offset, timestamp=EPOCH_MS + offset))


def written(store: ClickHouse, deliveries: Sequence[Row]) -> None:
    """Write each by itself, so that each is a part of its own."""
    for row in deliveries:
        sink = ClickHouseSink(store)
        sink.add(*row)
        sink.flush()


def shown(store: ClickHouse, view: str, column: str = "source_offset") -> dict[str, Any]:
    """What a view shows, by event, or by customer."""
    name = "customer_id" if view == "v_customers" else "event_id"
    rows = store.query(f"SELECT {name}, {column} FROM {view}")
    found = dict(rows)
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize(
    ("kind", "customer", "view", "more"), KINDS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_in_any_order_the_later_revision_counts_then_the_later_arrival(
    store: ClickHouse, kind: type[Event], customer: str | None, view: str, more: dict[str, Any]
) -> None:
    """Offsets are arrivals. 3 is a correction that arrived last but one, 4 an older one that came late, 5 has no revision."""
    cases = [
        ({1: None, 2: None}, 2),
        ({1: 0, 3: 2, 4: 1}, 3),
        ({2: 1, 3: 1, 5: None}, 3),
    ]
    expected = {}
    by_time: list[list[Row]] = [[], [], []]
    table = ""
    for number, (revisions, counts) in enumerate(cases):
        for order in permutations(revisions):
            name = f"{number}-{'-'.join(map(str, order))}"
            expected[name] = counts
            of = name if customer else None
            for place, offset in enumerate([*order, order[0]]):  # the first once more
                row = delivered(kind, of, name, offset, revisions[offset], **more)
                table = row.table
                by_time[min(place, 2)].append(row)
    for rows in by_time:
        sink = ClickHouseSink(store)
        for row in rows:
            sink.add(*row)
        sink.flush()
    assert shown(store, view) == expected
    store.command(f"OPTIMIZE TABLE {table} FINAL")
    assert shown(store, view) == expected


def test_what_was_not_resolved_was_resolved_after_all(store: ClickHouse) -> None:
    no = delivered(CallEvent, "c1", "e1", 1, None, resolved=False)
    yes = delivered(CallEvent, "c1", "e1", 2, 1, resolved=True)
    late = delivered(CallEvent, "c1", "e1", 3, 0, resolved=False)
    written(store, [no, yes, late, no])
    assert shown(store, "v_calls", "resolved") == {"e1": "yes"}
    assert shown(store, "v_calls", "revised_at") == {"e1": day(1)}
    store.command("OPTIMIZE TABLE fct_calls FINAL")
    assert store.query("SELECT resolved FROM fct_calls") == [("yes",)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_of_profiles_the_later_counts_whatever_was_revised(store: ClickHouse, order: tuple[int, ...]) -> None:
    """A correction of an old profile is no news about a new one; one of the newest is."""
    profiles = [
        delivered(ProfileEvent, "c1", "p1", 0, 9, at=day(1)),
        delivered(ProfileEvent, "c1", "p2", 1, None, at=day(2)),
        delivered(ProfileEvent, "c2", "p3", 2, None, at=day(2)),
        delivered(ProfileEvent, "c2", "p3", 3, 9, at=day(2)),
    ]
    written(store, [profiles[each] for each in order])
    assert shown(store, "v_customers", "event_id") == {"c1": "p2", "c2": "p3"}
    assert shown(store, "v_customers") == {"c1": 1, "c2": 3}
    store.command("OPTIMIZE TABLE dim_customers FINAL")
    assert shown(store, "v_customers") == {"c1": 1, "c2": 3}


def test_an_erased_customer_leaves_no_revision(store: ClickHouse) -> None:
    profiles = [delivered(ProfileEvent, "c1", "p1", each, each or None) for each in range(3)]
    written(store, [*profiles, delivered(CallEvent, "c1", "e1", 5, 5)])
    until = int(day(0).timestamp() * 1000)
    ClickHouseEraser(store).erase("c1", "ab" * 16, Erased(until, until, 7))
    assert store.query("SELECT count() FROM dim_customers") == [(0,)]
    assert store.query("SELECT count() FROM fct_calls") == [(0,)]


@pytest.mark.parametrize("year", [None, 1, 1970, 2024, 2099, 9999])
@pytest.mark.parametrize("offset", [3, 2**20 - 1, 2**20, 2**40 + 1])
def test_the_server_counts_as_the_rule_does(store: ClickHouse, year: int | None, offset: int) -> None:
    """Also of a revision that no table holds."""
    at = None if year is None else datetime(year, 6, 1, 12, 30, 15, 123_456, tzinfo=UTC)
    timestamp = EPOCH_MS if at is None else int(at.timestamp() * 1000)
    for made in (event(CallEvent, revised_at=at), event(ProfileEvent, revised_at=at)):
        written(store, [row_of_event(made, At(topics.CALLS, offset=offset, timestamp=timestamp))])
    revision = revision_of(at)
    arrival = arrival_of(timestamp, offset)
    assert store.query("SELECT version FROM fct_calls") == [(revision << 64 | arrival,)]
    profile = EPOCH_MS << 128 | revision << 64 | arrival
    assert store.query("SELECT latest FROM dim_customers") == [(profile,)]


def test_a_worker_of_the_version_before_goes_on_beside_this_one(dsn: str) -> None:
    """Whether it asked for the types of the columns before the migration or afterwards."""
    store = ClickHouse(dsn)
    store.create_database()
    migrate(store, available()[:5])
    running = OldSink(store)
    for kind, customer, _, more in KINDS:
        running.add(delivered(kind, customer, "e1", 1, None, **more))
    migrate(store)
    for old in (running, OldSink(store)):
        for kind, customer, view, more in KINDS:
            name = customer or "e1"
            found = shown(store, view)
            offset = found["c" if view == "v_customers" else "e1"]
            old.add(delivered(kind, customer, "e1", offset + 1, None, **more))
            written(store, [delivered(kind, customer, "e1", offset, None, **more)])
            assert list(shown(store, view).values()) == [offset + 1], name
    for kind, customer, view, more in KINDS:
        written(store, [delivered(kind, customer, "e1", 1, 0, **more)])
        running.add(delivered(kind, customer, "e1", 9, None, **more))
        assert list(shown(store, view).values()) == [1]
    newer = delivered(ProfileEvent, "c", "p2", 10, None, at=day(1))
    running.add(newer)
    assert shown(store, "v_customers") == {"c": 10}
    assert store.query(f"SELECT count() FROM {tables.CUSTOMERS} FINAL") == [(1,)]
    store.close()
