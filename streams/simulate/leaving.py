"""The steps of a customer who leaves, from asking about it to the end, and of one who only asks."""

from __future__ import annotations

from random import Random

from schemas import topics
from streams.simulate.calendar import Calendar
from streams.simulate.causes import HABITS, Cause
from streams.simulate.contacts import Contacts
from streams.simulate.journal import Journal
from streams.simulate.settings import DAY_MS

_NOTICE_MS = 30 * DAY_MS
_SWITCHED = 0.35
"""Of those who go to a competitor: the new provider cancels for them, so that nothing is heard before."""


def leave(
    cause: Cause, journal: Journal, contacts: Contacts, calendar: Calendar, random: Random
) -> int | None:
    """Let the customer decide to leave at `cause.decides`.

    Returns when it was confirmed, or None when it was withdrawn.
    """
    stated = HABITS[cause.kind].stated
    reason = "unknown" if random.random() < 0.12 else stated[int(random.random() * len(stated))]
    if cause.kind == "competitor_offer" and random.random() < _SWITCHED:
        at = calendar.next_open(cause.decides, random)
        _step(journal, calendar, at, "confirmed", reason, at + _NOTICE_MS)
        return at
    at = calendar.next_open(cause.decides, random)
    if random.random() < 0.4:
        _step(journal, calendar, at, "inquiry", "unknown", None)
        at = calendar.next_open(at + int((0.2 + random.expovariate(1 / 4)) * DAY_MS), random)
    if random.random() < 0.7:
        contacts.contact(
            at - 600_000, "cancellation", solved=0.3, unhappy=cause.severity, intent=0.9, surveyed=0.1
        )
    requested = at + 60_000
    _step(journal, calendar, requested, "requested", reason, requested + _NOTICE_MS)
    later = requested + int((1 + random.expovariate(1 / 4)) * DAY_MS)
    if random.random() < 0.14:
        _step(journal, calendar, calendar.next_open(later, random), "withdrawn", reason, None)
        return None
    confirmed = calendar.next_open(later + 2 * DAY_MS, random)
    _step(journal, calendar, confirmed, "confirmed", reason, requested + _NOTICE_MS)
    return confirmed


def only_ask(journal: Journal, calendar: Calendar, random: Random) -> None:
    """Write an inquiry with nothing behind it."""
    _step(journal, calendar, calendar.contact_moment(random), "inquiry", "unknown", None)


def _step(
    journal: Journal, calendar: Calendar, at: int, stage: str, reason: str, effective: int | None
) -> None:
    fields = {"stage": stage, "reason": reason}
    if effective is not None:
        fields["effective_at"] = calendar.stamp(effective)
    journal.write(topics.CANCELLATIONS, at, fields)
