"""How sure a median is: an interval of order statistics, which asks nothing of how the values are distributed.

Pure. For independent rounds the true median lies between the k-th smallest and the k-th largest of n values with probability
1 - 2 P(X < k), X binomial of n fair coins (Conover, Practical Nonparametric Statistics, 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import median
from typing import NamedTuple


class Interval(NamedTuple):
    """A median, the bounds of its interval, and with which probability they hold the true one (0-1)."""

    median: float
    low: float
    high: float
    confidence: float


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The narrowest such interval with at least `confidence`; the whole range where there are too few values for it (under six
    for 95%), with the confidence that it has. Raises ValueError when there is no value.
    """
    if not values:
        raise ValueError("an interval needs a value")
    ordered, count = sorted(values), len(values)
    outside = 0
    for index in range((count + 1) // 2):
        outside += comb(count, index)
        held = 1 - 2 * outside / 2**count
        if index > 0 and held < confidence:
            break
        found = Interval(median(ordered), ordered[index], ordered[count - 1 - index], max(0.0, held))
    return found
