"""From a table of customers to events in event-time order, by a mapping. The same lines give the same bytes.

Owns the rules that invent times, since the tables have none; it opens no file. A number N becomes N
unresolved inbound calls, one in each of N equal parts of the window; the place within a part follows from a
hash of the customer's id, so it is spread over customers and the same on every run. The first and last day
of the window stay free, so that all contacts lie well within it however days are counted.
The whole table is held in memory, since its order is not that of time.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import orjson

from schemas.ids import ID_PATTERN, ID_WORDS, names_nobody
from streams.files.mapping import Mapping
from streams.files.ndjson import InputError

_IDENTIFIER: Final = re.compile(ID_PATTERN)
_OPENS_S, _OPEN_S = 8 * 3600, 12 * 3600  # contacts fall between 08:00 and 20:00 UTC
_Event = dict[str, Any]


def convert(mapping: Mapping, lines: Iterable[bytes], *, file: str = "input") -> Iterator[bytes]:
    """Events as JSON lines without line ends, ordered by (occurred_at, event_id).

    Raises InputError naming `file:line` and the column for what cannot be read.
    """
    # Copied, since the bytes of orjson keep their whole buffer (4 kB each) alive.
    events = [
        (event["occurred_at"], event["event_id"], bytes(memoryview(orjson.dumps(event))))
        for event in _events(mapping, lines, file)
    ]
    for _, _, line in sorted(events):
        yield line


def _events(mapping: Mapping, lines: Iterable[bytes], file: str) -> Iterator[_Event]:
    names = mapping.columns
    reader = csv.reader(_text(lines, file), delimiter=mapping.delimiter, skipinitialspace=True)
    seen: dict[str, int] = {}
    number = 0
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            place = f"{file}:{reader.line_num}"
            cells = [cell.strip() for cell in row]
            if mapping.header and number == 0 and not names:
                names = _header(mapping, cells, place)
                continue
            number += 1
            if len(cells) != len(names):
                raise InputError(f"{place}: {len(cells)} columns, {len(names)} are expected")
            customer = _Row(mapping, dict(zip(names, cells, strict=True)), number, place)
            first = seen.setdefault(customer.id, reader.line_num)
            if first != reader.line_num:
                raise InputError(f"{place}, column {customer.id_column}: the customer is in line {first} too")
            yield from customer.events()
    except csv.Error as error:
        raise InputError(f"{file}:{reader.line_num}: {error}") from error
    if number == 0:
        raise InputError(f"{file}: no customer in it")


def _header(mapping: Mapping, cells: list[str], place: str) -> tuple[str, ...]:
    names = tuple(" ".join(cell.removeprefix("\ufeff").split()) for cell in cells)
    missing = [name for name in mapping.used_columns if name not in names]
    if missing:
        raise InputError(f"{place}: no column {missing[0]}; mapping {mapping.name} needs it")
    return names


def _text(lines: Iterable[bytes], file: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8").rstrip("\r\n") + "\n"
        except UnicodeDecodeError as error:
            raise InputError(f"{file}:{number}: no UTF-8: {error.reason}") from error


class _Row:
    """One customer of the table."""

    def __init__(self, mapping: Mapping, cells: dict[str, str], number: int, place: str) -> None:
        self._mapping, self._cells, self._place = mapping, cells, place
        self.id_column = mapping.customer.column or "(row)"
        own = cells[mapping.customer.column] if mapping.customer.column else f"{number:06d}"
        self.id = mapping.customer.prefix + own
        if not _IDENTIFIER.fullmatch(self.id) or names_nobody(self.id):
            raise InputError(f"{place}, column {self.id_column}: a customer id has {ID_WORDS}")
        self._reference = datetime.combine(mapping.reference_day, datetime.min.time(), UTC)
        self._start = self._reference - timedelta(days=mapping.window_days)

    def events(self) -> Iterator[_Event]:
        yield self._profile()
        yield from self._contacts()
        yield from self._complaint()
        yield from self._churn()

    def _profile(self) -> _Event:
        part = self._mapping.profile
        event = self._event("profile", 0, self._start - timedelta(days=1))
        if part.country_code:
            event["country_code"] = part.country_code
        if part.time_zone:
            event["time_zone"] = part.time_zone
        if part.tenure_months:
            event["tenure_months"] = self._whole(part.tenure_months, 1_200)
        if part.monthly_value:
            event["monthly_value"] = self._amount(part.monthly_value)
        return event

    def _contacts(self) -> Iterator[_Event]:
        part = self._mapping.contacts
        if part is None:
            return
        count = self._whole(part.column, part.most)
        days = self._mapping.window_days - 2
        for index in range(count):
            day = 1 + int((index + self._share("day", index)) * days / count)
            at = self._start + timedelta(days=day, seconds=self._time_of_day("call", index))
            yield self._call(index, at, reason=part.reason, queue=part.queue)

    def _complaint(self) -> Iterator[_Event]:
        part = self._mapping.complaint
        if part is None or self._cells[part.column] not in part.values:
            return
        day = 1 + int(self._share("complaint", 0) * (self._mapping.window_days - 2))
        at = self._start + timedelta(days=day, seconds=self._time_of_day("complaint", 0))
        call = self._call("complaint", at, reason=part.reason, queue="complaints")
        yield call
        survey = self._event("survey", "complaint", at + timedelta(hours=1))
        yield survey | {"contact_id": call["event_id"], "csat": part.csat, "answered": False}

    def _churn(self) -> Iterator[_Event]:
        part = self._mapping.churn
        if part is None:
            return
        value = self._cells[part.column]
        if value not in part.values:
            if value not in part.others:
                expected = ", ".join((*part.values, *part.others))
                raise self._mistake(part.column, f"one of {expected} is expected")
            return
        day = int(self._share("churn", 0) * part.days)
        at = self._reference + timedelta(days=day, seconds=self._time_of_day("churn", 0))
        event = self._event("cancellation", 0, at)
        yield event | {"stage": "confirmed", "reason": part.reason, "effective_at": event["occurred_at"]}

    def _call(self, index: int | str, at: datetime, *, reason: str, queue: str) -> _Event:
        return self._event("call", index, at) | {
            "direction": "inbound",
            "channel": "phone",
            "queue": queue,
            "reason": reason,
            "resolved": False,
        }

    def _event(self, kind: str, index: int | str, at: datetime) -> _Event:
        return {
            "type": kind,
            "schema_version": 1,
            "event_id": f"{self._mapping.name[:24]}-{kind}-{self._hash(f'{kind}:{index}')[:24]}",
            "customer_id": self.id,
            "occurred_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _hash(self, what: str) -> str:
        return sha256(f"{self._mapping.name}\0{self.id}\0{what}".encode()).hexdigest()

    def _share(self, what: str, index: int) -> float:
        """Return a fixed number of [0, 1) for this customer and use."""
        return int(self._hash(f"{what}:{index}")[-8:], 16) / 2**32

    def _time_of_day(self, what: str, index: int) -> int:
        return _OPENS_S + int(self._share(f"{what}-time", index) * _OPEN_S)

    def _whole(self, column: str, most: int) -> int:
        text = self._cells[column]
        if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > most:
            raise self._mistake(column, f"a whole number from 0 to {most} is expected")
        return int(text)

    def _amount(self, column: str) -> float:
        try:
            value = float(self._cells[column])
        except ValueError:
            value = math.nan
        if not 0 <= value <= 1_000_000:
            raise self._mistake(column, "a number from 0 to 1000000 is expected")
        return value

    def _mistake(self, column: str, what: str) -> InputError:
        return InputError(f"{self._place}, column {column}: {what}")
