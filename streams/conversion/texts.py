"""What a value of a record is as text, and which texts say nothing."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from schemas.ids import ID_PATTERN
from streams.conversion.readers import json_of
from streams.conversion.refusals import RecordError
from streams.conversion.shapes import Shape
from streams.mappings.language import Source

Text = Callable[[Any], str]
"""Finds a value in a record, as text without blanks around it; empty when it says nothing."""
HASH_DIGITS: Final = 32
_MOST_SEARCHED: Final = 4_000
_identifier = re.compile(ID_PATTERN).fullmatch
_WORDS: Final = {True: "true", False: "false"}


class Typed(str):
    """The text of a number or a time that was none in the source: how a mapping says that texts are written does not hold for it."""

    __slots__ = ()


class Nested(str):
    """The JSON of several values, or of an object, where one value is expected."""

    __slots__ = ()


def text_of(value: Any) -> str:
    """Return a value as text: whole numbers without a fraction, times as of ISO 8601, what is nested as JSON.

    A list of one value, as a JMESPath with a filter gives it, is that value; an empty one says nothing.

    >>> [text_of(each) for each in (None, True, 12.0, 0.5, " a ", ["b"], [], ["b", 2])]
    ['', 'true', '12', '0.5', 'a', 'b', '', '["b",2]']
    """
    if type(value) is str:
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, Typed):
        return value
    if isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, float):
        return Typed(int(value)) if value.is_integer() and abs(value) < 2**53 else Typed(value)
    if isinstance(value, int):
        return Typed(value)
    if isinstance(value, Decimal):
        digits = format(value, "f")
        return Typed(digits.rstrip("0").rstrip(".") if "." in digits else digits)
    if isinstance(value, datetime):
        return Typed(value.isoformat(" "))
    if isinstance(value, date | time):
        return Typed(value.isoformat())
    if isinstance(value, timedelta):
        return Typed(_clock(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape").strip()
    if isinstance(value, list) and len(value) == 1:
        return text_of(value[0])
    return Nested(json_of(value)) if value else ""


def identifier(prefix: str, text: str) -> str:
    """Return what an event is called by a text of the source: with spaces, other scripts or too long always its hash."""
    whole = prefix + text
    if _identifier(whole) is not None:
        return whole
    return prefix + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]


def plain(word: str) -> str:
    """Return a word without letter case, and a whole number without its fraction, so that words can be compared.

    >>> plain(" Yes "), plain("1.0"), plain("1.50")
    ('yes', '1', '1.50')
    """
    word = word.strip().lower()
    if word.endswith("0"):
        whole, _, fraction = word.partition(".")
        return whole if fraction and not fraction.strip("0") and whole.removeprefix("-").isdecimal() else word
    return word


def searchable(text: str) -> str:
    """Return a text in which a pattern may search. Raises RecordError for a longer one: a clumsy pattern takes ages there."""
    if len(text) > _MOST_SEARCHED:
        raise RecordError(
            "invalid_value", f"a text of more than {_MOST_SEARCHED:,} characters: no pattern is tried on it"
        )
    return text


def _clock(span: timedelta) -> str:
    """Return `h:mm:ss`, as a spreadsheet shows a duration."""
    seconds, fraction = divmod(span, timedelta(seconds=1))
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    whole = f"{sign}{seconds // 3_600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{whole}.{fraction.microseconds:06d}" if fraction else whole


def source_text(source: Source, shape: Shape, blanks: Iterable[str], *, gaps: bool = False) -> Text:
    """Return what reads a source as one text. With `gaps` a blank among joined values keeps its place: `a`, blank, `b` is `a--b`."""
    text = _whole(source, shape, frozenset(blanks), gaps=gaps)
    return text if source.extract is None else _extracted(text, source.extract)


def _whole(source: Source, shape: Shape, nothing: frozenset[str], *, gaps: bool) -> Text:
    if source.either is not None:
        present = [path for path in source.either if shape.has(path)] or source.either[:1]
        return _first_of([_one(path, shape, nothing) for path in present])
    parts = [_one(path, shape, nothing) for path in source.all_paths]
    if len(parts) == 1:
        return parts[0]
    return _with_gaps(parts, source.join) if gaps else _joined(parts, source.join)


def path_text(path: str, shape: Shape, blanks: Iterable[str]) -> Text:
    """Return what reads the value of a path as text."""
    return _one(path, shape, frozenset(blanks))


def _one(path: str, shape: Shape, blanks: frozenset[str]) -> Text:
    get, cell, longest = shape.get(path), shape.cell(path), max(map(len, blanks), default=0)
    if cell is not None:  # of a table of texts, as a rule

        def of_cell(record: Any) -> str:
            found: str = record[cell].strip()
            return "" if len(found) <= longest and found.lower() in blanks else found

        return of_cell

    def text(record: Any) -> str:
        value = get(record)
        found = value.strip() if type(value) is str else text_of(value)
        return "" if len(found) <= longest and found.lower() in blanks else found

    return text


def _extracted(text: Text, pattern: str) -> Text:
    search = re.compile(pattern).search

    def found(record: Any) -> str:
        match = search(searchable(text(record)))
        return "" if match is None else ((match[1] if match.re.groups else match[0]) or "").strip()

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


def _with_gaps(parts: list[Text], by: str) -> Text:
    def text(record: Any) -> str:
        found = [part(record) for part in parts]
        if not any(found):
            return ""
        whole = by.join(map(_day, found))
        return Typed(whole) if all(type(each) is Typed for each in found) else whole

    return text


def _day(text: str) -> str:
    """Return a spreadsheet's day, which is a time at midnight, without the time: another column says that."""
    return text.removesuffix(" 00:00:00") if type(text) is Typed else text
