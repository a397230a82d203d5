"""How long somebody could have been called: hours of calling since a callback was asked for."""

import pytest

from streams.core.callable_time import waited as callable_ms
from streams.core.callable_time import waiting
from streams.core.state import decode
from tests.builders import HOUR, Partition, cancellation, default_policy, ms, profile, survey

WHERE = {"country_code": "NL", "time_zone": "Europe/Amsterdam", "phone_e164": "+31201234567"}
MONDAY = ms("2026-09-07T08:00+02:00")


def waited(asked: str, now: str, **more: object) -> float:
    """Hours, of a Dutch customer who asked for a callback then."""
    partition = Partition()
    partition.feed(profile(MONDAY, **(WHERE | more)), survey(ms(asked), callback_requested=True, csat=1))
    wait = waiting(decode(partition.states["c1"]), partition.policy)
    return 0.0 if wait is None else callable_ms(wait, ms(now), partition.policy) / HOUR


@pytest.mark.parametrize(
    ("asked", "now", "hours"),
    [
        ("2026-09-08T10:05+02:00", "2026-09-08T12:20+02:00", 2.25),  # a Tuesday, within the hours
        ("2026-09-08T06:00+02:00", "2026-09-08T09:30+02:00", 0.5),  # before they begin
        ("2026-09-08T21:00+02:00", "2026-09-09T10:00+02:00", 2.0),  # over a night
        (
            "2026-09-12T23:00+02:00",
            "2026-09-14T08:59+02:00",
            0.0,
        ),  # Saturday night, looked at on Monday before nine
        ("2026-09-12T23:00+02:00", "2026-09-14T13:00+02:00", 4.0),
        ("2026-10-24T23:00+02:00", "2026-10-26T10:00+01:00", 1.0),  # the clock goes back that Sunday
        ("2026-09-08T10:00+02:00", "2026-09-15T10:00+02:00", 0.0),  # a week later the request has expired
    ],
)
def test_only_hours_of_calling_count(asked: str, now: str, hours: float) -> None:
    assert waited(asked, now) == hours


def test_who_may_not_be_called_does_not_wait() -> None:
    asked, now = "2026-09-08T10:00+02:00", "2026-09-08T20:00+02:00"
    assert waited(asked, now) == 10
    assert waited(asked, now, do_not_call=True) == 0
    assert waited(asked, now, phone_e164=None) == 0, "there is no number"
    assert waited(asked, now, time_zone=None, phone_e164="+881012345678", country_code="XX") == 0, (
        "nobody knows when it is day there"
    )


def test_a_confirmed_cancellation_ends_the_wait() -> None:
    partition, asked = Partition(), ms("2026-09-08T10:00+02:00")
    partition.feed(
        profile(MONDAY, **WHERE),
        survey(asked, callback_requested=True, csat=1),
        cancellation(asked + HOUR, "confirmed"),
    )
    assert waiting(decode(partition.states["c1"]), default_policy()) is None
