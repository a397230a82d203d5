"""Corrections that move an event to another day: on every day but that of the version which counts, the event is marked as moved.

Owns when this is asked; the statement is in `statements`. It is asked after the rows are written, so that of two workers who write
versions of one event at once one sees both; and again when rows are written again, so that whoever dies in between leaves it to be
done. Until then such an event shows on two days.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from schemas.revisions import arrival_of
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.derived import EVENT_DAYS, MOVING
from sinks.clickhouse.declarations.table import Table
from sinks.clickhouse.statements import on_several_days, settle, text
from sinks.clickhouse.tables import COLUMNS
from sinks.contract import Values

_NOTED: Final = ("owner", "event_id", "fact", "occurred_at", "version")
_SETTINGS: Final[dict[str, object]] = {"async_insert": 0, "insert_deduplicate": 0}
_LONG: Final[dict[str, object]] = {"max_query_size": 1 << 26}
"""The identities stand in the statement."""


class _Positions(NamedTuple):
    """Where a row of a table has what is needed here."""

    owner: int
    event_id: int
    occurred_at: int
    revised_at: int
    ingested_at: int
    source_offset: int


def _positions(table: Table) -> _Positions:
    columns = COLUMNS[table.name]
    return _Positions(columns.index(table.identity[0]), *map(columns.index, _Positions._fields[1:]))


_KNOWN: Final = {table.name: (table, _positions(table)) for table in MOVING}


class Moves:
    """Settles events on one day each."""

    def __init__(self, store: ClickHouse) -> None:
        self._store = store
        self._types: list[Any] | None = None

    def settle(self, table: str, rows: Sequence[Values]) -> set[int]:
        """Settle the events of rows that were written into `table`; nothing to do where no correction changes the day. Repeatable.

        Returns the days (since 1970) on which versions of events lie that have been on more than one: their figures may have changed.
        """
        if table not in _KNOWN:
            return set()
        declared, at = _KNOWN[table]
        noted = [
            (row[at.owner], row[at.event_id], table, row[at.occurred_at], _version(row, at)) for row in rows
        ]
        if self._types is None:
            self._types = self._store.column_types(EVENT_DAYS.name, _NOTED)
        self._store.insert(EVENT_DAYS.name, _NOTED, noted, types=self._types, settings=_SETTINGS)
        identities = {(str(row[at.owner]), str(row[at.event_id])) for row in rows}
        moved = self._store.query(on_several_days(declared, _among(identities)), settings=_LONG)
        if moved:
            among = _among([(_text(owner), _text(event_id)) for owner, event_id, _ in moved])
            self._store.command(settle(declared, among), settings={**_SETTINGS, **_LONG})
        return {int(day) for *_, days in moved for day in days}

    def settle_all(self) -> None:
        """Settle every event. It reads `event_days` whole, in its order."""
        for table, _ in _KNOWN.values():
            self._store.command(settle(table), settings=_SETTINGS)


def _among(identities: Collection[tuple[str, str]]) -> str:
    """Return the condition that has these events. It has others whose owner is of one and whose id is of another, which is as right.

    Two texts are read in a fifth of the time of 10,000 pairs, no id has a space in it (`schemas.ids`), and as queries of their own
    they stay quick: 120,000 words as a constant took over half a minute.
    """
    owners, event_ids = (text(" ".join(sorted(set(each)))) for each in zip(*identities, strict=True))
    words = "(SELECT arrayJoin(splitByChar(' ', {})))"
    return f" AND owner IN {words.format(owners)} AND event_id IN {words.format(event_ids)}"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _version(row: Values, at: _Positions) -> int:
    """Return the version that the server gives the row (`shared.BY_REVISION`)."""
    revised: Any = row[at.revised_at] or 0
    ingested: Any = row[at.ingested_at]
    offset: Any = row[at.source_offset]
    return int(revised << 64 | arrival_of(ingested, offset))
