"""A message becomes a row. Pure functions of the message and its Kafka coordinates; no clock, no I/O.

Owns which table a record goes to, and what a row has beside the fields of its message. Telephone numbers never become part of
a row.
"""

from typing import Any, Final

from pydantic import ValidationError

from schemas import topics
from schemas.base import Event, Message
from schemas.ids import names_nobody
from schemas.instants import ms_of
from schemas.revisions import arrival_of
from sinks.clickhouse import tables
from sinks.clickhouse.conversions import within
from sinks.clickhouse.declarations.table import Table
from sinks.clickhouse.reading import Steps, Take, reading
from sinks.clickhouse.registration import EVENT_TIME, MODES, carried, check_registration
from sinks.contract import Coordinates, ForeignRecordError, Row

check_registration(carried())


def row_of_event(
    event: Event, record: Coordinates, at: int | None = None, anonymous: bool | None = None
) -> Row:
    """Return the row of an input event; one without a customer goes to the unattributable events.

    `at`: its time in ms, `anonymous`: whether it names nobody; where they are known already. Raises TypeError for a kind of
    event that has no table: add one, with a migration.
    """
    fields = event.__dict__
    at = within(ms_of(fields["occurred_at"]) if at is None else at)
    if names_nobody(fields["customer_id"]) if anonymous is None else anonymous:
        table, take, steps = _OF_NOBODY.get(type(event)) or _OF_NOBODY[_registered(event)]
    else:
        table, take, steps = _OF_CUSTOMERS.get(type(event)) or _OF_CUSTOMERS[_registered(event)]
    values = list(take(fields))
    values[EVENT_TIME] = at
    for convert, positions in steps:
        convert(values, positions)
    values += (record.topic, record.partition, record.offset, within(record.timestamp))
    return tuple.__new__(Row, (table, tuple(values)))  # for speed (docs/performance.md)


def row_of_output(value: bytes | None, record: Coordinates) -> Row | None:
    """Return the row of a record of an output topic; None for a tombstone, which has none.

    Raises ForeignRecordError when the bytes are not what the topic carries: another program writes there, or a newer
    version of this one.
    """
    if value is None:
        return None
    known = _OUTPUTS.get(record.topic)
    if known is None:
        raise ValueError(f"{record.topic} is no output topic; known are {sorted(topics.OUTPUTS)}")
    model, table, mode, take, steps = known
    try:
        message = model.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        named = {str(each["loc"][0]) if each["loc"] else "" for each in error.errors(include_input=False)}
        names = ", ".join(sorted(named & set(model.model_fields))[:5]) or "none that it should have"
        raise ForeignRecordError(
            f"{record.topic}[{record.partition}]@{record.offset} is no {model.__name__} (fields: {names}). When a newer "
            "signals worker runs, upgrade the sink worker; else find the program that writes to this topic, take away its "
            f"right to do so, stop the sink workers, and `behoudlijn topics skip {record.topic} {record.partition} {record.offset} "
            "--group sink` goes past the record."
        ) from None
    values = list(take(message.__dict__))
    for convert, positions in steps:
        convert(values, positions)
    offset, timestamp = record.offset, record.timestamp
    values += (record.topic, record.partition, offset, within(timestamp), arrival_of(timestamp, offset))
    return tuple.__new__(Row, (table, tuple(mode + values if mode else values)))


_TABLES: Final[dict[object, Table]] = {table.model: table for table in tables.TABLES}

_Events = tuple[str, Take, Steps]
"""The table, and how the message is read."""
_Outputs = tuple[type[Message], str, list[Any], Take, Steps]
"""The model of a topic, its table, the mode if it has one, and how the message is read."""


def _events(kind: type[Event], table: Table) -> _Events:
    return (table.name, *reading(table.read, kind))


def _outputs(topic: str, model: type[Message]) -> _Outputs:
    table = _TABLES[model]
    return (model, table.name, [MODES[topic]] if table.modal else [], *reading(table.read, model))


_KINDS: Final = [
    kind for each in tables.TABLES if (kind := each.kind_of_event) is not None and kind is not Event
]
_OF_CUSTOMERS: Final[dict[type[Event], _Events]] = {kind: _events(kind, _TABLES[kind]) for kind in _KINDS}
_OF_NOBODY: Final[dict[type[Event], _Events]] = {kind: _events(kind, _TABLES[Event]) for kind in _KINDS}
_OUTPUTS: Final[dict[str, _Outputs]] = {
    topic: _outputs(topic, model) for topic, model in topics.OUTPUTS.items()
}


def _registered(event: Event) -> type[Event]:
    """Return the kind of event that this is a kind of."""
    # Not by isinstance, which pydantic answers in Python.
    for each in type(event).__mro__:
        if each in _OF_CUSTOMERS:
            return each
    raise TypeError(f"no table for events of {type(event).__name__}")
