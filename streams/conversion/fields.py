"""A field of an event: how its value is read, by what the schema says it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum, auto
from math import floor
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from schemas.topics import EVENT_TYPES
from schemas.values import Whole
from streams.conversion.customers import e164
from streams.conversion.numbers import number_of, seconds_of
from streams.conversion.readers import Shape
from streams.conversion.refusals import RecordError
from streams.conversion.texts import Text, path_text, source_text
from streams.conversion.times import instant
from streams.files.ndjson import InputError
from streams.mappings.language import Mapping, Time, Value

Field = Callable[[Any], Any]
"""Finds a field's value in a record, as the event carries it; None when there is nothing to say."""

_TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "1.0", "t", "ja", "j", "waar", "x"), True),
    **dict.fromkeys(("false", "no", "n", "0", "0.0", "f", "nee", "onwaar"), False),
}
"""Yes and no, in English and Dutch."""
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3_600.0}
_MISSING: Final = object()


class Kind(Enum):
    """How a field's value is read."""

    TEXT = auto()
    WORD = auto()
    TRUTH = auto()
    WHOLE = auto()
    DURATION = auto()
    NUMBER = auto()
    TIME = auto()
    PHONE = auto()


_KINDS: Final = {bool: Kind.TRUTH, int: Kind.WHOLE, float: Kind.NUMBER, datetime: Kind.TIME, str: Kind.TEXT}
_NAMES: Final = {Kind.WHOLE: "whole number", Kind.NUMBER: "number", Kind.DURATION: "duration"}


class Target(NamedTuple):
    """What a field of the schema takes."""

    kind: Kind
    words: dict[str, Any]
    """The values of a field that takes a few only, by their text in lower case."""


def target_of(event_type: str, name: str) -> Target:
    """Return what a field takes."""
    if name == "phone_e164":
        return Target(Kind.PHONE, {})
    field = EVENT_TYPES[event_type].model.model_fields[name]
    return _target(field.annotation, field.metadata)


def field(event_type: str, name: str, value: Value, shape: Shape, mapping: Mapping) -> Field:
    """Return what finds the value of field `name` of an event."""
    target = target_of(event_type, name)
    if target.kind is Kind.TIME:
        return _time(name, value, shape, mapping)
    cast = _cast(name, target, value, mapping)
    if value.value is not None:
        constant = cast(value.value)
        return lambda _: constant
    text = source_text(value, shape, mapping.blanks if value.blanks is None else _lower(value.blanks))
    default = None if value.default is None else cast(value.default)
    if value.add or value.subtract:
        return _balance(name, target.kind, value, text, shape, mapping)
    if value.words is not None:
        return _by_words(name, text, value, cast, default)
    if target.kind is Kind.TEXT:
        return lambda record: text(record) or default

    def found(record: Any) -> Any:
        said = text(record)
        return cast(said) if said else default

    return found


def _time(name: str, value: Value, shape: Shape, mapping: Mapping) -> Field:
    time = Time.model_construct(
        paths=value.paths,
        either=value.either,
        join=value.join,
        extract=value.extract,
        format=value.format,
        zone=value.zone,
        doubled="refuse",
    )
    if value.value is not None:
        raise ValueError(f"{name}: a time cannot be a constant")
    find = instant(time, shape, mapping, name)

    def found(record: Any) -> str | None:
        at = find(record)
        return None if at is None else at.iso

    return found


def _cast(name: str, target: Target, value: Value, mapping: Mapping) -> Callable[[str], Any]:
    kind, words, decimal = target.kind, target.words, value.decimal or mapping.decimal
    if kind is Kind.TEXT:
        return str
    if kind is Kind.PHONE:
        return _phone(name, value.country)
    if kind is Kind.WORD or kind is Kind.TRUTH:
        return _one_of(name, kind, words | _TRUTHS if kind is Kind.TRUTH else words)
    return _measure(name, kind, value, decimal)


def _measure(name: str, kind: Kind, value: Value, decimal: str) -> Callable[[str], Any]:
    unit, scaled = _UNIT_SECONDS[value.unit], _scaled(kind, value)
    plain = scaled is None and unit == 1.0

    def measured(said: str) -> int | float:
        if plain and len(said) < 16 and said.isascii() and said.isdigit():
            return int(said)  # as a rule
        number = seconds_of(said, decimal, unit) if kind is Kind.DURATION else number_of(said, decimal)
        if number is None:
            raise RecordError("invalid_value", f"{name}: no {_NAMES[kind]} (the decimal mark is {decimal!r})")
        if scaled is not None:
            number = scaled(number)
        return int(number) if isinstance(number, float) and number.is_integer() else number

    return measured


