"""A field of an event: how its value is read, by what the schema says it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import floor
from typing import Any, Final

from streams.conversion.customers import e164
from streams.conversion.numbers import number_of, seconds_of
from streams.conversion.refusals import RecordError
from streams.conversion.shapes import Shape
from streams.conversion.texts import Nested, Text, identifier, path_text, plain, source_text
from streams.conversion.times import instant
from streams.files.ndjson import InputError
from streams.mappings.language import Mapping, Time, Value
from streams.mappings.targets import Kind, Target, target_of

Field = Callable[[Any], Any]
"""Finds a field's value in a record, as the event carries it; None when there is nothing to say."""

_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3_600.0}
_TOO_LARGE: Final = 2**53
"""From here on floats miss whole numbers; no field takes any that comes near."""
_MOST_SPELLINGS: Final = 1_000
_MISSING: Final = object()
_REFERENCE: Final = "contact_id"
_NAMES: Final = {
    Kind.WHOLE: "no whole number",
    Kind.NUMBER: "no number",
    Kind.DURATION: "no duration such as 90, 1:30, 0:01:30 or PT1M30S",
}
_SEVERAL: Final = (
    "a list or an object is there, and one value is expected: a path such as `… | [0]` takes one"
)


def field(event_type: str, name: str, value: Value, shape: Shape, mapping: Mapping) -> Field:
    """Return what finds the value of field `name` of an event."""
    target = target_of(event_type, name)
    found = _field(name, target, value, shape, mapping)
    if name == _REFERENCE:  # written as the id that it means
        return lambda record: None if (said := found(record)) is None else identifier(value.prefix, said)
    if value.prefix:
        return lambda record: None if (said := found(record)) is None else value.prefix + said
    return found


def _field(name: str, target: Target, value: Value, shape: Shape, mapping: Mapping) -> Field:
    if target.kind is Kind.TIME:
        return _time(name, value, shape, mapping)
    cast = _cast(name, target, value, mapping)
    if value.value is not None:
        constant = _ours(value.value, cast)
        return lambda _: constant
    text = source_text(value, shape, mapping.blanks if value.blanks is None else _lower(value.blanks))
    default = None if value.default is None else _ours(value.default, cast)
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
    find = instant(time, shape, mapping, name)

    def found(record: Any) -> str | None:
        at = find(record)
        return None if at is None else at.iso

    return found


def _cast(name: str, target: Target, value: Value, mapping: Mapping) -> Callable[[str], Any]:
    kind, decimal = target.kind, value.decimal or mapping.decimal
    if kind is Kind.TEXT:
        return str
    if kind is Kind.PHONE:
        return _phone(name, value.country)
    if kind is Kind.WORD or kind is Kind.TRUTH:
        return _one_of(name, target)
    return _measure(name, kind, value, decimal)


def _measure(name: str, kind: Kind, value: Value, decimal: str) -> Callable[[str], Any]:
    unit, scaled = _UNIT_SECONDS[value.unit], _scaled(kind, value)
    plain = scaled is None and unit == 1.0

    def measured(said: str) -> int | float:
        if plain and len(said) < 16 and said.isascii() and said.isdigit():
            return int(said)  # as a rule
        number = seconds_of(said, decimal, unit) if kind is Kind.DURATION else number_of(said, decimal)
        if number is None:
            said_of_it = (
                _SEVERAL if type(said) is Nested else f"{_NAMES[kind]} (the decimal mark is {decimal!r})"
            )
            raise RecordError("invalid_value", f"{name}: {said_of_it}")
        return _settled(name, number if scaled is None else scaled(number))

    return measured


def _settled(name: str, number: int | float) -> int | float:
    """Return a number as an event carries it. Raises RecordError for one that no field takes."""
    if not abs(number) < _TOO_LARGE:
        raise RecordError("invalid_value", f"{name}: a smaller number is expected")
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _scaled(kind: Kind, value: Value) -> Callable[[float], int | float] | None:
    """Return what `times` and `plus` do with a number; None for nothing."""
    times, plus = value.times, value.plus
    if times is None and plus is None:
        return None

    def scaled(number: float) -> int | float:
        # Without the noise of binary fractions, which would be rounded the wrong way: 50 * 0.29 is 14.5.
        number = round(number * (1.0 if times is None else times) + (plus or 0.0), 9)
        return floor(number + 0.5) if kind is Kind.WHOLE and abs(number) < _TOO_LARGE else number

    return scaled


def _balance(name: str, kind: Kind, value: Value, text: Text, shape: Shape, mapping: Mapping) -> Field:
    """Return what adds numbers up; nothing where all that are added are blank."""
    read = _measure(
        name, kind, value.model_copy(update={"times": None, "plus": None}), value.decimal or mapping.decimal
    )
    scaled = _scaled(kind, value)
    default = None if value.default is None else _ours(value.default, read)
    blanks = mapping.blanks if value.blanks is None else _lower(value.blanks)
    more = [text, *(path_text(path, shape, blanks) for path in value.add)]
    less = [path_text(path, shape, blanks) for path in value.subtract]

    def found(record: Any) -> int | float | None:
        numbers = [read(said) for term in more if (said := term(record))]
        if not numbers:
            return default
        numbers += [-read(said) for term in less if (said := term(record))]
        total = round(sum(numbers), 6)  # of seconds since 1970, a double holds no more
        return _settled(name, total if scaled is None else scaled(total))

    return found


def _one_of(name: str, target: Target) -> Callable[[str], Any]:
    words, ours = target.all_words, target.expected
    known: dict[str, Any] = dict(words)  # a source has few spellings, and they come again

    def chosen(said: str) -> Any:
        found = known.get(said, _MISSING)
        if found is _MISSING:
            found = words.get(said.lower(), _MISSING)
            if found is _MISSING:
                raise RecordError(
                    "unknown_word",
                    f"{name}: {_SEVERAL}"
                    if type(said) is Nested
                    else f"{name}: another word than those that it takes: {ours}; say by `words` what it means",
                )
            if len(known) < _MOST_SPELLINGS:
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
    meaning = {plain(word): _ours(ours, cast) for word, ours in (value.words or {}).items()}
    others = _MISSING if value.otherwise is None else _ours(value.otherwise, cast)

    def found(record: Any) -> Any:
        written = text(record)
        said = plain(written)
        ours = meaning.get(said, others if said else default)
        if ours is _MISSING:
            known = ", ".join(map(repr, meaning))
            raise RecordError(
                "unknown_word",
                f"{name}: {_SEVERAL}"
                if type(written) is Nested
                else f"{name}: another word than those of `words`: {known}; add it, or say what all others mean by `otherwise`",
            )
        return ours

    return found


def _ours(word: str, cast: Callable[[str], Any]) -> Any:
    """Return what one of our words is as a value; `null` and an empty one are nothing."""
    try:
        return None if word in ("", "null") else cast(word)
    except RecordError as error:
        raise InputError(f"the mapping's own word: {error}") from None


def _lower(words: Iterable[str]) -> frozenset[str]:
    return frozenset(("", *(word.strip().lower() for word in words)))
