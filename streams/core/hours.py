"""Calling hours: from when to when a policy lets customers be called on a day, by the clock where they live."""

from datetime import date, time

from streams.core.holiday_calendar import holidays_of
from streams.core.policy import Policy
from streams.core.policy_parts import CallingHours

Hours = tuple[int, int]
"""From when to when, in ms after midnight as the clock shows them."""
_REMEMBERED = 10_000


def hours_of(day: date, country: str | None, purpose: str, policy: Policy) -> Hours | None:
    """Return the hours of a day for calls of that purpose; None when all of it is closed."""
    known = policy.hours_of
    key = day, country, purpose
    if key not in known:
        if len(known) >= _REMEMBERED:
            known.clear()
        rules = _rules_for(day, country, purpose, policy)
        known[key] = None if rules is None else _hours(day, rules)
    return known[key]


def _rules_for(day: date, country: str | None, purpose: str, policy: Policy) -> CallingHours | None:
    """Return the most specific entry in force: the country's before all countries', of these one of the purpose, of these the latest."""
    for wanted in (country, "*"):
        here = [h for h in policy.calling_hours if h.country == wanted and h.effective_from <= day]
        own = [h for h in here if h.purposes is not None and purpose in h.purposes]
        in_force = own or [h for h in here if h.purposes is None]
        if in_force:
            return max(in_force, key=lambda hours: hours.effective_from)
    return None


def _hours(day: date, rules: CallingHours) -> Hours | None:
    if day in rules.closed_on:
        return None
    opening = (rules.weekdays, rules.saturday, rules.sunday)[max(0, day.weekday() - 4)]
    if rules.holidays is not None and day in holidays_of(rules.holidays, day.year):
        opening = rules.holiday_hours
    opens, closes = _ms(opening.opens), _ms(opening.closes)
    for each in rules.shortened:
        if (each.month, each.day) == (day.month, day.day):
            closes = min(closes, _ms(each.closes))
    return (opens, closes) if opens < closes else None


def _ms(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1_000 + clock.microsecond // 1_000
