"""The sink's side of an erasure: which rows must not be written any more, and what must leave the store.

Owns what the sink worker knows of erased customers. It must not know a record, nor speak to a store by itself: it tells the
`Eraser`, from the sink's thread, and between two flushes only, so that no row which an erasure covers is on its way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from sinks.clickhouse import tables
from sinks.contract import Erased, Eraser, Values
from streams.core.erasure import ERASED, Erasure, ErasureError

_TRUSTED_SECONDS: Final = 60.0


class _Columns(NamedTuple):
    """Where a row has its customer, its time and Kafka's time."""

    customer: int
    at: int
    ingested_at: int


def _columns(table: str, time: str) -> _Columns:
    names = tables.COLUMNS[table]
    return _Columns(names.index("customer_id"), names.index(time), names.index("ingested_at"))


_HAPPENED: Final = {table: _columns(table, time) for table, time in tables.HAPPENED.items()}
_DECIDED: Final = {table: _columns(table, time) for table, time in tables.DECIDED.items()}
_STATUS_REASON: Final = tables.COLUMNS[tables.TRIGGERS].index("status_reason")


class ErasedRows:
    """Who was erased, as far as this sink knows, and what waits to be removed. Without an `Eraser` it may erase nobody."""

    def __init__(self, erasure: Erasure, eraser: Eraser | None) -> None:
        self._erasure = erasure
        self._eraser = eraser
        self._known: dict[str, Erased] = {}
        self._loaded = eraser is None
        self._loaded_at = 0.0
        self._waiting: list[tuple[str, str, Erased]] = []
        self._removals: list[tuple[str, int]] = []

    def forget(self) -> None:
        """Other partitions are ours now: who was erased there is asked anew before the next rows."""
        self._loaded = self._eraser is None

    def load(self) -> None:
        """Learn who was erased, from time to time anew: another sink worker may have erased a customer of whom events come
        on a partition of ours. Raises the sink's errors, and ErasureError when another key made the hashes."""
        if self._eraser is None or (self._loaded and time.monotonic() - self._loaded_at < _TRUSTED_SECONDS):
            return
        known = dict(self._eraser.known())
        key_id = self._erasure.key_id if known else 0  # without erasures there need be no key
        if any(erased.key_id != key_id for erased in known.values()):
            raise ErasureError(
                "the table of erasures was written with another key: set BEHOUDLIJN_ERASURE_KEY (or "
                "BEHOUDLIJN_ERASURE_KEY_FILE) to that key, or what was erased comes back"
            )
        self._known = known
        self._loaded, self._loaded_at = True, time.monotonic()

    def note(self, customer: str, at: int, arrived: int) -> None:
        """Take up an erasure, before `drops` is asked of any row that came with it. Raises ErasureError without a key.

        Times in ms: of the erasure, and of Kafka when it came.
        """
        name, key_id = self._erasure.hash_of(customer), self._erasure.key_id
        if self._eraser is None:
            raise ErasureError("this sink has no way to erase rows; use the ClickHouse sink")
        self._waiting.append((customer, name, Erased(at, arrived, key_id)))
        old = self._known.get(name, Erased(at, arrived, key_id))
        self._known[name] = Erased(max(old.until, at), max(old.ordered_at, arrived), key_id)

    def kept(self, table: str, rows: Sequence[Values], *, removals: bool = False) -> Sequence[Values]:
        """Return the rows of a table that may be written. `removals`: they take profiles away."""
        if not self._known and table != tables.TRIGGERS:
            return rows
        return [values for values in rows if not self.drops(table, values, removal=removals)]

    def drops(self, table: str, values: Values, *, removal: bool = False) -> bool:
        """Return whether a row must not be written: erased, or the word that its customer was. `removal`: it takes a profile away."""
        if table == tables.TRIGGERS and values[_STATUS_REASON] == ERASED:
            return True
        if not self._known:
            return False
        columns = _HAPPENED.get(table)
        happened = columns is not None
        columns = columns or _DECIDED.get(table)
        if columns is None:
            return False
        customer = str(values[columns.customer])
        erased = self._known.get(self._erasure.hash_of(customer))
        if erased is None:
            return False
        at, ingested_at = values[columns.at], values[columns.ingested_at]
        assert isinstance(at, int)
        assert isinstance(ingested_at, int)
        if not happened:
            return min(at, ingested_at) <= erased.decided_until
        if at > erased.until and table == tables.CUSTOMERS and removal:
            self._removals.append((customer, at))  # no new row for somebody who was erased
            return True
        return at <= erased.until

    def carry_out(self) -> None:
        """Remove what waits, when all rows before are in the store. Raises the sink's errors; then it may be called again."""
        while self._waiting:
            assert self._eraser is not None
            self._eraser.erase(*self._waiting[0])
            del self._waiting[0]
        while self._removals:
            assert self._eraser is not None
            self._eraser.remove_profile(*self._removals[0])
            del self._removals[0]
