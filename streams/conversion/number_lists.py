"""Lists of telephone numbers whose owners object to calls: CSV with a head, or NDJSON, plain or packed.

Owns reading a line and what is wrong with it, told by its place without quoting it. It sends nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import phonenumbers
from pydantic_core import from_json

from schemas.instants import ms_of
from streams.conversion.customers import e164
from streams.conversion.refusals import RecordError
from streams.files.ndjson import BROKEN, STDIN, InputError, open_input, raw_records

COLUMNS: Final = ("phone_e164", "phone", "country_code", "objected_at", "occurred_at", "until")
"""What is read; others are passed over. `phone` is a number as a country writes it; `occurred_at` is what an event calls `objected_at`."""
_EARLIEST_MS: Final = 0
_LATEST_MS: Final = 221_845_392_000_000
_DELIMITERS: Final = ",;\t|"


class Listed(NamedTuple):
    """A number on a list. Times in ms; none where the list does not say."""

    phone_e164: str
    at: int | None
    until: int | None


def read_numbers(path: str, now: int, country: str | None = None) -> Iterator[Listed | str]:
    """Yield the numbers of a file, and for a line that cannot be read where it is and why.

    `now` (ms): nobody has objected later. `country`: of numbers that name none. Raises InputError for a file that cannot be read.
    """
    if country is not None and country not in phonenumbers.SUPPORTED_REGIONS:
        raise InputError(f"--country {country}: a code of two letters of ISO 3166 is expected, such as NL")
    name = "stdin" if path == STDIN else path
    for number, record in _records(path, name):
        try:
            yield _listed(record, now, country)
        except RecordError as error:
            yield f"{name}:{number}: {error}"


def _records(path: str, name: str) -> Iterator[tuple[int, Any]]:
    number = 0
    with open_input(path) as stream:
        try:
            head: bytes = stream.peek(64)  # type: ignore[attr-defined]  # of BufferedReader and GzipFile alike
            if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b""):
                for number, data in raw_records(name, stream):
                    yield number, _parsed(data)
            else:
                text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
                for number, record in _rows(name, text):
                    yield number, record
        except (*BROKEN, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{name}: broken after line {number}: {error}") from error


def _parsed(data: bytes) -> Any:
    try:
        return from_json(data)
    except ValueError:
        return None


def _rows(name: str, text: io.TextIOWrapper) -> Iterator[tuple[int, dict[str, str]]]:
    first = text.readline()
    delimiter = max(_DELIMITERS, key=first.count)
    head = [column.strip().lower() for column in next(csv.reader([first], delimiter=delimiter), [])]
    if "phone_e164" not in head and "phone" not in head:
        raise InputError(
            f"{name}: its first line must name the columns, phone_e164 or phone among them; {', '.join(COLUMNS)} are read"
        )
    reader = csv.reader(text, delimiter=delimiter)
    for row in reader:
        if any(row):
            yield reader.line_num + 1, dict(zip(head, (cell.strip() for cell in row), strict=False))


def _listed(record: Any, now: int, country: str | None) -> Listed:
    if not isinstance(record, Mapping):
        raise RecordError("invalid_field", "a JSON object is expected")
    at = _time(record, "objected_at")
    if at is None:
        at = _time(record, "occurred_at")
    until = _time(record, "until")
    if at is not None and at > now:
        raise RecordError("invalid_field", "objected_at: it lies in the future")
    if at is not None and until is not None and until <= at:
        raise RecordError("invalid_field", "until: it must be later than objected_at")
    return Listed(_number(record, country), at, until)


def _number(record: Mapping[str, Any], country: str | None) -> str:
    text = _text(record, "phone_e164") or _text(record, "phone")
    if not text:
        raise RecordError("invalid_field", "phone_e164: a number is expected, there or in phone")
    of = (_text(record, "country_code") or country or "").upper() or None
    if of is not None and of not in phonenumbers.SUPPORTED_REGIONS:
        raise RecordError("invalid_field", "country_code: two letters of ISO 3166 are expected, such as NL")
    found = e164(text, of)
    if found is None:
        how = (
            ""
            if of or text.startswith(("+", "00"))
            else "; of a national number country_code, or --country, must tell the country"
        )
        raise RecordError("invalid_field", f"phone_e164: no telephone can have this number{how}")
    return found


def _time(record: Mapping[str, Any], name: str) -> int | None:
    text = _text(record, name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RecordError(
            "invalid_field",
            f"{name}: a time of ISO 8601 with date, time and zone is expected: 2026-09-17T09:30:00Z",
        )
    if not _EARLIEST_MS <= (found := ms_of(at)) < _LATEST_MS:
        raise RecordError("invalid_field", f"{name}: it must lie between the years 1970 and 9000")
    return found


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if type(value) is int:  # a national number that lost its quotes
        return str(value)
    if not isinstance(value, str):
        raise RecordError("invalid_field", f"{name}: a text is expected")
    return value.strip()
