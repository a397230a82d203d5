"""The zones that a customer may be in: the stated one, else the number's, else the country's; never silently none."""

from zoneinfo import ZoneInfo

import pytest

from streams.core.windows import windows
from streams.core.zones import _names_by_country, candidate_zones
from tests.builders import DAY, default_policy, ms

AMSTERDAM = (ZoneInfo("Europe/Amsterdam"),)
NEW_YORK, LOS_ANGELES, GUAM = map(ZoneInfo, ("America/New_York", "America/Los_Angeles", "Pacific/Guam"))
MOSCOW, ALMATY = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Almaty")
TOLL_FREE, RUSSIAN = "+18005550123", "+79161234567"
UNKNOWN_NUMBER = "+9991234567"


def test_the_stated_zone_counts_before_number_and_country() -> None:
    assert candidate_zones("America/New_York", "+31201234567", "NL") == (NEW_YORK,)


def test_without_one_every_zone_of_the_number() -> None:
    assert candidate_zones(None, "+31201234567", "US") == AMSTERDAM
    assert {NEW_YORK, LOS_ANGELES, GUAM} <= set(candidate_zones(None, TOLL_FREE, None))
    assert {MOSCOW, ALMATY} <= set(candidate_zones(None, RUSSIAN, None))


def test_of_several_zones_of_a_number_a_country_leaves_its_own() -> None:
    american = candidate_zones(None, TOLL_FREE, "US")
    assert {NEW_YORK, LOS_ANGELES} <= set(american)
    assert GUAM not in american
    assert ALMATY not in candidate_zones(None, RUSSIAN, "RU")
    assert set(candidate_zones(None, RUSSIAN, "NL")) == set(candidate_zones(None, RUSSIAN, None))


@pytest.mark.parametrize("zone", [None, "Mars/Olympus", "../../etc/passwd", "Europe"])
def test_a_zone_that_is_not_known_is_as_none(zone: str | None) -> None:
    """Profiles of before may have one; a new profile with one is refused."""
    assert candidate_zones(zone, "+31201234567", None) == AMSTERDAM
    assert candidate_zones(zone, None, "NL") == AMSTERDAM
    assert candidate_zones(zone, UNKNOWN_NUMBER, "NL") == AMSTERDAM
    assert candidate_zones(zone, None, None) == ()
    assert candidate_zones(zone, UNKNOWN_NUMBER, None) == ()


def test_a_country_of_many_zones_has_all_of_them() -> None:
    assert {NEW_YORK, LOS_ANGELES, ZoneInfo("Pacific/Honolulu")} <= set(candidate_zones(None, None, "US"))
    assert candidate_zones(None, None, "XX") == ()


def test_a_country_alone_leaves_hours_everywhere_but_on_antarctica() -> None:
    policy, monday = default_policy(), ms("2026-09-07T00:00Z")
    never = [
        country
        for country in _names_by_country()
        if not windows(
            monday, monday + 7 * DAY, country, "save", candidate_zones(None, None, country), policy
        )
    ]
    assert never == ["AQ"]
