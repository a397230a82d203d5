"""When people call and how long the queue is then.

All times are ms since the epoch, UTC; the centre is open 7-20 UTC.
"""

from __future__ import annotations

from bisect import bisect
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final

from schemas.instants import to_datetime
from streams.simulate.settings import DAY_MS, SimulationSettings

HOUR_MS: Final = 3_600_000
_OPENS, _CLOSES = 7, 20
_HOURLY: Final = (6, 10, 12, 11, 9, 8, 9, 9, 8, 6, 5, 4, 3)
"""Calls by hour from 7 to 20 UTC, relative: a morning peak and a smaller one after lunch."""
_CUMULATIVE: Final = tuple(accumulate(_HOURLY))
_WEEKDAY: Final = (1.0, 0.9, 0.85, 0.85, 0.85, 0.5, 0.12)
"""Calls by day of the week from Monday, relative to Monday."""
_CALM_WAIT_S, _PEAK_WAIT_S, _INCIDENT_WAIT_S = 12.0, 45.0, 150.0


class Calendar:
    """The days of one simulation, with a large incident about every six weeks."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.start, self.end = settings.start_ms, settings.end_ms
        self._days = settings.days
        random = Random(f"calendar/{settings.seed}")  # noqa: S311 - repeatable, not secret
        self.incident_days: Final = frozenset(
            min(settings.days - 1, block + random.randrange(42)) for block in range(0, settings.days, 42)
        )
        self._weekday = settings.start.weekday()
        zero = datetime.combine(settings.start, datetime.min.time(), UTC)
        self._dates = [f"{zero + timedelta(days=day):%Y-%m-%dT}" for day in range(settings.days)]

    def stamp(self, at: int) -> str:
        """Return an instant as RFC 3339 with milliseconds."""
        day, rest = divmod(at - self.start, DAY_MS)
        if not 0 <= day < self._days:
            return f"{to_datetime(at):%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"
        seconds, ms = divmod(rest, 1000)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"{self._dates[day]}{hour:02d}:{minute:02d}:{second:02d}.{ms:03d}Z"

    def contact_moment(self, random: Random) -> int:
        """Return a random instant at which a customer would call on their own accord."""
        day = int(random.random() * self._days)
        while random.random() > _WEEKDAY[(self._weekday + day) % 7]:
            day = int(random.random() * self._days)
        hour = _OPENS + bisect(_CUMULATIVE, random.random() * _CUMULATIVE[-1])
        return self.start + day * DAY_MS + int((min(hour, _CLOSES - 1) + random.random()) * HOUR_MS)

    def next_open(self, at: int, random: Random) -> int:
        """`at`, or a moment after opening when the centre is closed then."""
        day, rest = divmod(at - self.start, DAY_MS)
        hour = rest // HOUR_MS
        if _OPENS <= hour < _CLOSES:
            return at
        day += hour >= _CLOSES
        return self.start + day * DAY_MS + int((_OPENS + 3 * random.random()) * HOUR_MS)

    def mean_wait(self, at: int) -> float:
        """Mean speed of answer in seconds at an instant: long on Monday mornings, longest in an incident."""
        day, rest = divmod(at - self.start, DAY_MS)
        if day in self.incident_days:
            return _INCIDENT_WAIT_S
        weekday, hour = (self._weekday + day) % 7, rest // HOUR_MS
        if 8 <= hour < 11:
            return _PEAK_WAIT_S * (1.5 if weekday == 0 else 1.0)
        return _CALM_WAIT_S * (2.0 if weekday == 0 else 1.0)
