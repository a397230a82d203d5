"""An erasure of a customer whose events have moved: rows, marks, days and figures, in one partition; killed anywhere, and repeated."""

from __future__ import annotations

from datetime import datetime

import pytest

from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import EVENT_DAYS
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.rollups import refresh
from sinks.clickhouse.tables import DECIDED, HAPPENED
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import Erased
from tests.integration.clickhouse_sink.messages import START, day
from tests.integration.clickhouse_sink.requests import Countdown, Killed, Watched
from tests.integration.clickhouse_sink.test_erasure import HASH, fill, ms
from tests.integration.clickhouse_sink.test_moves import MOVING, write
from tests.integration.clickhouse_sink.test_revisions import delivered

COVERED = (*HAPPENED, *DECIDED, EVENT_DAYS.name)
ALL = Erased(ms(100), ms(100), 7)


def history(store: ClickHouse, *customers: str) -> None:
    """Each has a row of every kind, and an event of every kind that has moved twice."""
    for customer in customers:
        fill(ClickHouseSink(store), customer, 0)
        for number, at in enumerate((0, 40, 3)):
            for kind, somebody, _, more in MOVING:
                if somebody:
                    write(store, delivered(kind, customer, "moved", number, None, at=day(at), **more))


def rows_of(store: ClickHouse, customer: str) -> int:
    """Rows of any table that name the customer, marks included."""
    names = {table: "owner" if table == EVENT_DAYS.name else "customer_id" for table in COVERED}
    return sum(
        int(store.query(f"SELECT count() FROM {table} WHERE {name} = {{c:String}}", {"c": customer})[0][0])
        for table, name in names.items()
    )


def figures(store: ClickHouse) -> list[tuple[object, ...]]:
    return store.query("SELECT day, sum(contacts) FROM v_daily_contacts GROUP BY day ORDER BY day")


def test_nothing_of_the_customer_is_left_and_all_of_others(store: ClickHouse) -> None:
    history(store, "c1", "c2")
    refresh(store, quiet_s=0)
    others = rows_of(store, "c2")
    assert sum(int(str(contacts)) for _, contacts in figures(store)) == 4
    ClickHouseEraser(store).erase("c1", HASH, ALL)
    assert (rows_of(store, "c1"), rows_of(store, "c2")) == (0, others)
    assert figures(store) == [(START.date(), 1), (day(3).date(), 1)]
    assert set(ClickHouseEraser(store).left("c1", ALL).values()) == {0}


def test_killed_before_any_request_and_repeated(store: ClickHouse, migrated: str) -> None:
    requests, done = 0, False
    while not done:
        history(store, "c1", "c2")
        others = rows_of(store, "c2")
        try:
            ClickHouseEraser(Watched(migrated, Countdown(requests))).erase("c1", HASH, ALL)
            done = True
        except Killed:
            if requests:
                assert HASH in ClickHouseEraser(store).known()
            ClickHouseEraser(store).erase("c1", HASH, ALL)
        assert (rows_of(store, "c1"), rows_of(store, "c2")) == (0, others), requests
        assert sum(int(str(contacts)) for _, contacts in figures(store)) == 2
        requests += 5
    assert requests > 20


def test_it_asks_for_one_partition_of_each_table(store: ClickHouse) -> None:
    """Other partitions' parts get the mutation's number too, and keep their files."""
    for number in range(16):
        fill(ClickHouseSink(store), f"c{number}", 0)
    ClickHouseEraser(store).erase("c1", HASH, ALL)
    [(partition,)] = store.query("SELECT cityHash64('c1') % 8")
    mutations = store.query(
        "SELECT table, command, is_done FROM system.mutations WHERE database = currentDatabase()"
    )
    assert sorted(table for table, _, _ in mutations) == sorted(COVERED)
    for table, command, is_done in mutations:
        assert f"IN PARTITION {partition} " in str(command).replace(f"'{partition}'", str(partition)), table
        assert is_done


def at(hour: int) -> datetime:
    return START.replace(hour=hour)


@pytest.mark.parametrize("merged", [False, True], ids=["apart", "merged"])
def test_an_erasure_that_ends_within_a_day_uncovers_nothing(store: ClickHouse, merged: bool) -> None:
    """Of an event two versions lie on the day on which it ends, the later to count before its end; a third has moved away."""
    for number, when in enumerate((at(20), at(10), day(40))):
        write(store, delivered(CallEvent, "c1", "e1", number, None, at=when))
    if merged:
        store.command("OPTIMIZE TABLE fct_calls FINAL")
    until = int(at(12).timestamp() * 1000)
    ClickHouseEraser(store).erase("c1", HASH, Erased(until, until, 7))
    assert store.query("SELECT occurred_at FROM v_calls") == [(day(40),)]
    assert store.query(
        "SELECT count() FROM fct_calls WHERE occurred_at <= {until:DateTime64(3)}", {"until": at(12)}
    ) == [(0,)]


def test_a_customer_named_like_a_kind_of_event_leaves_nobodys_events(store: ClickHouse) -> None:
    write(store, delivered(CallEvent, None, "e1", 1, None, at=day(0)))
    write(store, delivered(CallEvent, "call", "e1", 1, None, at=day(0)))
    ClickHouseEraser(store).erase("call", HASH, ALL)
    write(store, delivered(CallEvent, None, "e1", 2, None, at=day(5)))
    assert store.query("SELECT occurred_at FROM v_unattributable_events") == [(day(5),)]
