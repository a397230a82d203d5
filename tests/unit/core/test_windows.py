"""Callable windows as timelines: when a customer may be called, up to the end of the validity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from schemas.trigger import CallbackTrigger
from streams.core.windows import MOST, windows
from streams.core.zones import Zones, candidate_zones
from streams.policies import load_policy
from tests.builders import DAY, HOUR, START, Partition, ms, profile, survey
from tests.unit.core.test_hours import entry, policy

AMSTERDAM = (ZoneInfo("Europe/Amsterdam"),)
NEW_YORK, LOS_ANGELES = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")
DEFAULT = load_policy("default")


def told(
    at: str,
    hours: float,
    zones: Zones = AMSTERDAM,
    country: str | None = "NL",
    purpose: str = "save",
    rules: Any = DEFAULT,
) -> list[str]:
    """The windows of so many hours from `at`, as a clock in the first zone shows them."""
    begins = ms(at)
    found = windows(begins, begins + round(hours * HOUR), country, purpose, zones, rules)
    return [f"{shown(opens, zones[0])}-{shown(closes, zones[0])[4:]}" for opens, closes in found]


def shown(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime("%a %H:%M")


def test_from_now_over_a_sunday_to_the_end_of_the_validity_inside_a_window() -> None:
    friday = "2026-09-11T12:00+02:00"
    assert told(friday, 76) == ["Fri 12:00-22:00", "Sat 10:00-16:00", "Mon 09:00-16:00"]


def test_a_validity_that_ends_before_the_next_opening_has_no_window() -> None:
    assert told("2026-09-12T16:00+02:00", 40) == []
    assert told("2026-09-12T15:59:59+02:00", 41) == ["Sat 15:59-16:00"]
    assert told("2026-09-07T12:00+02:00", 0) == []
    assert told("2026-09-07T12:00+02:00", -24) == []


def test_an_instant_is_in_a_window_from_its_beginning_to_before_its_end() -> None:
    nine = ms("2026-09-08T09:00+02:00")
    assert windows(nine - HOUR, nine + DAY, "NL", "save", AMSTERDAM, DEFAULT) == [
        (nine, nine + 13 * HOUR),
    ]
    assert windows(nine + 13 * HOUR, nine + DAY, "NL", "save", AMSTERDAM, DEFAULT) == []
    assert windows(nine + 13 * HOUR - 1, nine + DAY, "NL", "save", AMSTERDAM, DEFAULT) == [
        (nine + 13 * HOUR - 1, nine + 13 * HOUR)
    ]


def test_christmas() -> None:
    assert told("2026-12-23T21:00+01:00", 144) == [
        "Wed 21:00-22:00",
        "Thu 09:00-18:00",
        "Mon 09:00-22:00",
        "Tue 09:00-21:00",
    ]


def test_remembrance_day_liberation_day_and_ascension() -> None:
    assert told("2027-05-03T20:00+02:00", 96) == ["Mon 20:00-22:00", "Tue 09:00-18:00", "Fri 09:00-20:00"]


@pytest.mark.parametrize(("sunday", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_the_clock_is_set_opens_by_the_clock(sunday: str, hours: int) -> None:
    """Of 23 and of 25 hours; a policy that is open on Sundays."""
    week = {"opens": "01:00", "closes": "22:00"}
    rules = policy(entry("*", "01:00-22:00", saturday=week, sunday=week))
    midnight = datetime.fromisoformat(sunday).replace(tzinfo=AMSTERDAM[0])
    found = windows(
        ms(midnight.isoformat()), ms(midnight.isoformat()) + hours * HOUR, None, "save", AMSTERDAM, rules
    )
    assert [(closes - opens) / HOUR for opens, closes in found] == [21 + hours - 24]
    assert told(f"{sunday}T00:00{midnight:%z}", hours, rules=rules) == ["Sun 01:00-22:00"]


def test_an_hour_that_the_clock_skips_is_never_and_one_that_it_shows_twice_is_twice() -> None:
    night = {"opens": "02:15", "closes": "02:45"}
    rules = policy(entry("*", "02:15-02:45", saturday=night, sunday=night))
    assert told("2026-03-28T12:00+01:00", 48, rules=rules) == ["Mon 02:15-02:45"]
    twice = told("2026-10-24T12:00+02:00", 24, rules=rules)
    assert twice == ["Sun 02:15-02:45", "Sun 02:15-02:45"]


def test_a_window_goes_on_where_the_clock_is_set_within_it() -> None:
    rules = policy(entry("*", "00:00-23:59", sunday={"opens": "02:30", "closes": "12:00"}))
    assert told("2026-10-25T00:00+02:00", 12, rules=rules) == ["Sun 02:30-02:00", "Sun 02:30-11:00"]
    assert told("2026-03-29T00:00+01:00", 11, rules=rules) == ["Sun 03:00-12:00"], (
        "it opens at half past two, which there is not"
    )


def test_midnight_in_utc_cuts_no_window() -> None:
    assert told("2026-09-07T12:00-07:00", 24, (LOS_ANGELES,), "US") == ["Mon 12:00-21:00", "Tue 08:00-12:00"]


def test_two_zones_must_both_be_open() -> None:
    assert told("2026-09-07T06:00-07:00", 24, (LOS_ANGELES, NEW_YORK), "US") == ["Mon 08:00-18:00"]
    assert told("2026-09-07T06:00-07:00", 24, (LOS_ANGELES,), "US") == ["Mon 08:00-21:00"]


def test_a_russian_number_without_a_zone_leaves_the_hours_of_all_of_russia() -> None:
    zones = candidate_zones(None, "+79161234567", "RU")
    by_moscow = sorted(zones, key=lambda zone: zone.key != "Europe/Moscow")
    found = told("2026-09-07T00:00+03:00", 48, tuple(by_moscow), "RU")
    assert found == ["Mon 09:00-11:00", "Tue 09:00-11:00"], "eight in the evening on Kamchatka"


def test_zones_that_are_never_open_together_and_no_zone_at_all() -> None:
    apart = (ZoneInfo("Europe/Amsterdam"), ZoneInfo("Pacific/Honolulu"))
    assert told("2026-09-07T12:00+02:00", 336, apart, None) == []
    assert windows(START, START + 14 * DAY, "NL", "save", (), DEFAULT) == []


def test_a_purpose_has_hours_of_its_own_from_a_date() -> None:
    rules = policy(
        entry("*", "10:00-20:00"),
        entry("NL", "08:00-22:00", since="2026-09-09", purposes=["requested_callback"]),
    )
    asked = told("2026-09-08T09:00+02:00", 36, purpose="requested_callback", rules=rules)
    assert asked == ["Tue 10:00-20:00", "Wed 08:00-21:00"]
    assert told("2026-09-08T09:00+02:00", 36, rules=rules) == ["Tue 10:00-20:00", "Wed 10:00-20:00"]


def test_the_first_fourteen_are_told() -> None:
    found = told("2026-09-07T12:00-07:00", 30 * 24, (LOS_ANGELES,), "US")
    assert len(found) == MOST == 14
    assert (found[0], found[-1]) == ("Mon 12:00-21:00", "Sun 08:00-21:00")


def asked(at: int, **who: Any) -> dict[str, Any]:
    """The trigger of a callback that a customer of this profile asks for."""
    partition = Partition(DEFAULT)
    partition.feed(profile(at - HOUR, **who), survey(at, callback_requested=True, csat=1))
    trigger = partition.triggers()[-1]
    assert CallbackTrigger.model_validate_json(orjson.dumps(trigger))
    assert trigger["not_before"] == (trigger["callable"] or [[trigger["expires_at"]]])[0][0]
    return trigger


@pytest.mark.parametrize(
    "who",
    [
        {"time_zone": "Europe/Amsterdam", "country_code": "NL"},
        {"phone_e164": "+31201234567", "country_code": "NL"},
        {"country_code": "NL"},  # without a number the hours are the country's
    ],
)
def test_a_trigger_of_a_sunday_says_when_it_may_be_called(who: dict[str, str]) -> None:
    sunday = ms("2026-09-13T12:00+02:00")
    trigger = asked(sunday, **who)
    assert ms(trigger["not_before"]) == ms("2026-09-14T09:00+02:00")
    assert ms(trigger["expires_at"]) == sunday + 168 * HOUR
    assert [(ms(closes) - ms(opens)) / HOUR for opens, closes in trigger["callable"]] == [13] * 5 + [6]


def test_where_nobody_can_tell_when_it_is_day_there_is_no_window() -> None:
    trigger = asked(START)
    assert trigger["callable"] == []
    assert trigger["not_before"] == trigger["expires_at"]


def test_a_request_that_is_known_too_late_has_no_window() -> None:
    partition = Partition(DEFAULT)
    partition.feed(
        profile(START - HOUR, time_zone="Europe/Amsterdam", country_code="NL"),
        survey(START + 30 * DAY, csat=5, customer_id="c2"),
        survey(START, callback_requested=True, csat=1),
    )
    [late] = partition.triggers()
    assert (late["status"], late["callable"]) == ("expired", [])


def test_the_longest_trigger_with_all_its_windows_stays_small() -> None:
    trigger = asked(
        START + 123, time_zone="America/Los_Angeles", country_code="US", phone_e164="+12125550123"
    )
    since = [datetime.fromtimestamp((START + 123 + number * DAY) / 1000, UTC) for number in range(14)]
    long = "x" * 200
    most = trigger | {
        "callable": [[begins, begins.replace(microsecond=456_000)] for begins in since],
        "trigger_id": long,
        "drivers": [
            {"signal": "x" * 128, "value": 1 / 3, "contribution": -1 / 3, "evidence": long} for _ in range(3)
        ],
        "customer_id": "x" * 128,
        "cause_event_id": "x" * 128,
        "skill": "x" * 64,
        "reason_code": "x" * 64,
        "status_reason": "x" * 64,
        "policy": long,
    }
    written = orjson.dumps(most, option=orjson.OPT_UTC_Z)
    assert CallbackTrigger.model_validate_json(written).callable is not None
    assert len(written) <= 4_096
