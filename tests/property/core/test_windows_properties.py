"""Windows agree with a plain walk by quarters of an hour, which looks at the clock of each zone, wherever and whenever that is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, get_args
from zoneinfo import ZoneInfo, available_timezones

from holidays import country_holidays
from hypothesis import example, given
from hypothesis import strategies as some

from schemas.instants import ms_of, to_datetime
from schemas.trigger import Purpose
from streams.core.policy import Policy
from streams.core.windows import MOST, windows
from tests.builders import DAY, default_policy, ms

QUARTER = 900_000
ZONES = sorted(available_timezones() - {"Factory", "localtime"})
clocks = some.times().map(lambda clock: clock.replace(microsecond=0)) | some.sampled_from(
    [time(0), time(0, 30), time(1), time(2, 15), time(3), time(9), time(12), time(22), time(23, 59)]
)
openings = some.tuples(clocks, clocks).map(lambda pair: {"opens": min(pair), "closes": max(pair)})
days = some.dates(date(2026, 9, 1), date(2027, 6, 30))
purposes = some.sampled_from(get_args(Purpose))
shortened = some.fixed_dictionaries(
    {
        "month": some.integers(1, 12),
        "day": some.integers(1, 28),
        "closes": clocks,
        "source": some.just("test"),
    }
)


def entries(country: str) -> some.SearchStrategy[dict[str, Any]]:
    return some.fixed_dictionaries(
        {
            "country": some.just(country),
            "effective_from": some.just(date(2000, 1, 1)) | days,
            "weekdays": openings,
            "saturday": openings,
            "sunday": openings,
            "closed_on": some.lists(days, max_size=3),
            "source": some.just("test"),
        },
        optional={
            "purposes": some.lists(purposes, min_size=1, max_size=2),
            "holidays": some.just("NL"),
            "holiday_hours": openings,
            "shortened": some.lists(shortened, max_size=3),
        },
    )


EVERYWHERE = {
    "country": "*",
    "effective_from": date(2000, 1, 1),
    "weekdays": {"opens": time(9), "closes": time(20)},
    "saturday": {"opens": time(10), "closes": time(16)},
    "sunday": {"opens": time(0), "closes": time(0)},
    "source": "test",
}
policies = some.lists(entries("NL") | entries("*"), max_size=4).map(
    lambda each: Policy.model_validate(default_policy().model_dump() | {"calling_hours": [EVERYWHERE, *each]})
)
instants = some.datetimes(datetime(2026, 9, 1), datetime(2027, 6, 30)).map(  # noqa: DTZ001
    lambda at: ms_of(at.replace(tzinfo=UTC))
)


@cache
def dutch_holidays(year: int) -> frozenset[date]:
    return frozenset(country_holidays("NL", years=year, expand=False))


def is_open(local: datetime, country: str | None, purpose: str, policy: Policy) -> bool:
    """Whether a clock that shows this is within the hours: every rule that may hold is looked at each time."""
    day, clock = local.date(), local.time()
    in_force = [
        (each.country != "*", each.purposes is not None, each.effective_from, -number, each)
        for number, each in enumerate(policy.calling_hours)
        if each.country in (country, "*") and each.effective_from <= day
        if each.purposes is None or purpose in each.purposes
    ]
    if not in_force:
        return False
    rules = max(in_force)[-1]
    if day in rules.closed_on:
        return False
    kind = {5: rules.saturday, 6: rules.sunday}.get(day.weekday(), rules.weekdays)
    hours = rules.holiday_hours if rules.holidays and day in dutch_holidays(day.year) else kind
    ends = [each.closes for each in rules.shortened if (each.month, each.day) == (day.month, day.day)]
    return hours.opens <= clock < hours.closes and all(clock < end for end in ends)


def walked(
    at: int, until: int, country: str | None, purpose: str, zones: list[ZoneInfo], policy: Policy
) -> list[tuple[int, bool]]:
    return [
        (
            each,
            all(is_open(to_datetime(each).astimezone(zone), country, purpose, policy) for zone in zones),
        )
        for each in range(at, until, QUARTER)
    ]


@given(
    instants,
    some.integers(0, 5 * DAY),
    some.none() | some.sampled_from(["NL", "US"]),
    purposes,
    some.lists(some.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    policies,
)
@example(
    ms("2027-03-27T12:00Z"), 3 * DAY, None, "save", ["Europe/Amsterdam", "Africa/Cairo"], default_policy()
)
@example(
    ms("2026-10-30T01:00Z"),
    3 * DAY,
    None,
    "save",
    ["America/Havana", "Australia/Lord_Howe"],
    default_policy(),
)
def test_windows_agree_with_a_walk_by_quarters(
    at: int, lasts: int, country: str | None, purpose: str, names: list[str], policy: Policy
) -> None:
    zones = [ZoneInfo(name) for name in names]
    found = windows(at, at + lasts, country, purpose, tuple(zones), policy)
    assert all(opens < closes for opens, closes in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert all(at <= opens and closes <= at + lasts for opens, closes in found)
    by_walk = walked(at, at + lasts, country, purpose, zones, policy)
    told_until = at + lasts if len(found) < MOST else found[-1][1]
    told = [(each, is_it) for each, is_it in by_walk if each < told_until]
    assert [any(opens <= each < closes for opens, closes in found) for each, _ in told] == [
        is_it for _, is_it in told
    ]


@given(some.sampled_from(ZONES), some.integers(1971, 2100), some.integers(0, 365), openings)
@example("America/St_Johns", 2006, 301, {"opens": time(0), "closes": time(0, 30)})
@example("America/St_Johns", 2006, 300, {"opens": time(23, 30), "closes": time(23, 59)})
@example("Pacific/Apia", 2011, 363, {"opens": time(9), "closes": time(20)})
@example("Africa/Cairo", 2026, 113, {"opens": time(0), "closes": time(2)})
def test_any_day_of_any_zone_opens_and_closes_by_its_clock(
    name: str, year: int, of_year: int, opening: dict[str, time]
) -> None:
    entry = EVERYWHERE | dict.fromkeys(("weekdays", "saturday", "sunday"), opening)
    entry["effective_from"] = date(1970, 1, 1)
    policy = Policy.model_validate(default_policy().model_dump() | {"calling_hours": [entry]})
    at = ms_of(datetime(year, 1, 1, tzinfo=UTC) + timedelta(of_year - 1))
    zones = [ZoneInfo(name)]
    found = windows(at, at + 3 * DAY, None, "save", tuple(zones), policy)
    for each, is_it in walked(at, at + 3 * DAY, None, "save", zones, policy):
        assert any(opens <= each < closes for opens, closes in found) == is_it, to_datetime(each)
