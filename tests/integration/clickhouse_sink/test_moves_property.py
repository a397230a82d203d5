"""Random deliveries of events over days, in random batches of workers that are killed and start again, against a plain model."""

from __future__ import annotations

import random
from itertools import count
from typing import Final, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from schemas.base import Event
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.rollups import refresh
from sinks.contract import Row
from tests.integration.clickhouse_sink.messages import START, day
from tests.integration.clickhouse_sink.requests import Countdown, Killed, Watched
from tests.integration.clickhouse_sink.test_moves import MOVING, REQUESTS, merge, write
from tests.integration.clickhouse_sink.test_revisions import delivered

DAYS: Final = (0, 1, 40, -400)
_numbers = count()


class Delivery(NamedTuple):
    """A version of one of few events."""

    table: int
    event: int
    at: int
    revised: int | None


class Step(NamedTuple):
    """What one worker does with the deliveries that come: it writes so many, and may be killed before that many requests."""

    size: int
    killed: int | None
    merges: bool
    computes: bool


deliveries = some.builds(
    Delivery,
    some.integers(0, len(MOVING) - 1),
    some.integers(0, 1),
    some.sampled_from(DAYS),
    some.sampled_from([None, None, 1, 2]),
)
steps = some.builds(
    Step,
    some.integers(1, 6),
    some.none() | some.integers(0, 3 * REQUESTS),
    some.booleans(),
    some.booleans(),
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    some.lists(deliveries, min_size=1, max_size=16), some.lists(steps, min_size=1, max_size=8), some.randoms()
)
def test_each_event_is_shown_once_and_where_its_version_is(
    store: ClickHouse, migrated: str, sent: list[Delivery], doing: list[Step], order: random.Random
) -> None:
    prefix = f"p{next(_numbers)}-"
    rows = [row_of(each, prefix, offset) for offset, each in enumerate(sent)]
    waiting = [*rows, *rows[::2]]  # some are read twice
    order.shuffle(waiting)
    place = turn = 0
    while place < len(waiting):
        step = doing[turn % len(doing)]
        turn += 1
        batch = waiting[place : place + step.size]
        try:
            never = step.killed is None or turn > 3 * len(waiting)  # nobody is killed for ever
            write(store if never else Watched(migrated, Countdown(step.killed or 0)), *batch)
            place += step.size
        except Killed:
            pass  # the offsets are not committed: the next worker reads the same, and cuts it into other batches
        if step.merges:
            merge(store, "fct_calls", "fct_outcomes")
        if step.computes:
            refresh(store, quiet_s=0)
    for number, (_, _, view, _) in enumerate(MOVING):
        found = store.query(
            f"SELECT event_id, occurred_at, source_offset FROM {view} WHERE startsWith(event_id, {{p:String}}) ORDER BY event_id",
            {"p": prefix},
        )
        assert [(name, (at - START).days, offset) for name, at, offset in found] == model(
            sent, number, prefix
        )
    contacts = store.query(
        "SELECT toDate(occurred_at) AS day, count() FROM v_calls GROUP BY day ORDER BY day"
    )
    assert (
        store.query("SELECT day, sum(contacts) FROM v_daily_contacts GROUP BY day ORDER BY day") == contacts
    )


def row_of(each: Delivery, prefix: str, offset: int) -> Row:
    kind, customer, _, more = MOVING[each.table]
    assert issubclass(kind, Event)
    return delivered(kind, customer, f"{prefix}{each.event}", offset, each.revised, at=day(each.at), **more)


def model(sent: list[Delivery], table: int, prefix: str) -> list[tuple[str, int, int]]:
    """Of each event the later revision, then the later arrival."""
    best: dict[int, tuple[int, int, int]] = {}
    for offset, each in enumerate(sent):
        if each.table == table:
            said = (each.revised or 0, offset, each.at)
            best[each.event] = max(best.get(each.event, said), said)
    return [(f"{prefix}{number}", at, offset) for number, (_, offset, at) in sorted(best.items())]
