"""By how much one new fact can raise each signal: an upper bound, seen without measuring.

Owns one row a signal. A signal without a row may rise without bound, so every fact that concerns it is judged: right, and slow.
A property test holds each row to what the signal measures.
"""

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from streams.core import facts as f
from streams.core.history import DAY
from streams.core.outlook.arrival import Arrival
from streams.core.signals import complains
from streams.core.talks import LEAVING, SETTLED, UNSETTLED, ended_in

Most = Callable[[Arrival], float]


def one(_: Arrival) -> float:
    """Of a signal that counts facts: a new one raises it by 1 at most."""
    return 1.0


def unbounded(_: Arrival) -> float:
    """Nothing is known."""
    return inf


class Rise(NamedTuple):
    """The bounds of one signal."""

    most: Most
    """By how much a new fact that is later than all others can raise it, now or at an edge to come."""
    top: float = inf
    """It never exceeds this."""
    may_lower: bool = False
    """A new fact can take away a rise that an edge was still to bring; never what the signal has risen to already."""


def _contact(number: int) -> Most:
    """1 when there can be `number` contacts in 30 days."""
    return lambda new: new.follows(number - 1, 30 * DAY)


def _abandons(new: Arrival) -> float:
    return bool(new.fact.flags & f.INBOUND) and new.fact.amount >= new.parameters.short_abandon_seconds


def _switches(new: Arrival) -> float:
    fact, last = new.fact, new.before()
    same = last is None or last.at <= fact.at - 7 * DAY or (last.flags & f.INBOUND and last.a == fact.a)
    return bool(fact.flags & f.TRIED_ONLINE) + (not same)


def _talked(results: frozenset[int]) -> Most:
    """1 of a talk with one of these results."""
    return lambda new: ended_in(new.fact, results)


RISES: Final[dict[str, Rise]] = {
    "contacts_7d": Rise(one),
    "contacts_30d": Rise(one),
    "contacts_90d": Rise(one),
    "repeat_contacts": Rise(lambda new: new.repeats()),
    "third_contact": Rise(_contact(3), top=1),
    "fourth_contact": Rise(_contact(4), top=1),
    "unresolved_30d": Rise(one),
    "unresolved_90d": Rise(one),
    "silent_after_abandon": Rise(_abandons, may_lower=True),
    "longest_wait_minutes": Rise(lambda new: 0 if new.fact.flags & f.ABANDONED else new.fact.amount // 60),
    "excess_ivr_steps": Rise(lambda new: max(0, new.fact.b - new.parameters.high_ivr_steps)),
    "transfers_30d": Rise(lambda new: new.fact.c),
    "channel_switches_7d": Rise(_switches),
    "low_csat": Rise(lambda new: 0 < new.fact.a <= 2),
    "detractor": Rise(lambda new: 0 < new.fact.b <= 7),
    "high_effort": Rise(lambda new: 0 < new.fact.c <= 3),
    "not_answered": Rise(one),
    "cancel_intent": Rise(one),
    "cancellation_inquiry": Rise(lambda new: new.fact.a == f.INQUIRY),
    "recovered": Rise(_talked(SETTLED)),
    "unresolved_callback": Rise(_talked(UNSETTLED)),
    "will_leave_said": Rise(_talked(LEAVING)),
    "repeated_complaint": Rise(lambda new: complains(new.fact, new.parameters) and new.follows(1, 30 * DAY)),
}
"""By signal."""

_NO_BOUND: Final = Rise(unbounded)


def rise_of(name: str) -> Rise:
    """Return the bounds of a signal; none where it has no row."""
    return RISES.get(name, _NO_BOUND)
