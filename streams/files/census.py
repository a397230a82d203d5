"""A census of events in files: what a worker would read, and what looks wrong, told before anything is sent.

Owns counting and what is remarkable; it decides nothing about a customer and needs no Kafka. Each line goes through the decoder of the
workers. Memory holds a number for each event and each customer, and no event.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from schemas import topics
from schemas.instants import to_datetime
from streams.core.decode import decode
from streams.core.facts import identity_of
from streams.core.records import Record
from streams.files.ndjson import NO_TIME, Line, likely_topic
from streams.files.rejections import MOST_REJECTED, Rejections

DAY_MS: Final = 86_400_000
_LONE_SHARE: Final = 0.05
_LONE_AT_LEAST: Final = 50
"""One id with this share of all events, and at least so many, is likely to stand for many people."""
_GAP_DAYS: Final = 2
"""Whole days without any event, so many in a row, are told."""


class Gap(NamedTuple):
    """Days without events, as ISO dates, both included."""

    first: str
    last: str


@dataclass(slots=True)
class Census:
    """What was found. Times are event times in ms; -1 where there is no event."""

    lines: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """By type."""
    rejections: Rejections = field(default_factory=Rejections)
    unknown_fields: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By type and field."""
    nobody: int = 0
    duplicates: int = 0
    """Events of a type and id that came before: the same once more, or corrected."""
    future: int = 0
    first: int = -1
    last: int = -1
    _customers: Counter[str] = field(default_factory=Counter)
    _ids: set[int] = field(default_factory=set)
    _days: set[int] = field(default_factory=set)

    @property
    def accepted(self) -> int:
        """Lines that are events."""
        return self.events.total()

    @property
    def rejected(self) -> int:
        """Lines that are none."""
        return self.rejections.total

    @property
    def rejected_share(self) -> float:
        """Share of the lines, 0-1."""
        return self.rejected / self.lines if self.lines else 0.0

    @property
    def customers(self) -> int:
        """Different customers."""
        return len(self._customers)

    @property
    def fit(self) -> bool:
        """Whether there is something to send, and not too much of it would be refused."""
        return self.accepted > 0 and self.rejected_share <= MOST_REJECTED

    def lone(self) -> list[tuple[str, float]]:
        """Return the ids that have so large a share (0-1) of the named events that they may stand for many people."""
        named = self._customers.total()
        return [
            (customer, count / named)
            for customer, count in self._customers.most_common(10)
            if count >= _LONE_AT_LEAST and count / named >= _LONE_SHARE and self.customers > 1
        ]

    def gaps(self) -> list[Gap]:
        """Return the days in a row without any event."""
        days = sorted(self._days)
        return [
            Gap(_day(before + 1), _day(after - 1))
            for before, after in pairwise(days)
            if after - before > _GAP_DAYS
        ]

    def near(self, kind: str, name: str) -> str:
        """Return the field of a type that is written most like `name`; empty when none is."""
        return next(iter(get_close_matches(name.lower(), _fields(kind), 1, 0.75)), "")

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--json`."""
        return {
            "lines": self.lines,
            "events": self.accepted,
            "types": dict(sorted(self.events.items())),
            "rejected": self.rejected,
            "reasons": dict(sorted(self.rejections.counts.items())),
            "examples": {
                code: [each._asdict() for each in first]
                for code, first in sorted(self.rejections.examples.items())
            },
            "unknown_fields": {
                f"{kind}.{name}": count for (kind, name), count in self.unknown_fields.most_common()
            },
            "near": {
                f"{kind}.{name}": near
                for kind, name in self.unknown_fields
                if (near := self.near(kind, name))
            },
            "customers": self.customers,
            "nobody": self.nobody,
            "duplicates": self.duplicates,
            "future": self.future,
            "first": None if self.first < 0 else to_datetime(self.first).isoformat(),
            "last": None if self.last < 0 else to_datetime(self.last).isoformat(),
            "gaps": [gap._asdict() for gap in self.gaps()],
            "lone": [{"share": share} for _, share in self.lone()],
        }

    def add(self, line: Line, now: int = NO_TIME) -> None:
        """Count a line. `now` (ms): what is later is an event of the future, -1 for no such time."""
        self.lines += 1
        decoded = decode(Record(likely_topic(line.data), 0, line.number, now, None, line.data))
        event = decoded.event
        if event is None:
            assert decoded.reject is not None
            self.future += decoded.reject.code == "future_dated"
            self.rejections.note(line.place, decoded.reject)
            return
        self.events[event.kind] += 1
        for name in decoded.unknown_fields:
            self.unknown_fields[event.kind, name] += 1
        identity = identity_of(event.kind, event.event_id)
        self.duplicates += identity in self._ids
        self._ids.add(identity)
        self._days.add(decoded.at // DAY_MS)
        self.first = decoded.at if self.first < 0 else min(self.first, decoded.at)
        self.last = max(self.last, decoded.at)
        if decoded.anonymous or event.customer_id is None:
            self.nobody += 1
        else:
            self._customers[event.customer_id] += 1


def census_of(lines: Iterable[Line], now: int = NO_TIME) -> Census:
    """Count all lines."""
    census = Census()
    for line in lines:
        census.add(line, now)
    return census


@cache
def _fields(kind: str) -> tuple[str, ...]:
    return tuple(topics.EVENT_TYPES[kind].model.model_fields)


def _day(number: int) -> str:
    return to_datetime(number * DAY_MS).date().isoformat()