def _scaled(kind: Kind, value: Value) -> Callable[[float], int | float] | None:
    """Return what `times` and `plus` do with a number; None for nothing."""
    times, plus = value.times, value.plus
    if times is None and plus is None:
        return None

    def scaled(number: float) -> int | float:
        number = number * (1.0 if times is None else times) + (plus or 0.0)
        return floor(number + 0.5) if kind is Kind.WHOLE else number

    return scaled


def _balance(name: str, kind: Kind, value: Value, text: Text, shape: Shape, mapping: Mapping) -> Field:
    """Return what adds numbers up; nothing where all that are added are blank."""
    if kind not in _NAMES:
        raise InputError(f"mapping {mapping.name}: {name}: add and subtract are of numbers and durations")
    read = _measure(
        name, kind, value.model_copy(update={"times": None, "plus": None}), value.decimal or mapping.decimal
    )
    scaled = _scaled(kind, value)
    default = None if value.default is None else read(value.default)
    blanks = mapping.blanks if value.blanks is None else _lower(value.blanks)
    more = [text, *(path_text(path, shape, blanks) for path in value.add)]
    less = [path_text(path, shape, blanks) for path in value.subtract]

    def found(record: Any) -> int | float | None:
        numbers = [read(said) for term in more if (said := term(record))]
        if not numbers:
            return default
        numbers += [-read(said) for term in less if (said := term(record))]
        number: int | float = sum(numbers) if scaled is None else scaled(sum(numbers))
        return int(number) if isinstance(number, float) and number.is_integer() else number

    return found


def _one_of(name: str, kind: Kind, words: dict[str, Any]) -> Callable[[str], Any]:
    known = dict(words)  # a source has few spellings, and they come again
    ours = ", ".join(map(str, words)) if kind is Kind.WORD else "yes, no, true, false, 1, 0, ja, nee"

    def chosen(said: str) -> Any:
        found = known.get(said, _MISSING)
        if found is _MISSING:
            found = words.get(said.lower(), _MISSING)
            if found is _MISSING:
                raise RecordError(
                    "unknown_word",
                    f"{name}: a word that it does not take ({ours}); say by `words` what it means",
                )
            known[said] = found
        return found

    return chosen


def _phone(name: str, country: str | None) -> Callable[[str], str]:
    def number(said: str) -> str:
        found = e164(said, country)
        if found is None:
            raise RecordError("invalid_value", f"{name}: no telephone number that anybody can have")
        return found

    return number


def _by_words(name: str, text: Text, value: Value, cast: Callable[[str], Any], default: Any) -> Field:
    meaning = {word.strip().lower(): _ours(ours, cast) for word, ours in (value.words or {}).items()}
    others = _MISSING if value.otherwise is None else _ours(value.otherwise, cast)

    def found(record: Any) -> Any:
        said = text(record).lower()
        ours = meaning.get(said, others if said else default)
        if ours is _MISSING:
            known = ", ".join(meaning)
            raise RecordError(
                "unknown_word", f"{name}: a word that is not among `words` ({known}); add it, or `otherwise`"
            )
        return ours

    return found


def _ours(word: str, cast: Callable[[str], Any]) -> Any:
    """Return what one of our words is as a value; `null` and an empty one are nothing."""
    return None if word in ("", "null") else cast(word)


def _lower(words: Iterable[str]) -> frozenset[str]:
    return frozenset(("", *(word.strip().lower() for word in words)))


def _target(annotation: Any, metadata: Iterable[Any]) -> Target:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _target(next(each for each in arguments if each is not NoneType), metadata)
    if origin is Annotated:
        return _target(arguments[0], arguments[1:])
    if origin is Literal:
        return Target(
            Kind.TRUTH if True in arguments else Kind.WORD, {str(each).lower(): each for each in arguments}
        )
    if annotation is int and any(isinstance(each, Whole) and each.duration for each in metadata):
        return Target(Kind.DURATION, {})
    return Target(_KINDS[annotation], {})
