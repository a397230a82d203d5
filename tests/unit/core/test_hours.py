"""Calling hours of a day: which entry of a policy holds, holidays, and days that close earlier."""

from datetime import date
from typing import Any

import pytest

from streams.core.hours import hours_of
from streams.core.policy import Policy
from streams.policies import load_policy
from tests.builders import default_policy

NINE_TO_FIVE = {"opens": "09:00", "closes": "17:00"}
CLOSED = {"opens": "00:00", "closes": "00:00"}


def entry(country: str, weekdays: str, since: str = "2020-01-01", **more: Any) -> dict[str, Any]:
    opens, closes = weekdays.split("-")
    day = {"opens": opens, "closes": closes}
    return {
        "country": country,
        "effective_from": since,
        "weekdays": day,
        "saturday": NINE_TO_FIVE,
        "sunday": CLOSED,
        "source": "test",
    } | more


def policy(*entries: dict[str, Any]) -> Policy:
    return Policy.model_validate(default_policy().model_dump() | {"calling_hours": entries})


def shown(day: str, rules: Policy, country: str | None = "NL", purpose: str = "save") -> str:
    """The hours of a day, as 9-22, or closed."""
    hours = hours_of(date.fromisoformat(day), country, purpose, rules)
    return "closed" if hours is None else "-".join(f"{each / 3_600_000:g}" for each in hours)


SPECIFIC = policy(
    entry("*", "10:00-20:00"),
    entry("*", "11:00-19:00", purposes=["save", "incident"]),
    entry("NL", "09:00-21:00"),
    entry("NL", "09:30-18:00", since="2026-10-01"),
    entry("NL", "08:00-22:00", since="2026-09-01", purposes=["requested_callback"]),
    entry("NL", "07:00-22:00", since="2026-09-15", purposes=["requested_callback"]),
)


@pytest.mark.parametrize(
    ("day", "country", "purpose", "expected"),
    [
        ("2026-09-14", "NL", "requested_callback", "8-22"),  # country and purpose
        ("2026-09-15", "NL", "requested_callback", "7-22"),  # of these the latest that has begun
        ("2026-08-31", "NL", "requested_callback", "9-21"),  # none has begun: the country's for every purpose
        ("2026-10-01", "NL", "requested_callback", "7-22"),  # which has a newer one, and is less specific
        ("2026-10-01", "NL", "save", "9.5-18"),  # the country before all countries with the purpose
        ("2026-09-30", "NL", "save", "9-21"),
        ("2026-09-14", "BE", "save", "11-19"),  # all countries, with the purpose
        ("2026-09-14", "BE", "service_recovery", "10-20"),
        ("2026-09-14", None, "save", "11-19"),
        ("2019-12-31", "NL", "save", "closed"),  # before any
    ],
)
def test_the_most_specific_entry_holds_then_the_latest(
    day: str, country: str | None, purpose: str, expected: str
) -> None:
    assert shown(day, SPECIFIC, country, purpose) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2027-03-26", "closed"),  # Good Friday, as the library has it
        ("2027-03-29", "closed"),  # Easter Monday
        ("2027-04-27", "closed"),  # the King's birthday
        ("2032-04-27", "closed"),  # without anybody writing the date
        ("2027-05-03", "9-22"),
        ("2027-05-04", "9-18"),  # a Tuesday evening that belongs to the dead
        ("2027-05-05", "closed"),  # Liberation Day
        ("2027-05-06", "closed"),  # Ascension
        ("2030-05-04", "10-16"),  # a Saturday, which closes earlier anyway
        ("2026-12-24", "9-18"),
        ("2026-12-25", "closed"),
        ("2026-12-26", "closed"),  # a Saturday
        ("2026-12-27", "closed"),  # a Sunday
        ("2026-12-28", "9-22"),
    ],
)
def test_the_netherlands_by_the_default_policy(day: str, expected: str) -> None:
    assert shown(day, load_policy("default")) == expected


def test_the_default_policy_is_open_on_no_day_that_was_closed_by_hand_before() -> None:
    """Those of version 1, whose 4 May was closed all day for its evening."""
    days = ["2026-12-25", "2026-12-26", "2027-01-01", "2027-03-29", "2027-04-27", "2027-05-05", "2027-05-06"]
    assert {shown(day, load_policy("default")) for day in (*days, "2027-05-17")} == {"closed"}


def test_a_holiday_may_have_hours_of_its_own_and_a_part_of_a_country_holidays() -> None:
    rules = policy(
        entry("*", "10:00-20:00"),
        entry("NL", "09:00-21:00", holidays="NL", holiday_hours={"opens": "12:00", "closes": "16:00"}),
        entry("DE", "09:00-21:00", holidays="DE-BY"),
        entry("BE", "09:00-21:00", holidays="BE", closed_on=["2026-11-12"]),
    )
    assert shown("2026-04-27", rules) == "12-16"
    assert shown("2026-04-05", rules) == "12-16", "Easter, though it is a Sunday"
    assert shown("2027-01-06", rules, "DE") == "closed", "Epiphany, in Bavaria"
    assert shown("2026-11-11", rules, "BE") == "closed"
    assert shown("2026-11-12", rules, "BE") == "closed", "a date of one's own"
    assert shown("2026-11-13", rules, "BE") == "9-21"


def test_a_year_of_which_the_library_knows_nothing_has_no_holidays() -> None:
    assert shown("2600-12-25", load_policy("default")) == "9-22"


def test_a_policy_that_says_nothing_new_keeps_its_label() -> None:
    """Workers of two versions that share a policy of one's own say the same of it; this one is as 0.2 reads it."""
    assert default_policy().label == "timelines/1@af128982"
    hours = entry("*", "10:00-20:00", purposes=None, holidays=None, shortened=[], holiday_hours=CLOSED)
    assert policy(hours).label == policy(entry("*", "10:00-20:00")).label
    assert policy(entry("*", "10:00-20:00", holidays="NL")).label != policy(entry("*", "10:00-20:00")).label


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"purposes": ["sav"]}, "unknown purpose 'sav'; known: requested_callback, save"),
        ({"purposes": []}, "at least 1 item"),
        ({"holidays": "XX"}, "no holidays are known of XX"),
        ({"holidays": "NL-XX"}, "no holidays are known of NL-XX; of NL: NL, NL-Midden"),
        ({"holidays": "NLD"}, "a country has two letters"),
        (
            {"shortened": [{"month": 2, "day": 30, "closes": "18:00", "source": "test"}]},
            "no year has a day 30 in month 2",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        policy(entry("*", "10:00-20:00"), entry("NL", "10:00-20:00", **more))
