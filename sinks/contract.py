"""What a sink is: it takes rows, writes them in batches, and says "not now" by one named error.

Owns the contract between the sink worker and any store. It must not know a store.

    SinkError
    ├── SinkUnavailable   an outage: keep the offsets, the same rows may be flushed again
    └── SinkRefused       the store said no for good: a wrong setting, a missing table or grant
        ├── SinkMismatch  the store wrote another number of rows than it was sent
        └── SinkDefect    it is a bug of this program, and only another release can mend it
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class SinkError(Exception):
    """Any failure of a sink. Messages never hold values of a row."""


class SinkUnavailable(SinkError):  # noqa: N818 - the name that the worker's code reads best
    """The store cannot be reached or has no room now; nothing is lost, flush again later."""

    def __init__(self, message: str, *, reason: str = "other") -> None:
        super().__init__(message)
        self.reason = reason
        """Why, in the store's own short word: one of few, as metrics need it."""


class SinkRefused(SinkError):  # noqa: N818
    """The store refused the rows and will refuse them again; stop and tell a person."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        """The store's own number of the error, none when it has no such number."""


class SinkMismatch(SinkRefused):
    """The store reports another number of rows than were sent."""


class SinkDefect(SinkRefused):
    """The store cannot take what this program sends, whoever runs it: a bug."""


class ForeignRecordError(ValueError):
    """A record that is not what its topic carries. The message says what to do and quotes nothing of it."""


class Coordinates(Protocol):
    """Where a record is in Kafka: `streams.core.records.Record` fits."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    @property
    def offset(self) -> int:
        """Position within the partition."""

    @property
    def timestamp(self) -> int:
        """Kafka's time of the record in ms since the epoch, UTC."""


Values = tuple[object, ...]
"""Values of a row, in the order of `sinks.clickhouse.tables.COLUMNS[table]`."""


class Row(NamedTuple):
    """One row for one table."""

    table: str
    values: Values


class Flushed(NamedTuple):
    """What a flush has written for good: rows by table."""

    rows: dict[str, int]

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


class Sink(Protocol):
    """Rows go in, and are in the store when `flush` returns. One thread at a time; calls block."""

    def add(self, table: str, *rows: Values) -> None:
        """Take rows of a table; never blocks, never writes."""

    def flush(self) -> Flushed:
        """Write every row that was taken and is not written yet.

        Raises SinkUnavailable after a bounded number of tries; such rows are kept, and the next flush
        sends the same batches again. Raises SinkRefused when trying again is no use.
        """

    def close(self) -> None:
        """Let go of the connection; writes nothing. Repeatable."""


class Erased(NamedTuple):
    """Up to when a customer is erased. Times in ms since the epoch, UTC."""

    until: int
    """Of events: their own time."""
    ordered_at: int
    """Kafka's time of the erasure."""
    key_id: int
    """Which key made the customer's hash."""

    @property
    def decided_until(self) -> int:
        """What was decided, or published, up to then rests upon what is erased."""
        return max(self.until, self.ordered_at)


class Eraser(Protocol):
    """Rows leave a store and stay away. One thread at a time, the sink's; calls block and raise as `Sink.flush`."""

    def known(self) -> Mapping[str, Erased]:
        """Return everybody who was erased, by the keyed hash of the customer."""

    def erase(self, customer_id: str, customer_hash: str, erased: Erased) -> None:
        """Note the erasure for good, then remove the customer's rows that it covers. Repeatable."""

    def remove_profile(self, customer_id: str, at: int) -> None:
        """Remove the row of a profile that is not newer than `at` (ms)."""
