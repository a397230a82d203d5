"""Looking at one customer's facts: by kind and through windows of time.

Owns how what a signal counts is found, made once and cut to a window. It must not know a signal.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from streams.core import facts as f
from streams.core.facts import Fact
from streams.core.state import State

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR


def added(parts: Iterable[float]) -> float:
    """Return the sum, from left to right.

    `sum` compensates from Python 3.12 on: workers on two versions of Python would publish scores that differ in the last digit.

    >>> added([0.1] * 10)
    0.9999999999999999
    """
    total = 0.0
    for part in parts:
        total += part
    return total


@dataclass(frozen=True, slots=True)
class Parameters:
    """The policy's numbers that shape signals. Durations in ms."""

    horizon: int = 90 * DAY
    keep: int = 200
    repeat_within: int = 7 * DAY
    silent_after: int = 24 * HOUR
    half_life: int = 14 * DAY
    short_abandon_seconds: int = 5
    high_ivr_steps: int = 4
    complaint_codes: frozenset[int] = frozenset()


Times = list[int]
"""When (ms) each of what a signal counts happened, earliest first."""
_at: Final = itemgetter(0)
"""When (ms) a fact happened."""
Series = tuple[list[int], list[int]]
"""Times (ms), earliest first, and the amount that belongs to each, such as the number of transfers."""
Peaks = Series
"""A series in which every amount is greater than all later ones, so that the greatest within a window stands first in it."""


class History:
    """A customer's facts, oldest first, and the series that signals have made of them, which hold from `now` on.

    Contacts, which are most facts, are sorted out at once; those of another kind when a signal asks.
    """

    __slots__ = (
        "_facts",
        "_of_kind",
        "_recent",
        "_series",
        "_times",
        "calls",
        "flags",
        "inbound",
        "now",
        "parameters",
        "present",
    )

    def __init__(self, facts: list[Fact], now: int, parameters: Parameters) -> None:
        self.now = now
        self.parameters = parameters
        self.calls: list[Fact] = []
        self.inbound: list[Fact] = []
        """Contacts that the customer began."""
        self._facts = facts
        self._of_kind: dict[int, list[Fact]] = {}
        self._recent: dict[int, list[Fact]] = {}
        self._times: dict[Callable[[History], Times], Times] = {}
        self._series: dict[Callable[[History], Series], Series] = {}
        self.present = 0
        """The kinds of facts that there are: bit `1 << kind` each."""
        self.flags = 0
        """The flags that any of them has."""
        present = flags = 0
        for fact in facts:
            kind = fact.kind
            present |= 1 << kind
            flags |= fact.flags
            if kind == f.CALL:
                self.calls.append(fact)
                if fact.flags & f.INBOUND:
                    self.inbound.append(fact)
        self.present, self.flags = present, flags

    def of(self, kind: int) -> list[Fact]:
        """Return the facts of one kind (`facts.SURVEY` …), oldest first: found once."""
        found = self._of_kind.get(kind)
        if found is None:
            found = self._of_kind[kind] = [fact for fact in self._facts if fact.kind == kind]
        return found

    def contacts(self, window: int) -> list[Fact]:
        """Return the contacts that the customer began within the last `window` ms: found once."""
        found = self._recent.get(window)
        if found is None:
            start, inbound = self.now - window, self.inbound
            if inbound and inbound[0].at <= start:
                inbound = inbound[bisect_right(inbound, start, key=_at) :]
            found = self._recent[window] = inbound
        return found

    def times(self, of: Callable[["History"], Times]) -> Times:
        """Return when what a signal counts happened: made once."""
        times = self._times.get(of)
        if times is None:
            times = self._times[of] = of(self)
        return times

    def series(self, of: Callable[["History"], Series]) -> Series:
        """Return when what a signal counts happened, and its amounts: made once."""
        series = self._series.get(of)
        if series is None:
            series = self._series[of] = of(self)
        return series


class View:
    """A state as signals see it at `now` (ms)."""

    __slots__ = ("history", "now", "parameters", "state")

    def __init__(
        self, state: State, now: int, parameters: Parameters, history: History | None = None
    ) -> None:
        """`history`: one that is made already."""
        self.state = state
        self.now = now
        self.parameters = parameters
        self.history = History(state.facts, now, parameters) if history is None else history

    def count(self, of: Callable[[History], Times], window: int) -> int:
        """Return how many there were within the last `window` ms."""
        times = self.history.times(of)
        if not times:
            return 0
        return len(times) - bisect_right(times, self.now - min(window, self.parameters.horizon))

    def began(self, number: int, window: int) -> bool:
        """Return whether the customer began `number` contacts or more within the last `window` ms."""
        inbound = self.history.inbound
        return len(inbound) >= number and inbound[-number].at > self.now - min(
            window, self.parameters.horizon
        )

    def total(self, of: Callable[[History], Series], window: int) -> int:
        """Return the sum of their amounts."""
        times, amounts = self.history.series(of)
        if not times:
            return 0
        return sum(amounts[bisect_right(times, self.now - min(window, self.parameters.horizon)) :])

    def highest(self, of: Callable[[History], Peaks], window: int) -> int:
        """Return the greatest of their amounts, which is the first that is left; 0 when there are none."""
        times, amounts = self.history.series(of)
        if not times:
            return 0
        first = bisect_right(times, self.now - min(window, self.parameters.horizon))
        return amounts[first] if first < len(amounts) else 0

    def decayed(self, of: Callable[[History], Times]) -> float:
        """Return the sum over them of 0.5 to the number of whole half-lives since."""
        times = self.history.times(of)
        if not times:
            return 0.0
        now, half_life, start = self.now, self.parameters.half_life, self.now - self.parameters.horizon
        return added([0.5 ** ((now - at) // half_life) for at in times if at > start])
