"""A desk's rules as flat numbers, made once from the policy: what the life of a trigger asks. Times in ms.

Owns no number: each comes from the policy. The calendar of staffed hours is in the desk's own time zone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import to_datetime

QUARTER: Final = 900_000
"""A quarter of an hour; they are counted from the epoch, so that every zone has them at its full hours."""
Mode = Literal["shadow", "limited", "live"]


class Staffed(NamedTuple):
    """Hours of some days of the week in which so many attempts may begin in each quarter. Minutes of the local day."""

    weekdays: frozenset[int]
    """0 is Monday."""
    opens: int
    closes: int
    attempts: int


class SkillRules(NamedTuple):
    """One skill of the desk."""

    mode: Mode
    """With which it begins; commands change it."""
    calendar: tuple[Staffed, ...]
    zone: ZoneInfo
    most_outstanding: int
    most_a_day: int = 0
    """In mode `limited`."""

    def ceiling(self, quarter: int) -> int:
        """Return how many attempts may begin in a quarter of an hour since the epoch."""
        local = self._local(quarter)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        return sum(
            each.attempts
            for each in self.calendar
            if day in each.weekdays and each.opens <= minute < each.closes
        )

    def day(self, quarter: int) -> int:
        """Return the number of the local day."""
        return self._local(quarter).toordinal()

    def _local(self, quarter: int) -> datetime:
        return to_datetime(quarter * QUARTER).astimezone(self.zone)


class ReleaseRules(NamedTuple):
    """All that one desk goes by."""

    skills: Mapping[str, SkillRules]
    retry_after: Mapping[str, int]
    """By disposition: the next attempt comes after so long; where there is none, after the trigger's own delay."""
    classes: Mapping[str, int]
    """By purpose: a lower class goes out first."""
    escalating: frozenset[str]
    """The purposes that escalate once when they are due."""
    lease: int = 300_000
    grace: int = 30_000
    """After a lease, for an outcome that is under way."""
    hand_over: int = 14_400_000
    """After so long a call of which nothing came back is given up."""
    request: int = 120_000
    """For so long an answer to a request to stop is waited for."""
    contact: int = 3_600_000
    """A contact in progress holds calls back for so long at most."""
    stale_after: int = 300_000
    command_ttl: int = 60_000
    answers_kept: int = 86_400_000
    refusals_kept: int = 180_000
    ended_kept: int = 45 * 86_400_000
    tolerance: int = 300_000
    """A tick further ahead of the brokers' own time of its record is ignored."""
    needs_number: bool = True
    """Without a telephone number nothing goes out; False where whoever dials knows the numbers."""
