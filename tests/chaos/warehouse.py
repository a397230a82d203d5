"""The warehouse: which rows ClickHouse must show through its views, computed from the logs, and which it shows.

Owns identities, ranks and a form in which both sides can be compared. The rows themselves are the sink's own function of
a record; that it is right is tested elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from schemas import topics
from sinks.clickhouse import tables
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.registration import WITHOUT_ROWS
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import Row
from streams.core.decode import decode
from streams.core.records import Record
from streams.settings import Settings
from tests.chaos.history import Logs
from tests.chaos.verifier import Difference, compare

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

VIEWS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "v_calls": (tables.CALLS, ("customer_id", "event_id")),
    "v_surveys": (tables.SURVEYS, ("customer_id", "event_id")),
    "v_cancellations": (tables.CANCELLATIONS, ("customer_id", "event_id")),
    "v_outcomes": (tables.OUTCOMES, ("customer_id", "event_id")),
    "v_unattributable_events": (tables.UNATTRIBUTABLE, ("event_type", "event_id")),
    "v_customers": (tables.CUSTOMERS, ("customer_id",)),
    "v_trigger_history": (tables.TRIGGERS, ("mode", "trigger_id", "sequence")),
    "v_customer_signal_history": (tables.SIGNALS, ("customer_id", "as_of", "sequence")),
    "v_dead_letters": (tables.DEAD_LETTERS, ("original_topic", "original_partition", "original_offset")),
}
"""Views with one row for each identity: their table, and the identity."""

LATEST: Final = {"v_triggers": "v_trigger_history", "v_customer_signals": "v_customer_signal_history"}
"""Views with the last row of each trigger, or of each customer, and the view of the history."""

_APART: Final = ("comment",)
"""What a view shows apart."""

_COORDINATES: Final = ("source_topic", "source_partition", "source_offset", "ingested_at", "version")

Rows = dict[tuple[Any, ...], bytes]
"""Digests of rows by identity."""


class Expected:
    """Rows by view, gathered from records in any order: of one identity the highest rank counts."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[Any, ...], tuple[Any, bytes]]] = {view: {} for view in VIEWS}
        self._view_of = {table: view for view, (table, _) in VIEWS.items()}

    def add(self, row: Row) -> None:
        """Takes one row that was, or should have been, written."""
        view = self._view_of[row.table]
        key, rank, content = _parts(view, row.values)
        rows = self._rows[view]
        if key not in rows or rows[key][0] < rank:
            rows[key] = (rank, content)

    def rows(self, view: str) -> Rows:
        """What the view must show."""
        contents = {key: content for key, (_, content) in self._rows[LATEST.get(view, view)].items()}
        if view == "v_triggers":
            return _last_of_triggers(contents)
        if view == "v_customer_signals":
            last = {key[0]: key for key in sorted(contents)}
            return {key: contents[key] for key in last.values()}
        return contents


def _last_of_triggers(contents: Rows) -> Rows:
    """Of each trigger its highest sequence, of one that was published and recorded the published; live when any of it was published."""
    last = {key[1]: key for key in sorted(contents, key=lambda key: (key[1], key[2], key[0] == "live"))}
    published = {trigger for mode, trigger, _ in contents if mode == "live"}
    return {
        ("live" if trigger in published else "shadow", trigger, key[2]): contents[key]
        for trigger, key in last.items()
    }


def expected_rows(settings: Settings, logs: Logs) -> Expected:
    """What the sink must have written of these logs."""
    expected = Expected()
    for row in _rows_of(settings, logs):
        expected.add(row)
    return expected


def _rows_of(settings: Settings, logs: Logs) -> Iterable[Row]:
    for name in (*topics.INPUTS, *topics.OUTPUTS):
        for record in logs[name]:
            row = _row_of(name, record)
            if row is not None:
                yield row


def _row_of(name: str, record: Record) -> Row | None:
    plain = record._replace(topic=name)
    if name in topics.OUTPUTS:
        return row_of_output(record.value, plain)
    event = decode(record).event
    return None if event is None or type(event) in WITHOUT_ROWS else row_of_event(event, plain)


def compare_views(store: ClickHouse, expected: Expected) -> list[Difference]:
    """Every view against what it must show."""
    found: list[Difference] = []
    for view in (*VIEWS, *LATEST):
        found += compare(f"ClickHouse {view}", expected.rows(view), rows_of_view(store, view))
    return found


def digests(store: ClickHouse) -> dict[str, tuple[int, int]]:
    """Of every view how many rows it shows, and a digest of what they say, whatever their order.

    Without the coordinates in Kafka: an output that was sent again has others, and is the same one.
    """
    found = {}
    for view in (*VIEWS, *LATEST):
        table, _ = VIEWS[LATEST.get(view, view)]
        said = ", ".join(name for name in tables.COLUMNS[table] if name not in (*_COORDINATES, *_APART))
        sql = f"SELECT count(), groupBitXor(sipHash64(toString(tuple({said})))) FROM {view}"
        ((rows, digest),) = store.query(sql)
        found[view] = (int(rows), int(digest))
    return found


def rows_of_view(store: ClickHouse, view: str) -> Rows:
    """What a view shows. An identity that it shows twice appears as an extra one."""
    base = LATEST.get(view, view)
    table, _ = VIEWS[base]
    columns = ", ".join(f"'' AS {name}" if name in _APART else name for name in tables.COLUMNS[table])
    shown: Rows = {}
    for values in store.query(f"SELECT {columns} FROM {view}"):
        key, _, content = _parts(base, values)
        while key in shown:
            key = (*key, "again")
        shown[key] = content
    return shown


def _parts(view: str, values: Sequence[object]) -> tuple[tuple[Any, ...], tuple[int, ...], bytes]:
    table, names = VIEWS[view]
    columns = tables.COLUMNS[table]
    plain = [_plain(value) for value in values]
    row = dict(zip(columns, plain, strict=True))
    said = [value for name, value in row.items() if name not in (*names, *_APART)]
    content = blake2b(repr(said).encode("utf-8", "surrogatepass"), digest_size=10).digest()
    return tuple(row[name] for name in names), _rank(view, row), content


def _rank(view: str, row: Mapping[str, Any]) -> tuple[int, ...]:
    """Which of two rows with one identity counts: the later revision, then the later arrival; of profiles the later one first."""
    rank = row.get("revised_at") or 0, row["ingested_at"], row["source_offset"]
    return (row["occurred_at"], *rank) if view == "v_customers" else rank


def _plain(value: object) -> Any:
    """A value as both sides have it: times as ms, flags and whole floats as integers, sequences as tuples."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MS
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return tuple(sorted((key, _plain(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value
