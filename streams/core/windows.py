"""Callable windows: when every zone that a customer may be in is open. Owns the way from hours by the clock to instants.

A window is half-open, in ms since the epoch. An instant is in one when the clock of each zone shows an hour that is open then: an hour
that a clock skips is in none, one that it shows twice is in both. Hours of a day are `hours`' own.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from streams.core.hours import Hours, hours_of
from streams.core.policy import Policy
from streams.core.zones import Zones

Window = tuple[int, int]
MOST: Final = 14
"""So many windows of a trigger are published: it stays small, and two weeks of days have no more."""
_DAY: Final = 86_400_000
_SECOND: Final = 1_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_REMEMBERED: Final = 10_000


def windows(
    at: int, until: int, country: str | None, purpose: str, zones: Zones, policy: Policy
) -> list[Window]:
    """Return when, from `at` to `until` (ms), all of the zones are open for this purpose: in order, apart, the first `MOST`."""
    found: list[Window] = []
    for number in range(at // _DAY, -(-until // _DAY)):
        for opens, closes in open_day(number, country, purpose, zones, policy):
            begins, ends = max(opens, at), min(closes, until)
            if begins >= ends:
                continue
            if (
                found and found[-1][1] == begins
            ):  # only midnight in UTC lies between, or the moment at which a clock is set
                found[-1] = found[-1][0], ends
            elif len(found) == MOST:
                return found
            else:
                found.append((begins, ends))
    return found


def open_day(
    number: int, country: str | None, purpose: str, zones: Zones, policy: Policy
) -> tuple[Window, ...]:
    """Return what of a day in UTC, counted from the epoch, is open in all of the zones; none of it without a zone."""
    known = policy.open_days
    key = number, country, purpose, zones
    if key not in known:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = _open_day(number, country, purpose, zones, policy) if zones else ()
    return known[key]


def _open_day(
    number: int, country: str | None, purpose: str, zones: Zones, policy: Policy
) -> tuple[Window, ...]:
    open_in_all = [(number * _DAY, (number + 1) * _DAY)]
    for zone in zones:
        here: list[Window] = []
        for ordinal in range(_EPOCH + number - 1, _EPOCH + number + 2):  # no clock is a day off
            day = date.fromordinal(ordinal)
            hours = hours_of(day, country, purpose, policy)
            if hours is not None:
                here += _instants(day, hours, zone)
        open_in_all = _both(open_in_all, sorted(here))
    return tuple(open_in_all)


def _both(some: list[Window], others: list[Window]) -> list[Window]:
    """Return what is in both; each is in order, and so is what comes out."""
    common = [
        (max(opens, other_opens), min(closes, other_closes))
        for opens, closes in some
        for other_opens, other_closes in others
    ]
    return [(opens, closes) for opens, closes in common if opens < closes]


def _instants(day: date, hours: Hours, zone: ZoneInfo) -> list[Window]:
    """Return when the clock of a zone shows these hours of that day: once, or in two parts where it is set within them."""
    midnight = (day.toordinal() - _EPOCH) * _DAY
    found = []
    for begins, ends, offset in _parts_of_day(day, zone):
        opens, closes = max(begins, midnight + hours[0] - offset), min(ends, midnight + hours[1] - offset)
        if opens < closes:
            found.append((opens, closes))
    return found


@lru_cache(4_096)
def _parts_of_day(day: date, zone: ZoneInfo) -> tuple[tuple[int, int, int], ...]:
    """Return what holds all of a day in a zone: from when, to when and the offset from UTC, in ms; two where the clock is set."""
    midnights = [datetime.combine(each, time()) for each in (day, day + timedelta(1))]
    begins = min(_seconds(midnights[0], zone, 0), _seconds(midnights[0], zone, 1))
    ends = max(_seconds(midnights[1], zone, 0), _seconds(midnights[1], zone, 1))
    before, after = _offset(begins, zone), _offset(ends - 1, zone)
    if before == after:
        return ((begins * _SECOND, ends * _SECOND, before * _SECOND),)
    low, high = begins, ends - 1  # the clock is set after the first, and not after the second
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return (
        (begins * _SECOND, high * _SECOND, before * _SECOND),
        (high * _SECOND, ends * _SECOND, after * _SECOND),
    )


def _seconds(clock: datetime, zone: ZoneInfo, fold: int) -> int:
    return round(clock.replace(tzinfo=zone, fold=fold).timestamp())


def _offset(at: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None  # a ZoneInfo always knows
    return round(offset.total_seconds())
