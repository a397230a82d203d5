"""Erasing in ClickHouse: which rows are a customer's, how they go, and who was erased.

Owns the tables' answer to an erasure. It must not know the key: it is given hashes. Rows go by `ALTER TABLE … DELETE`, which
writes the parts anew without them; a lightweight delete would only hide them until some later merge. In each table it touches the
one partition in which the customer's rows are. The note that a customer is erased is written before the first row goes, so that
whoever reads on from a crash drops what the crash left to delete; so is the note of the days whose figures change.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.conversions import within
from sinks.clickhouse.declarations import results
from sinks.clickhouse.declarations.derived import CHANGING, EVENT_DAYS, MOVING
from sinks.clickhouse.statements import note_changes, note_days, partition_of, settle
from sinks.clickhouse.tables import CUSTOMERS, DECIDED, ERASURES, HAPPENED
from sinks.contract import Erased, SinkMismatch

_KNOWN: Final = f"""
SELECT customer_hash, toUnixTimestamp64Milli(max(erased_until)), toUnixTimestamp64Milli(max(ordered_at)), argMax(key_id, inserted_at)
FROM {ERASURES} GROUP BY customer_hash
"""  # noqa: S608 - constants
_WAIT: Final = "SETTINGS mutations_sync = 2"
_AHEAD: Final = "now64(3, 'UTC') + INTERVAL 1 HOUR"
"""Until then the days of what is erased are not stored anew, since its rows may still be there."""
_MOVING: Final = tuple(table for table in MOVING if table.of_customers)
_FACTS: Final = ", ".join(f"'{table.name}'" for table in _MOVING)
"""An event that names nobody has its kind as owner, which may be some customer's id."""


class _Covered(NamedTuple):
    """The rows of one table that an erasure covers."""

    table: str
    condition: str
    parameters: dict[str, object]


class ClickHouseEraser:
    """A `sinks.contract.Eraser`."""

    def __init__(self, store: ClickHouse) -> None:
        self._store = store

    def known(self) -> Mapping[str, Erased]:
        """Return everybody who was erased, by hash."""
        found = {}
        for name, until, ordered_at, key_id in self._store.query(_KNOWN):
            text = name.decode() if isinstance(name, bytes) else str(name)
            found[text] = Erased(int(until), int(ordered_at), int(key_id))
        return found

    def erase(self, customer_id: str, customer_hash: str, erased: Erased) -> None:
        """Note it, then remove the rows that it covers."""
        row = (customer_hash, within(erased.until), within(erased.ordered_at), erased.key_id)
        self._store.insert(ERASURES, results.ERASURES.inserted, [row], settings={"async_insert": 0})
        covered = list(_covered(customer_id, erased))
        for each in covered:
            if each.table in CHANGING:
                self._store.command(
                    note_changes(CHANGING[each.table], each.condition, _AHEAD), each.parameters
                )
        for each in covered:
            self._remove(each)
        self._settle_day(customer_id, erased)

    def remove_profile(self, customer_id: str, at: int) -> None:
        """Remove the row of a profile that is not newer than `at` (ms)."""
        time = HAPPENED[CUSTOMERS]
        self._remove(
            _Covered(
                CUSTOMERS,
                f"customer_id = {{customer:String}} AND {time} <= fromUnixTimestamp64Milli({{at:Int64}}, 'UTC')",
                {"customer": customer_id, "at": at},
            )
        )

    def left(self, customer_id: str, erased: Erased) -> dict[str, int]:
        """Return how many rows that the erasure covers each table still holds."""
        return {each.table: self._count(each) for each in _covered(customer_id, erased)}

    def _remove(self, rows: _Covered) -> None:
        if not self._count(rows):  # a mutation looks at every part of the table: none without need
            return
        partition, parameters = partition_of(str(rows.parameters["customer"]))
        [(number,)] = self._store.query(f"SELECT {partition}", parameters)
        self._store.command(
            f"ALTER TABLE {rows.table} DELETE IN PARTITION {int(number)} WHERE {rows.condition} {_WAIT}",
            rows.parameters,
        )
        left = self._count(rows)
        if left:
            raise SinkMismatch(
                f"ClickHouse still holds in {rows.table} what was to be erased ({left} left): look at system.mutations, "
                "then start the worker again"
            )

    def _settle_day(self, customer_id: str, erased: Erased) -> None:
        """Settle anew what the customer has later on the day on which the erasure ends: what says that an event has moved from there
        may have gone with its earlier versions."""
        parameters: dict[str, object] = {"customer": customer_id, "until": erased.until}
        until = "fromUnixTimestamp64Milli({until:Int64}, 'UTC')"
        rest = f"customer_id = {{customer:String}} AND toDate(occurred_at) = toDate({until}) AND NOT moved"
        for table in _MOVING:
            if self._count(_Covered(table.name, rest, parameters)):
                self._store.command(note_days(table, f" AND {rest}"), parameters)
                self._store.command(settle(table, " AND owner = {customer:String}"), parameters)

    def _count(self, rows: _Covered) -> int:
        found = self._store.query(
            f"SELECT count() FROM {rows.table} WHERE {rows.condition}",  # noqa: S608 - constants
            rows.parameters,
        )
        return int(found[0][0])


def _covered(customer_id: str, erased: Erased) -> Iterator[_Covered]:
    for table, time in HAPPENED.items():
        yield _Covered(
            table,
            f"customer_id = {{customer:String}} AND {time} <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC')",
            {"customer": customer_id, "until": erased.until},
        )
    yield _Covered(
        EVENT_DAYS.name,
        f"owner = {{customer:String}} AND fact IN ({_FACTS}) AND occurred_at <= fromUnixTimestamp64Milli({{until:Int64}}, 'UTC')",
        {"customer": customer_id, "until": erased.until},
    )
    for table, time in DECIDED.items():
        yield _Covered(
            table,
            f"customer_id = {{customer:String}} AND least({time}, ingested_at) <= "
            "fromUnixTimestamp64Milli({until:Int64}, 'UTC')",
            {"customer": customer_id, "until": erased.decided_until},
        )
