"""At which ages a fact changes a signal: between them, time changes nothing (decision 4)."""

from typing import Final

from streams.core.facts import Fact
from streams.core.plan import Plan
from streams.core.signals import Signal
from streams.core.state import FOREVER

KIND_BITS: Final = 8
"""Of a packed key: a fact's kind is one byte."""


class Edges:
    """The edges of what a policy uses, by what a fact is."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.rising = tuple(each for each in plan.used if each.rising is not None)
        """The signals that time alone can raise."""
        self.last = max([age for each in plan.used for age in self._ages(each, False)], default=0)
        """The age (ms) from which no fact can change a signal any more."""
        self.last_rise = max([age for each in plan.used for age in self._ages(each, True)], default=0)
        """The age (ms) from which no fact can raise the score of a calm customer any more."""
        # The keys are whole numbers, packed: a tuple would be made and hashed for each fact.
        self._known: dict[int, tuple[int, ...]] = {}

    def of(self, kind: int, flags: int, calm: bool) -> tuple[int, ...]:
        """Return the ages (ms), rising, at which a fact of this kind and with these flags can change a signal; for a calm customer only
        those that can raise the score."""
        key = flags << KIND_BITS + 1 | kind << 1 | calm
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._of(kind, flags, calm)
        return found

    def next_after(self, facts: list[Fact], after: int, calm: bool) -> int:
        """Return the first time (ms) later than `after` at which the age of one of the facts, oldest first, changes a signal; when calm,
        raises one. FOREVER when there is none."""
        # Of a customer with many facts this is half a judgement: so the table is looked up here, and not by `of`.
        due, known, quiet = FOREVER, self._known, int(calm)
        oldest = after - (self.last_rise if calm else self.last)
        for fact in reversed(facts):
            at = fact.at
            if at <= oldest:
                break  # all its edges are over, and those of the facts before it
            ages = known.get(fact.flags << KIND_BITS + 1 | fact.kind << 1 | quiet)
            if ages is None:
                ages = self.of(fact.kind, fact.flags, calm)
            age = after - at
            for edge in ages:
                if edge > age:
                    if at + edge < due:
                        due = at + edge
                    break
        return due

    def _of(self, kind: int, flags: int, calm: bool) -> tuple[int, ...]:
        edges: set[int] = set()
        for each in self._plan.used:
            if each.concerns(kind, flags):
                edges.update(self._ages(each, calm))
        return tuple(sorted(edges))

    def _ages(self, signal: Signal, calm: bool) -> list[int]:
        ages = signal.edges if not calm or self._lowers(signal) else signal.rising
        # What leaves the horizon is forgotten, so no edge lies beyond it.
        parameters = self._plan.parameters
        return [] if ages is None else [min(age, parameters.horizon) for age in ages(parameters)]

    def _lowers(self, signal: Signal) -> bool:
        each = self._plan.weighed.get(signal.name)
        return each is not None and each.weight < 0
