"""A sink that keeps its rows in memory, and can be told to fail. For tests and dry runs; it does no I/O."""

from collections import Counter

from sinks.contract import Flushed, Row, SinkError, Values


class RecordingSink:
    """A `Sink` whose `written` rows a test reads; `failures` are raised one by one by the next flushes."""

    def __init__(self, *, failures: list[SinkError] | None = None) -> None:
        self.written: list[Row] = []
        self.failures = failures or []
        self.flushes = 0
        self.closed = False
        self._open: list[Row] = []

    def add(self, table: str, *rows: Values) -> None:
        """Keep the rows."""
        self._open += [Row(table, values) for values in rows]

    def flush(self) -> Flushed:
        """Move everything to `written`, or raise the next of `failures` and move nothing."""
        self.flushes += 1
        if self.failures:
            raise self.failures.pop(0)
        self.written.extend(self._open)
        counts = Counter(row.table for row in self._open)
        self._open.clear()
        return Flushed(dict(counts))

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """Return the values of the written rows of one table, in order."""
        return [row.values for row in self.written if row.table == table]
