"""Why customers leave: the latent causes, how strong they are, what comes of them. No event names one."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final, Literal

from streams.simulate.persona import Persona
from streams.simulate.settings import DAY_MS

CauseKind = Literal["bad_sale", "unresolved_fault", "competitor_offer", "moving"]


@dataclass(frozen=True, slots=True)
class CauseHabit:
    """What a cause does to customers; shares of 0-1, times in days."""

    share: float
    """Of all customers, in a quarter."""
    contacts: float
    """Chance that a customer who is not silent gets in touch about it."""
    solved: float
    """Chance per answered contact that it is solved."""
    leaves: float
    """Chance of leaving when it is not."""
    patience: float
    """Mean time from its beginning to the decision."""
    reasons: tuple[str, ...]
    """Contact reasons under which it is heard of."""
    stated: tuple[str, ...]
    """Cancellation reasons that are given for it."""


HABITS: Final[dict[CauseKind, CauseHabit]] = {
    "bad_sale": CauseHabit(
        0.055, 0.92, 0.07, 0.85, 32.0, ("invoice", "contract", "invoice"), ("price", "service", "other")
    ),
    "unresolved_fault": CauseHabit(
        0.065, 0.95, 0.09, 0.80, 30.0, ("fault", "fault", "technician"), ("quality", "service", "quality")
    ),
    "competitor_offer": CauseHabit(
        0.030, 0.22, 0.05, 0.60, 18.0, ("contract", "price"), ("competitor_offer", "price")
    ),
    "moving": CauseHabit(0.020, 0.55, 0.80, 0.45, 20.0, ("moving",), ("moved",)),
}
_BEFORE_DAYS: Final = 25
"""Causes may have begun before the period, so that its first weeks are like the others."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause in one customer's life. Times in ms since the epoch, UTC."""

    kind: CauseKind
    began: int
    decides: int
    """When the customer leaves, unless it is solved by then."""
    would_leave: bool
    severity: float
    """0-1: how much it shows in what the customer says."""


def draw_cause(persona: Persona, start: int, days: int, random: Random) -> Cause | None:
    """Return the customer's cause in the period, if any. A longer period has more of them."""
    stretch = (days + _BEFORE_DAYS) / (90 + _BEFORE_DAYS)
    kinds = tuple(HABITS)
    chosen = bisect(tuple(accumulate(habit.share * stretch for habit in HABITS.values())), random.random())
    if chosen == len(kinds):
        return None
    kind, habit = kinds[chosen], HABITS[kinds[chosen]]
    began = start + int((random.random() * (days + _BEFORE_DAYS) - _BEFORE_DAYS) * DAY_MS)
    severity = min(1.0, 0.25 + 0.75 * random.random())
    # A long tenure buffers (Knox & van Oest 2014); businesses that call all the time are tied by contract.
    buffer = 0.6 if persona.heavy else 1.15 if persona.tenure_months < 18 else 0.85
    would_leave = random.random() < habit.leaves * (0.5 + 0.8 * severity) * buffer
    decides = began + int((4 + random.expovariate(1 / (habit.patience - 4))) * DAY_MS)
    if decides < start:
        return None  # it came to an end before the period, and the customer is still there
    return Cause(kind, began, decides, would_leave, severity)
