"""Calling hours: `not_before` is an open hour where the customer lives; unknown means closed."""

from zoneinfo import ZoneInfo

import pytest

from streams.core.hours import candidate_zones, first_open
from tests.builders import HOUR, START, Partition, default_policy, ms, profile, survey

AMSTERDAM = (ZoneInfo("Europe/Amsterdam"),)
NEW_YORK, LOS_ANGELES = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")


def opens(at: str, country: str | None, zones: tuple[ZoneInfo, ...]) -> int | None:
    return first_open(ms(at), country, zones, default_policy())


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-09-07T12:00:00.123+02:00", "2026-09-07T12:00:00.123+02:00"),  # Monday noon: at once
        ("2026-09-07T06:10+02:00", "2026-09-07T09:00+02:00"),  # before nine
        ("2026-09-07T21:59:59+02:00", "2026-09-07T21:59:59+02:00"),  # the last second
        ("2026-09-07T22:00+02:00", "2026-09-08T09:00+02:00"),  # after ten in the evening
        ("2026-09-12T16:00+02:00", "2026-09-14T09:00+02:00"),  # Saturday at four: Monday
        ("2026-09-13T12:00+02:00", "2026-09-14T09:00+02:00"),  # Sunday: Monday
        ("2026-12-24T23:00+01:00", "2026-12-28T09:00+01:00"),  # Christmas, a closed Saturday, a Sunday
        ("2026-10-24T17:00+02:00", "2026-10-26T09:00+01:00"),  # the clock goes back that Sunday
    ],
)
def test_the_netherlands(at: str, expected: str) -> None:
    assert opens(at, "NL", AMSTERDAM) == ms(expected)


def test_every_zone_that_it_may_be_must_be_open() -> None:
    early = "2026-09-07T13:00+00:00"  # nine in New York, six in Los Angeles
    assert opens(early, "US", (NEW_YORK,)) == ms(early)
    assert opens(early, "US", (NEW_YORK, LOS_ANGELES)) == ms("2026-09-07T15:00+00:00")


def test_another_country_has_the_cautious_hours() -> None:
    assert opens("2026-09-07T20:30+02:00", "BE", AMSTERDAM) == ms("2026-09-08T09:00+02:00")
    assert opens("2026-09-07T20:30+02:00", None, AMSTERDAM) == ms("2026-09-08T09:00+02:00")


def test_zones_that_are_never_open_together_and_no_zone_at_all() -> None:
    assert opens("2026-09-07T12:00+00:00", "US", ()) is None
    # Nine to eight in Amsterdam is nine in the evening to eight in the morning in Honolulu.
    apart = (ZoneInfo("Europe/Amsterdam"), ZoneInfo("Pacific/Honolulu"))
    assert opens("2026-09-07T12:00+00:00", None, apart) is None


def test_the_stated_zone_counts_else_every_zone_of_the_number() -> None:
    assert candidate_zones("America/New_York", "+31201234567") == (NEW_YORK,)
    assert candidate_zones(None, "+31201234567") == AMSTERDAM
    assert {NEW_YORK, LOS_ANGELES} <= set(candidate_zones(None, "+18005550123"))


@pytest.mark.parametrize(
    ("zone", "phone"),
    [
        ("Mars/Olympus", "+31201234567"),
        ("../../etc/passwd", None),
        ("Europe", None),
        (None, None),
        (None, "+9991234567"),
    ],
)
def test_what_is_unknown_has_no_zone(zone: str | None, phone: str | None) -> None:
    assert candidate_zones(zone, phone) == ()


@pytest.mark.parametrize(
    ("fields", "not_before"),
    [
        ({"time_zone": "Europe/Amsterdam", "country_code": "NL"}, "2026-09-14T09:00+02:00"),
        ({"phone_e164": "+31201234567", "country_code": "NL"}, "2026-09-14T09:00+02:00"),
        ({"time_zone": "Mars/Olympus", "country_code": "NL"}, None),
        ({}, None),
    ],
)
def test_a_trigger_of_a_sunday_waits_for_monday_or_for_good(
    fields: dict[str, str], not_before: str | None
) -> None:
    sunday = ms("2026-09-13T12:00+02:00")
    partition = Partition()
    partition.feed(profile(START, **fields), survey(sunday, callback_requested=True))
    trigger = partition.triggers()[-1]
    assert ms(trigger["expires_at"]) == sunday + 168 * HOUR
    assert ms(trigger["not_before"]) == ms(not_before or trigger["expires_at"])
