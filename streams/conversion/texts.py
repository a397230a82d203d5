"""What a value of a record is as text, and which texts say nothing."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic_core import to_json

from streams.conversion.readers import Shape
from streams.mappings.language import Source

Text = Callable[[Any], str]
"""Finds a value in a record, as text without blanks around it; empty when it says nothing."""
_WORDS: Final = {True: "true", False: "false"}


def text_of(value: Any) -> str:
    """Return a value as text: whole numbers without a fraction, times as of ISO 8601, what is nested as JSON.

    >>> [text_of(each) for each in (None, True, 12.0, 0.5, " a ", ["b"])]
    ['', 'true', '12', '0.5', 'a', '["b"]']
    """
    if type(value) is str:
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return to_json(value, serialize_unknown=True).decode()


def source_text(source: Source, shape: Shape, blanks: Iterable[str]) -> Text:
    """Return what reads a source as one text."""
    text = _whole(source, shape, frozenset(blanks))
    return text if source.extract is None else _extracted(text, source.extract)


def _whole(source: Source, shape: Shape, nothing: frozenset[str]) -> Text:
    if source.either is not None:
        present = [path for path in source.either if shape.has(path)] or source.either[:1]
        return _first_of([_one(path, shape, nothing) for path in present])
    parts = [_one(path, shape, nothing) for path in source.all_paths]
    return parts[0] if len(parts) == 1 else _joined(parts, source.join)


def path_text(path: str, shape: Shape, blanks: Iterable[str]) -> Text:
    """Return what reads the value of a path as text."""
    return _one(path, shape, frozenset(blanks))


def _one(path: str, shape: Shape, blanks: frozenset[str]) -> Text:
    get, longest = shape.get(path), max(map(len, blanks), default=0)

    def text(record: Any) -> str:
        value = get(record)
        found = value.strip() if type(value) is str else text_of(value)
        return "" if len(found) <= longest and found.lower() in blanks else found

    return text


def _extracted(text: Text, pattern: str) -> Text:
    search = re.compile(pattern).search

    def found(record: Any) -> str:
        match = search(text(record))
        return "" if match is None else (match[1] if match.re.groups else match[0]) or ""

    return found


def _first_of(parts: list[Text]) -> Text:
    def text(record: Any) -> str:
        for part in parts:
            if found := part(record):
                return found
        return ""

    return text


def _joined(parts: list[Text], by: str) -> Text:
    def text(record: Any) -> str:
        return by.join([found for part in parts if (found := part(record))])

    return text
