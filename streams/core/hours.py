"""Calling hours: the first instant at which a customer may be called, in the customer's own time zone."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from schemas.instants import ms_of, to_datetime
from streams.core.policy import Policy
from streams.core.policy_parts import CallingHours, Opening

STEP = timedelta(minutes=15)
MAX_STEPS = 14 * 24 * 4
_REMEMBERED = 10_000


def candidate_zones(time_zone: str | None, phone: str | None) -> tuple[ZoneInfo, ...]:
    """Return the zones that a customer may be in: the stated one, else every one of the number; none when unknown."""
    if time_zone is not None:
        zone = _zone(time_zone)
        return () if zone is None else (zone,)
    return () if phone is None else _zones_of_number(phone)


@cache
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@cache
def _zones_of_prefix(prefix: str) -> tuple[ZoneInfo, ...]:
    try:
        names = time_zones_for_number(phonenumbers.parse(prefix, None))
    except phonenumbers.NumberParseException:
        return ()
    zones = tuple(zone for zone in map(_zone, names) if zone is not None and zone.key != "Etc/Unknown")
    return zones if len(zones) == len(names) else ()


def _zones_of_number(phone: str) -> tuple[ZoneInfo, ...]:
    # The last four digits never decide the zone; without them a bounded cache holds no whole numbers.
    return _zones_of_prefix(phone[:-4] + "0000")


def first_open(at: int, country: str | None, zones: tuple[ZoneInfo, ...], policy: Policy) -> int | None:
    """Return the first quarter of an hour from `at` (ms) when every candidate zone is open; none within 14 days or without a zone."""
    if not zones:
        return None
    moment = to_datetime(at)
    if _all_open(moment, country, zones, policy):
        return at
    floor = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    known = policy.openings
    key = floor, country, zones
    if key not in known:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = _next_open(floor, country, zones, policy)
    return known[key]


def _next_open(
    after: datetime, country: str | None, zones: tuple[ZoneInfo, ...], policy: Policy
) -> int | None:
    """Return the first quarter of an hour after the one that begins at `after`: whoever is found at night is found often."""
    for steps in range(1, MAX_STEPS):
        moment = after + steps * STEP
        if _all_open(moment, country, zones, policy):
            return ms_of(moment)
    return None


def _all_open(moment: datetime, country: str | None, zones: tuple[ZoneInfo, ...], policy: Policy) -> bool:
    return all(_is_open(moment.astimezone(zone), country, policy) for zone in zones)


def _is_open(local: datetime, country: str | None, policy: Policy) -> bool:
    opening = _opening(local.date(), country, policy)
    return opening is not None and opening.opens <= local.time() < opening.closes


def _opening(day: date, country: str | None, policy: Policy) -> Opening | None:
    """Return the hours of a day, None when all of it is closed."""
    known = policy.opening_of
    key = day, country
    if key not in known:
        if len(known) >= _REMEMBERED:
            known.clear()
        hours = _hours_for(day, country, policy)
        known[key] = (
            None
            if hours is None or day in hours.closed_on
            else (hours.weekdays, hours.saturday, hours.sunday)[max(0, day.weekday() - 4)]
        )
    return known[key]


def _hours_for(day: date, country: str | None, policy: Policy) -> CallingHours | None:
    for wanted in (country, "*"):
        in_force = [h for h in policy.calling_hours if h.country == wanted and h.effective_from <= day]
        if in_force:
            return max(in_force, key=lambda hours: hours.effective_from)
    return None
