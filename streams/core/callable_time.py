"""How long somebody could have been called: the time that passed, in the hours of calling only.

Owns that sum, day by day (UTC) in quarters of an hour, each open or closed as a whole. Opening hours are `hours`' own.
"""

from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from streams.core.barred import barred_by
from streams.core.episodes import HOUR
from streams.core.hours import candidate_zones, first_open
from streams.core.policy import Policy
from streams.core.state import State

_QUARTER: Final = 900_000
_DAY: Final = 96 * _QUARTER
_DAYS_REMEMBERED: Final = 4_096


class Waiting(NamedTuple):
    """A callback that was asked for and can be given. Times are ms since the epoch."""

    since: int
    until: int
    """Afterwards the policy takes it for expired, and no dialer is asked any more."""
    country: str | None
    zones: tuple[ZoneInfo, ...]


def waiting(state: State, policy: Policy) -> Waiting | None:
    """Return what a customer waits for; None where nothing was asked for, or where the customer may not be called."""
    if not state.request_open or barred_by(state) is not None:
        return None
    profile = state.profile()
    until = state.requested_at + int(policy.purposes["requested_callback"].valid_hours * HOUR)
    zones = candidate_zones(profile.get("time_zone"), profile.get("phone_e164"))
    return Waiting(state.requested_at, until, profile.get("country_code"), zones)


class CallableTime:
    """Of one policy; remembers the days that it has looked at."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._day = lru_cache(_DAYS_REMEMBERED)(self._quarters)

    def waited(self, wait: Waiting, now: int) -> int:
        """Return for how many ms up to `now` the customer could have been called; 0 once the request has expired."""
        if now >= wait.until:
            return 0
        return (
            self._until(wait, now)
            - self._until(wait, wait.since)
            + self._days(wait, wait.since // _DAY, now // _DAY)
        )

    def _days(self, wait: Waiting, first: int, end: int) -> int:
        return sum(self._day(day, wait.country, wait.zones)[-1] for day in range(first, end))

    def _until(self, wait: Waiting, at: int) -> int:
        """Return the open ms of the day of `at`, up to there."""
        number, of_day = divmod(at, _DAY)
        quarter, rest = divmod(of_day, _QUARTER)
        sums = self._day(number, wait.country, wait.zones)
        return sums[quarter] + (rest if sums[quarter + 1] > sums[quarter] else 0)

    def _quarters(self, day: int, country: str | None, zones: tuple[ZoneInfo, ...]) -> tuple[int, ...]:
        """Return the open ms of a day before each of its quarters, and of all of it."""
        sums, begins = [0], day * _DAY
        for quarter in range(96):
            at = begins + quarter * _QUARTER
            is_open = first_open(at, country, zones, self._policy) == at
            sums.append(sums[-1] + (_QUARTER if is_open else 0))
        return tuple(sums)
