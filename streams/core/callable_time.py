"""How long somebody could have been called: the time that passed, in the hours of calling only. The hours are `windows`' own."""

from typing import NamedTuple

from schemas.trigger import Purpose
from streams.core.barred import barred_by
from streams.core.episodes import HOUR
from streams.core.policy import Policy
from streams.core.state import State
from streams.core.windows import open_day
from streams.core.zones import Zones, candidate_zones

_DAY = 24 * HOUR
_PURPOSE: Purpose = "requested_callback"


class Waiting(NamedTuple):
    """A callback that was asked for and can be given. Times are ms since the epoch."""

    since: int
    until: int
    """Afterwards the policy takes it for expired, and no dialer is asked any more."""
    country: str | None
    zones: Zones


def waiting(state: State, policy: Policy) -> Waiting | None:
    """Return what a customer waits for; None where nothing was asked for, where the customer may not be
    called, and where no number is known."""
    if not state.request_open or barred_by(state) is not None:
        return None
    profile = state.profile()
    country, phone = profile.get("country_code"), profile.get("phone_e164")
    if phone is None:
        return None
    until = state.requested_at + int(policy.purposes[_PURPOSE].valid_hours * HOUR)
    zones = candidate_zones(profile.get("time_zone"), phone, country)
    return Waiting(state.requested_at, until, country, zones)


def waited(wait: Waiting, now: int, policy: Policy) -> int:
    """Return for how many ms up to `now` the customer could have been called; 0 once the request has expired."""
    if now >= wait.until:
        return 0
    passed = 0
    for number in range(wait.since // _DAY, now // _DAY + 1):
        for opens, closes in open_day(number, wait.country, _PURPOSE, wait.zones, policy):
            passed += max(0, min(closes, now) - max(opens, wait.since))
    return passed
