"""From a table of customers without any times to events, whose times follow a fixed rule. The same rows give the same events.

Owns that rule. A number N becomes N unresolved inbound calls, one in each of N equal parts of the window; the place within a part
follows from a hash of the customer's id, so it is spread over customers and the same on every run. The first and last day of the
window stay free, so that all contacts lie well within it however days are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson

from schemas.ids import ID_PATTERN, ID_WORDS, names_nobody
from schemas.instants import from_text
from schemas.topics import EVENT_TYPES
from streams.conversion.events import Made, check
from streams.conversion.numbers import number_of
from streams.conversion.refusals import RecordError
from streams.conversion.shapes import Shape
from streams.conversion.texts import Text, path_text
from streams.mappings.language import Mapping, snapshot_paths

_identifier = re.compile(ID_PATTERN).fullmatch
_OPENS_S, _OPEN_S = 8 * 3600, 12 * 3600  # contacts fall between 08:00 and 20:00 UTC
_Event = dict[str, Any]


class Rows:
    """The rows of all files up to here: how many there were, and whose."""

    def __init__(self) -> None:
        self.count = 0
        self.customers: set[str] = set()


class SnapshotMaker:
    """Makes the events of a table's rows, each of which is a customer."""

    def __init__(self, mapping: Mapping, shape: Shape, rows: Rows) -> None:
        """Find the columns. Raises InputError for one that the table has not."""
        assert mapping.snapshot is not None
        self._mapping, self._snapshot = mapping, mapping.snapshot
        self._cells: dict[str, Text] = {
            path: path_text(path, shape, ()) for path in snapshot_paths(mapping.snapshot)
        }
        self._rows = rows

    def events(self, record: Any, _: Callable[[], str]) -> list[Made]:
        """Return the events of a row. Raises RecordError."""
        self._rows.count += 1
        customer = _Row(self._mapping, self._cells, record, self._rows.count)
        if customer.id in self._rows.customers:
            raise RecordError(
                "invalid_customer_id", f"{customer.id_column}: the customer stands in an earlier row too"
            )
        made = [_made(event) for event in customer.events()]
        self._rows.customers.add(customer.id)
        return made


def _made(event: _Event) -> Made:
    data = orjson.dumps(event)
    check(data, EVENT_TYPES[event["type"]].topic)
    return Made(from_text(event["occurred_at"]), event["event_id"], data)


class _Row:
    """One customer of the table."""

    def __init__(self, mapping: Mapping, cells: dict[str, Text], record: Any, number: int) -> None:
        assert mapping.snapshot is not None
        self._name, self._snapshot = mapping.name, mapping.snapshot
        self._decimal = mapping.decimal
        self._cell = {name: text(record) for name, text in cells.items()}
        customer = self._snapshot.customer
        self.id_column = customer.column or "(row)"
        self.id = customer.prefix + (self._cell[customer.column] if customer.column else f"{number:06d}")
        if _identifier(self.id) is None or names_nobody(self.id):
            raise RecordError("invalid_customer_id", f"{self.id_column}: {ID_WORDS} are expected")
        self._reference = datetime.combine(self._snapshot.reference_day, datetime.min.time(), UTC)
        self._start = self._reference - timedelta(days=self._snapshot.window_days)

    def events(self) -> list[_Event]:
        """Return all of them: a row is used as a whole or not at all."""
        return [self._profile(), *self._contacts(), *self._complaint(), *self._churn()]

    def _profile(self) -> _Event:
        part = self._snapshot.profile
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
        part = self._snapshot.contacts
        if part is None:
            return
        count = self._whole(part.column, part.most)
        days = self._snapshot.window_days - 2
        for index in range(count):
            day = 1 + int((index + self._share("day", index)) * days / count)
            at = self._start + timedelta(days=day, seconds=self._time_of_day("call", index))
            yield self._call(index, at, reason=part.reason, queue=part.queue)

    def _complaint(self) -> Iterator[_Event]:
        part = self._snapshot.complaint
        if part is None or not self._says(part.column, part.values, part.others):
            return
        day = 1 + int(self._share("complaint", 0) * (self._snapshot.window_days - 2))
        at = self._start + timedelta(days=day, seconds=self._time_of_day("complaint", 0))
        call = self._call("complaint", at, reason=part.reason, queue="complaints")
        yield call
        survey = self._event("survey", "complaint", at + timedelta(hours=1))
        yield survey | {"contact_id": call["event_id"], "csat": part.csat, "answered": False}

    def _churn(self) -> Iterator[_Event]:
        part = self._snapshot.churn
        if part is None:
            return
        if not self._says(part.column, part.values, part.others):
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
            "event_id": f"{self._name[:24]}-{kind}-{self._hash(f'{kind}:{index}')[:24]}",
            "customer_id": self.id,
            "occurred_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _hash(self, what: str) -> str:
        return sha256(f"{self._name}\0{self.id}\0{what}".encode()).hexdigest()

    def _share(self, what: str, index: int) -> float:
        """Return a fixed number of [0, 1) for this customer and use."""
        return int(self._hash(f"{what}:{index}")[-8:], 16) / 2**32

    def _time_of_day(self, what: str, index: int) -> int:
        return _OPENS_S + int(self._share(f"{what}-time", index) * _OPEN_S)

    def _says(self, column: str, yes: tuple[str, ...], no: tuple[str, ...]) -> bool:
        said = _plain(self._cell[column])
        if said not in map(_plain, (*yes, *no)):
            raise RecordError("unknown_word", f"{column}: one of {', '.join((*yes, *no))} is expected")
        return said in map(_plain, yes)

    def _whole(self, column: str, most: int) -> int:
        number = number_of(self._cell[column], self._decimal)
        if not isinstance(number, int) or not 0 <= number <= most:
            raise RecordError("invalid_value", f"{column}: a whole number from 0 to {most} is expected")
        return number

    def _amount(self, column: str) -> float:
        number = number_of(self._cell[column], self._decimal)
        if number is None or not 0 <= number <= 1_000_000:
            raise RecordError("invalid_value", f"{column}: a number from 0 to 1000000 is expected")
        return float(number)


def _plain(word: str) -> str:
    """Return a word without letter case, and a whole number without its fraction."""
    word = word.strip().lower()
    number = number_of(word, ".")
    return str(number) if isinstance(number, int) else word
