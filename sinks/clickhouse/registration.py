"""Every kind of message has a table, and every column reads what its message has. Asked when the sink is imported.

Owns what a kind of message needs here. What is missing would else be found by the first record of that kind, which would end the
sink worker.
"""

import types
from collections.abc import Iterable, Mapping
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas import topics
from schemas.base import Event
from schemas.erasure import ErasureEvent
from schemas.objection import ObjectionEvent
from schemas.parts import MissingPartError
from sinks.clickhouse.conversions import milliseconds
from sinks.clickhouse.declarations.shared import source, source_of_output
from sinks.clickhouse.declarations.table import FILLERS, Column, Model, Table
from sinks.clickhouse.tables import TABLES

EVENT_TIME: Final = 2
"""Where a row of an event has its time, counted from 0."""

_RECORD: Final = [column.name for column in source() if column.filler == "record"]
_RECORD_OF_OUTPUT: Final = [column.name for column in source_of_output() if column.filler == "record"]

WITHOUT_ROWS: Final[Mapping[Model, str]] = {
    ErasureEvent: "it removes rows",
    ObjectionEvent: "it is of a number, which no row holds",
}
"""Kinds of message that become no row, and why."""

MODES: Final[Mapping[str, str]] = {topics.TRIGGERS: "live", topics.SHADOW_TRIGGERS: "shadow"}
"""What a trigger is for, by the topic that carries it."""


class RegistrationError(MissingPartError):
    """A kind of message lacks a part here. Each line names the kind, the part and the place to add it."""


def check_registration(models: Mapping[str, Iterable[Model]], tables: Iterable[Table] = TABLES) -> None:
    """Raise RegistrationError when a message that a topic carries lacks a part. `models`: by topic."""
    known = tuple(tables)
    lacking = [line for topic, each in models.items() for line in _lacking_of_topic(topic, each, known)]
    lacking += [line for table in known if table.model is not None for line in _misplaced(table)]
    if lacking:
        raise RegistrationError("\n".join(dict.fromkeys(lacking)))


def carried() -> dict[str, tuple[Model, ...]]:
    """Return every kind of message that the sink reads, by topic."""
    return {
        topic: (model, *((topics.BESIDE[topic],) if topic in topics.BESIDE else ()))
        for topic, model in topics.MODELS.items()
    }


def missing_parts(model: Model, tables: Iterable[Table] = TABLES) -> list[str]:
    """Return what a kind of message lacks here, a line for each part, with the place to add it; empty when nothing is missing."""
    if model in WITHOUT_ROWS:
        return []
    table = next((each for each in tables if each.model is model), None)
    if table is None:
        module = "events" if issubclass(model, Event) else "results"
        lacking = (
            f"{model.__name__} has no table: declare one in sinks/clickhouse/declarations/{module}.py, list it in TABLES of "
            "sinks/clickhouse/tables.py, and make it by the next migration"
        )
        return [lacking]
    return [line for column in table.read if (line := _misread(model, table, column))]


def unread_fields(table: Table) -> list[str]:
    """Return the fields of the table's message that neither a column reads nor `without` names, as paths."""
    if table.model is None:
        return []
    read = {".".join(column.path) for column in table.columns} | set(table.without)
    return [path for path in _paths(table.model) if path not in read]


def field_of(model: type[BaseModel], path: tuple[str, ...]) -> FieldInfo | None:
    """Return the field that a column's path leads to; none when there is no such field."""
    field = model.model_fields.get(path[0])
    if field is None or len(path) == 1:
        return field
    nested, many = _nested(field.annotation)
    fits = nested is not None and path[1:-1] == (("*",) if many else ())
    return nested.model_fields.get(path[-1]) if nested is not None and fits else None


def may_be_none(annotation: Any) -> bool:
    """Return whether a field of that type may have no value."""
    return annotation is type(None) or (
        get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)
    )


def _lacking_of_topic(topic: str, models: Iterable[Model], tables: tuple[Table, ...]) -> list[str]:
    lacking = [line for model in models for line in missing_parts(model, tables)]
    modal = {table.model for table in tables if table.modal}
    if topic not in MODES and any(model in modal for model in models):
        lacking.append(f"{topic} has no mode: add it to MODES of sinks/clickhouse/registration.py")
    return lacking


def _misplaced(table: Table) -> list[str]:
    """Return what `rows` would not find where it expects it."""
    place = f"change {table.name} in sinks/clickhouse/declarations, or how rows are made in sinks/clickhouse/rows.py"
    lacking = []
    by_filler = {filler: [each.name for each in table.columns if each.filler == filler] for filler in FILLERS}
    of_record = _RECORD_OF_OUTPUT if table.of_decisions else _RECORD
    if by_filler["record"] != of_record:
        lacking.append(f"{table.name} has other columns of the record than {of_record}: {place}")
    if by_filler["topic"] not in ([], ["mode"]):
        lacking.append(f"{table.name} has other columns of the topic than mode: {place}")
    if not table.of_decisions and by_filler["message"][EVENT_TIME : EVENT_TIME + 1] != ["occurred_at"]:
        lacking.append(f"{table.name} has not occurred_at for column {EVENT_TIME + 1}: {place}")
    return lacking


def _misread(model: Model, table: Table, column: Column) -> str:
    """Return what is wrong with the way in which a column is read; empty when nothing is."""
    place = f"change the column in sinks/clickhouse/declarations, and the table {table.name} by the next migration"
    field = field_of(model, column.path)
    if field is None:
        return f"{model.__name__} has no field {'.'.join(column.path)}, which {table.name}.{column.name} reads: {place}"
    named = column.path == ("customer_id",)  # who names nobody goes to another table
    as_it_is = column.convert in (None, milliseconds)
    if may_be_none(field.annotation) and as_it_is and not named and not column.type.startswith("Nullable("):
        return (
            f"{model.__name__}.{'.'.join(column.path)} may be None, which {table.name}.{column.name} cannot hold: give it a "
            f"conversion, or {place}"
        )
    return ""


def _paths(model: type[BaseModel]) -> Iterable[str]:
    for name, field in model.model_fields.items():
        nested, many = _nested(field.annotation)
        if nested is None:
            yield name
        else:
            yield from (f"{name}.{'*.' if many else ''}{path}" for path in _paths(nested))


def _nested(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the message inside a field, and whether there are many of it."""
    arguments = get_args(annotation)
    many = get_origin(annotation) is tuple
    inner = arguments[0] if many else annotation
    return (inner, many) if isinstance(inner, type) and issubclass(inner, BaseModel) else (None, False)
