"""The ClickHouse sink: rows are gathered by table, written in tokened inserts, and counted.

Owns batching, tokens and retries. It must not know what a row means. Not for several threads at once; call
`flush` from a thread of its own when an event loop must not wait.

A batch is sealed when it is first sent: every further try carries the same rows and the same token, so that
an insert whose answer was lost is not repeated. The token covers exact retries only; a replay has other
batches, and there the identities of the tables make one row of two. What follows from rows (`moves`, `rollups`) is written after
them, as part of the same try; that days will change is noted before them too.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson
import stamina
import structlog

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.moves import Moves
from sinks.clickhouse.rollups import Refreshing, note_changes
from sinks.clickhouse.tables import COLUMNS
from sinks.contract import Flushed, SinkMismatch, SinkUnavailable, Values

_LOG: Final = structlog.get_logger(__name__)

_ONE_BLOCK: Final[dict[str, object]] = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    # One token, one block: later blocks of an insert would be taken for repeats of the first.
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 0,
    "max_insert_block_size": 100_000_000,
}


class Batch(NamedTuple):
    """Sealed rows of one table; `token` is equal for equal rows in equal order, and differs otherwise."""

    table: str
    rows: tuple[Values, ...]
    token: str


def seal(table: str, rows: list[Values]) -> Batch:
    """Return a batch with its token: the coordinates of its first and last row, and the digest of all values."""
    columns = COLUMNS[table]
    digest = hashlib.sha256(orjson.dumps((table, columns, rows), default=repr))
    first, last = (_coordinates(columns, row) for row in (rows[0], rows[-1]))
    return Batch(table, tuple(rows), f"{table}:{first}:{last}:{len(rows)}:{digest.hexdigest()[:32]}")


class ClickHouseSink:
    """A `sinks.contract.Sink`.

    An insert has `batch_rows` rows at most. A flush tries each `attempts` times within `retry_seconds`; `on_insert` is for metrics.
    """

    def __init__(
        self,
        store: ClickHouse,
        *,
        batch_rows: int = 10_000,
        attempts: int = 5,
        retry_seconds: float = 20.0,
        wait_initial: float = 0.1,
        on_insert: Callable[[str, int], None] = lambda _table, _rows: None,
    ) -> None:
        self._store = store
        self._moves = Moves(store)
        self._figures = Refreshing(store)
        self._batch_rows = batch_rows
        self._attempts = attempts
        self._retry_seconds = retry_seconds
        self._wait_initial = wait_initial
        self._on_insert = on_insert
        self._open: dict[str, list[Values]] = {}
        self._sealed: deque[Batch] = deque()
        self._types: dict[str, list[Any]] = {}
        self._tries = 0  # of the first sealed batch, over all flushes

    def add(self, table: str, *rows: Values) -> None:
        """Take rows. Raises ValueError when one does not fit its table."""
        expected = len(COLUMNS[table])
        for length in set(map(len, rows)):
            if length != expected:
                raise ValueError(f"{table} has {expected} columns, this row {length}")
        if rows:
            self._open.setdefault(table, []).extend(rows)

    def flush(self) -> Flushed:
        """Write what was taken, see the contract."""
        self._seal_open()
        written: dict[str, int] = {}
        while self._sealed:
            batch = self._sealed[0]
            self._write(batch)
            self._sealed.popleft()
            self._tries = 0
            written[batch.table] = written.get(batch.table, 0) + len(batch.rows)
            self._on_insert(batch.table, len(batch.rows))
        self._figures.when_due()
        return Flushed(written)

    def close(self) -> None:
        """Close the connection; rows that are not written are the caller's to read again from Kafka."""
        self._store.close()

    def _seal_open(self) -> None:
        for table, rows in self._open.items():
            for start in range(0, len(rows), self._batch_rows):
                self._sealed.append(seal(table, rows[start : start + self._batch_rows]))
        self._open.clear()

    def _write(self, batch: Batch) -> None:
        for attempt in stamina.retry_context(
            on=SinkUnavailable,
            attempts=self._attempts,
            timeout=self._retry_seconds,
            wait_initial=self._wait_initial,
            wait_max=5.0,
            wait_jitter=self._wait_initial,
        ):
            with attempt:
                self._tries += 1
                note_changes(self._store, batch.table, batch.rows)
                self._insert(batch)
                days = self._moves.settle(batch.table, batch.rows)
                note_changes(self._store, batch.table, batch.rows, days)

    def _insert(self, batch: Batch) -> None:
        columns = COLUMNS[batch.table]
        if batch.table not in self._types:
            self._types[batch.table] = self._store.column_types(batch.table, columns)
        settings = {**_ONE_BLOCK, "insert_deduplication_token": batch.token}
        written = self._store.insert(
            batch.table, columns, batch.rows, types=self._types[batch.table], settings=settings
        )
        # Of a repeat whose token it knows, a server may say that it wrote nothing.
        sent = len(batch.rows)
        if written != sent and not (written == 0 and self._tries > 1):
            _LOG.error("clickhouse_wrote_other_rows", table=batch.table, sent=sent, written=written)
            raise SinkMismatch(
                f"ClickHouse says that it wrote {written} of {sent} rows into {batch.table}: "
                "stop, and compare the table with its topic before going on"
            )


def _coordinates(columns: tuple[str, ...], row: Values) -> str:
    values = dict(zip(columns, row, strict=True))
    return f"{values['source_topic']}/{values['source_partition']}/{values['source_offset']}"
