"""A record becomes events: none, one or several, each under its condition. Compiled once a file, since a file has its own columns.

An event is put together of the JSON of its parts. A source's table says few different things in most of its columns, so what a cell means
is found, and held against the schema, once and kept; what has been put together of other values goes through the workers' decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from schemas.base import in_words
from schemas.topics import EVENT_TYPES
from streams.conversion.conditions import Condition, condition
from streams.conversion.customers import customer_of
from streams.conversion.fields import Field, field
from streams.conversion.refusals import RecordError
from streams.conversion.shapes import Shape
from streams.conversion.texts import HASH_DIGITS, identifier, source_text
from streams.conversion.times import FindInstant, instant
from streams.core.decode import decode
from streams.core.records import Record
from streams.files.ndjson import NO_TIME
from streams.mappings.language import ENVELOPE, Customer, EventId, EventPart, Mapping, Source, Value

_MOST_KEPT: Final = 20_000
"""Texts of one column whose meaning is kept."""
_MOST_CUSTOMERS: Final = 250_000
"""The same of customers, who come again and again."""
_LONGEST_KEPT: Final = 256


class Made(NamedTuple):
    """An event: its time (ms), its id, and its JSON, which the workers' decoder accepts."""

    at: int
    event_id: str
    data: bytes


Make = Callable[[Any, Callable[[], str]], Made]
"""Makes one event of a record, and of what gives the record's text."""


class Maker:
    """Makes the events of a file's records."""

    def __init__(self, mapping: Mapping, shape: Shape, key: bytes) -> None:
        """Compile a mapping for a file. Raises InputError for a column that the file has not."""
        kinds = [part.type for part in mapping.events]
        self._makers: list[tuple[Condition | None, Make]] = []
        for index, part in enumerate(mapping.events):
            plan = _Plan(mapping, part, kinds[:index].count(part.type), shape, key)
            self._makers.append((condition(part.when, shape, mapping), plan.maker()))

    def events(self, record: Any, text: Callable[[], str]) -> list[Made]:
        """Return the events of a record. `text` gives the record as it stands. Raises RecordError."""
        return [make(record, text) for when, make in self._makers if when is None or when(record)]


class _Plan:
    """One event of a mapping, ready to be made of records."""

    def __init__(self, mapping: Mapping, part: EventPart, nth: int, shape: Shape, key: bytes) -> None:
        customer, at = part.customer or mapping.customer, part.at or mapping.at
        revision = part.revision or mapping.revision
        assert customer is not None
        assert at is not None
        self._topic = EVENT_TYPES[part.type].topic
        self._head = b'{"type":%b,"schema_version":1,"event_id":' % orjson.dumps(part.type)
        self._prefix = f"{mapping.name[:24]}-{nth or ''}"
        self._customer = _customer(customer, shape, mapping, key)
        self._at: FindInstant = instant(at, shape, mapping, "at")
        self._revision = None if revision is None else instant(revision, shape, mapping, "revision")
        self._id = None if part.id is None else _event_id(part.id, shape, mapping)
        self._kept: list[tuple[int, _Kept]] = []
        """Columns of the record, and what their cells mean."""
        self._end = b"}"
        """What is the same in all events, and the end."""
        self._others: list[tuple[bytes, Field]] = []
        for name, value in part.fields.items():
            cell = _only_cell(value, shape)
            if value.value is not None:
                self._end = _Cell(part.type, name, value, mapping)("") + self._end
            elif cell is None:
                self._others.append(
                    (b",%b:" % orjson.dumps(name), field(part.type, name, value, shape, mapping))
                )
            else:
                self._kept.append((cell, _Kept(_Cell(part.type, name, value, mapping))))
        self._decided = not self._others and _has_only_free_fields(part.type)

    def maker(self) -> Make:
        """Return what makes the event of a record."""
        # As a function with everything at hand, since it runs for every record (docs/performance.md).
        find_at, find_id, find_customer, find_revision = self._at, self._id, self._customer, self._revision
        head, kept, others, end, decided = self._head, self._kept, self._others, self._end, self._decided
        hash_of, topic, dumps, join, new = self._hash_of, self._topic, orjson.dumps, b"".join, tuple.__new__

        def make(record: Any, text: Callable[[], str]) -> Made:
            at = find_at(record)
            if at is None:
                raise RecordError("invalid_time", "at: there is none")
            event_id = hash_of(text()) if find_id is None else find_id(record)
            parts = [head, dumps(event_id), find_customer(record), at.iso.encode(), b'"']
            if find_revision is not None and (revised := find_revision(record)) is not None:
                parts.append(b',"revised_at":"%b"' % revised.iso.encode())
            parts += [means[record[cell]] for cell, means in kept]
            for name, find in others:
                value = find(record)
                if value is not None:
                    parts += name, _json(value)
            parts.append(end)
            data = join(parts)
            if not decided:
                check(data, topic)
            return new(Made, (at.ms, event_id, data))

        return make

    def _hash_of(self, text: str) -> str:
        return f"{self._prefix}{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:HASH_DIGITS]}"


