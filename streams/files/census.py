"""A census of events in files: what a worker would read, and what looks wrong, told before anything is sent.

Owns counting and what is remarkable; it decides nothing about a customer and needs no Kafka. Each line goes through the decoder of the
workers. Memory holds no event, and stays the same however many there are.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

from schemas import topics
from schemas.instants import to_datetime
from streams.core.decode import AS_USUAL, Reading
from streams.core.events.table import EVENTS
from streams.core.policy_parts import Shape
from streams.core.records import Decoded, Reject
from streams.files.ndjson import NO_TIME, Line, decode_line
from streams.files.numbers import Numbers
from streams.files.rejections import MOST_REJECTED, Rejections

DAY_MS: Final = 86_400_000
_LONE_SHARE: Final = 0.05
_LONE_AT_LEAST: Final = 50
"""One id with this share of all events, and at least so many, is likely to stand for many people."""
HORIZON_DAYS: Final = Shape().horizon_days
"""So far a policy looks back, unless it says otherwise."""
_WITH_HORIZON: Final = frozenset(name for name, rules in EVENTS.items() if rules.fact is not None)
BUSY: Final = 50
"""Nobody has so many events on one day."""
_LONES: Final = 10
"""No more such ids are told."""
_GAP_DAYS: Final = 2
"""Whole days without any event, so many in a row, are told."""
_MOST_FIELDS: Final = 1_000
"""Of unknown names no more are counted: thousands are keys that became fields."""


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
    customers: int = 0
    """Different customers."""
    nobody: int = 0
    duplicates: int = 0
    """Events of a type and id that are there before, byte for byte."""
    corrections: int = 0
    """Events of a type and id that are there before, with other bytes. Neither number depends on the order of the lines."""
    future: int = 0
    too_old: int = 0
    """Events that stand behind others which are later by a whole horizon (`HORIZON_DAYS`): their time is over when they come."""
    first: int = -1
    last: int = -1
    lone: list[float] = field(default_factory=list)
    """Shares (0-1) of the named events that single ids have, where they are so large that the id may stand for many people."""
    busy: int = 0
    """Customers with so many events on one day (`BUSY`) that the id may stand for many people."""
    days: set[int] = field(default_factory=set)
    """Numbers of the days with an event."""

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
    def fit(self) -> bool:
        """Whether there is something to send, and not too much of it would be refused."""
        return self.accepted > 0 and self.rejected_share <= MOST_REJECTED

    def gaps(self) -> list[Gap]:
        """Return the days in a row without any event."""
        days = sorted(self.days)
        return [
            Gap(_day(before + 1), _day(after - 1))
            for before, after in pairwise(days)
            if after - before > _GAP_DAYS
        ]

    def unknown(self) -> list[tuple[str, str, int]]:
        """Return the unknown fields by type and name, the most frequent first."""
        counts = self.unknown_fields.items()
        return [(*each, count) for each, count in sorted(counts, key=lambda pair: (-pair[1], pair[0]))]

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
                code: [each._asdict() for each in first] for code, first in self.rejections.examples.items()
            },
            "unknown_fields": {f"{kind}.{name}": count for kind, name, count in self.unknown()},
            "near": {
                f"{kind}.{name}": near for kind, name, _ in self.unknown() if (near := self.near(kind, name))
            },
            "customers": self.customers,
            "nobody": self.nobody,
            "duplicates": self.duplicates,
            "corrections": self.corrections,
            "future": self.future,
            "too_old": self.too_old,
            "first": None if self.first < 0 else to_datetime(self.first).isoformat(),
            "last": None if self.last < 0 else to_datetime(self.last).isoformat(),
            "gaps": [gap._asdict() for gap in self.gaps()],
            "lone": [{"share": share} for share in self.lone],
            "busy": self.busy,
        }


class Counting:
    """A census that is being made. Close it, or use it in a `with`."""

    def __init__(self) -> None:
        self._census = Census()
        # By `hash`, whose 64 bits differ for what differs: of 10 million events two meet with probability below 1e-5.
        self._ids = Numbers()
        self._versions = Numbers()
        self._customers = Numbers()
        self._customer_days = Numbers()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._ids, self._versions, self._customers, self._customer_days):
            each.close()

    def add(self, file: str, number: int, decoded: Decoded) -> None:
        """Count what a line was decoded to. Raises SpillError."""
        census, event = self._census, decoded.event
        census.lines += 1
        if event is None:
            assert decoded.reject is not None
            census.future += decoded.reject.code == "future_dated"
            census.rejections.note(file, number, decoded.reject)
            return
        kind, at, customer = event.kind, decoded.at, event.customer_id
        census.events[kind] += 1
        for name in decoded.unknown_fields:
            if (kind, name) in census.unknown_fields or len(census.unknown_fields) < _MOST_FIELDS:
                census.unknown_fields[kind, name] += 1
        identity = hash((kind, event.event_id))
        self._ids.add(identity)
        self._versions.add(hash((identity, decoded.record.value)))
        census.days.add(at // DAY_MS)
        if at > census.last:
            census.last = at
        if at < census.first or census.first < 0:
            census.first = at
        if decoded.anonymous or customer is None:
            census.nobody += 1
        else:
            self._customers.add(hash(customer))
            self._customer_days.add(hash((customer, at // DAY_MS)))

    def refuse(self, file: str, number: int, reject: Reject) -> None:
        """Count a record of a source that gave no event."""
        self._census.rejections.note(file, number, reject)

    def census(self) -> Census:
        """Return the census of all lines that were added. Raises SpillError."""
        census = self._census
        versions = self._versions.different()
        census.duplicates = census.accepted - versions
        census.corrections = versions - self._ids.different()
        named = census.accepted - census.nobody
        many = max(_LONE_AT_LEAST, named * _LONE_SHARE)
        census.customers, census.lone = 0, []
        for part in self._customers.parts():
            counts = Counter(part)
            census.customers += len(counts)
            census.lone += [count / named for count in counts.values() if count >= many]
        census.busy = sum(
            count >= BUSY for part in self._customer_days.parts() for count in Counter(part).values()
        )
        census.lone = sorted(census.lone, reverse=True)[:_LONES] if census.customers > 1 else []
        return census


def census_of(lines: Iterable[Line], now: int = NO_TIME, reading: Reading = AS_USUAL) -> Census:
    """Count all lines. `now` (ms): what is later is an event of the future, -1 for no such time. Raises SpillError."""
    newest, too_old, horizon = -1, 0, HORIZON_DAYS * DAY_MS
    with Counting() as counting:
        for line in lines:
            decoded = decode_line(line, now, reading)
            counting.add(line.file, line.number, decoded)
            if decoded.event is not None:
                too_old += decoded.event.kind in _WITH_HORIZON and decoded.at <= newest - horizon
                newest = max(newest, decoded.at)
        census = counting.census()
    census.too_old = too_old
    return census


@cache
def _fields(kind: str) -> tuple[str, ...]:
    return tuple(topics.EVENT_TYPES[kind].model.model_fields)


def _day(number: int) -> str:
    return to_datetime(number * DAY_MS).date().isoformat()
