"""The whole simulation: all lives, in the order of time.

Owns the order; it holds the period in memory (about 0.7 kB an event).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.simulate.calendar import Calendar
from streams.simulate.journal import SimulatedRecord
from streams.simulate.life import Truth, live
from streams.simulate.poison import with_poison
from streams.simulate.settings import SimulationSettings


class Quarter(NamedTuple):
    """A simulated period: `records` by (time, id), `truths` by customer."""

    records: list[SimulatedRecord]
    truths: list[Truth]
    calendar: Calendar

    def truth_lines(self) -> Iterator[bytes]:
        """Return the ground truth as NDJSON, one customer a line, without line ends."""
        return (truth.line(self.calendar) for truth in self.truths)


def simulate(settings: SimulationSettings, progress: Callable[[int], None] | None = None) -> Quarter:
    """Simulate a period. `progress` is told the number of customers that are done, now and then."""
    calendar = Calendar(settings)
    records: list[SimulatedRecord] = []
    truths: list[Truth] = []
    for index in range(settings.customers):
        own, truth = live(index, settings, calendar)
        records += own
        truths.append(truth)
        if progress is not None and index % 500 == 499:
            progress(index + 1)
    records.sort()
    if settings.poison:
        records = with_poison(records, settings.poison, settings.seed)
    return Quarter(records, truths, calendar)