class _Kept(dict[str, bytes]):
    """What the texts of a column mean, as JSON: found when one is seen for the first time."""

    def __init__(self, meaning: Callable[[str], bytes], most: int = _MOST_KEPT) -> None:
        super().__init__()
        self._meaning, self._most = meaning, most

    def __missing__(self, text: str) -> bytes:
        found = self._meaning(text)
        if len(text) <= _LONGEST_KEPT:
            if len(self) >= self._most:
                self.clear()
            self[text] = found
        return found


class _Cell:
    """What a text of a column means for a field: its part of the event's JSON, empty for nothing. The schema must accept it."""

    def __init__(self, event_type: str, name: str, value: Value, mapping: Mapping) -> None:
        self._find = field(event_type, name, value, Shape(value.paths or (), texts=True), mapping)
        info = EVENT_TYPES[event_type].model.model_fields[name]
        taken: Any = Annotated[info.annotation, info]
        adapter: TypeAdapter[Any] = TypeAdapter(taken, config=ConfigDict(strict=True))
        self._accept = adapter.validate_json
        self._name, self._begin = name, b",%b:" % orjson.dumps(name)

    def __call__(self, text: str) -> bytes:
        value = self._find([text])
        if value is None:
            return b""
        said = _json(value)
        try:
            self._accept(said)
        except ValidationError as error:
            message = error.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
            raise RecordError("invalid_field", f"{self._name}: {in_words(message)}") from None
        return self._begin + said


def _customer(customer: Customer, shape: Shape, mapping: Mapping, key: bytes) -> Callable[[Any], bytes]:
    """Return what finds a record's customer: that part of the event's JSON, up to where the time begins."""
    cell = _only_cell(customer, shape)
    if cell is None:
        find = customer_of(customer, shape, mapping, key)
        return lambda record: _up_to_time(find(record))
    of_cell = customer_of(customer, Shape(customer.paths, texts=True), mapping, key)
    kept = _Kept(lambda text: _up_to_time(of_cell([text])), _MOST_CUSTOMERS)
    return lambda record: kept[record[cell]]


def check(data: bytes, topic: str) -> None:
    """Have the workers' decoder read an event. Raises RecordError when it refuses it."""
    reject = decode(Record(topic, 0, 0, NO_TIME, None, data)).reject
    if reject is not None:
        raise RecordError(*reject)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        said = "bytes that are no text in this encoding: set records.encoding (windows-1252 is common)"
        raise RecordError("malformed_record", said) from None


def _up_to_time(customer: str | None) -> bytes:
    return b',"customer_id":%b,"occurred_at":"' % orjson.dumps(customer)


def _only_cell(source: Source, shape: Shape) -> int | None:
    """Return where the one cell is that a value follows from; None when it follows from several, or from no text of a table."""
    if isinstance(source, Value) and (source.add or source.subtract):
        return None
    return shape.cell(source.paths[0]) if source.paths is not None and len(source.paths) == 1 else None


def _has_only_free_fields(event_type: str) -> bool:
    """Return whether an event is valid if each of its fields is: none must be there, and none depends on another."""
    model = EVENT_TYPES[event_type].model
    required = {name for name, info in model.model_fields.items() if info.is_required()}
    own = model.model_fields.keys() & model.__annotations__.keys() & ENVELOPE
    return required <= ENVELOPE and own == {"type"} and not model.__pydantic_decorators__.model_validators


def _event_id(part: EventId, shape: Shape, mapping: Mapping) -> Callable[[Any], str]:
    text = source_text(part, shape, mapping.blanks, gaps=True)

    def found(record: Any) -> str:
        said = text(record)
        if not said:
            raise RecordError("invalid_value", "id: it is blank")
        return identifier(part.prefix, said)

    return found
