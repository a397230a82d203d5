"""The interval of a median: known cases, and what must hold for any values."""

from __future__ import annotations

import random

import pytest

from tests.benchmarks.interval import median_interval


def test_ten_rounds_leave_out_the_lowest_and_the_highest() -> None:
    found = median_interval([1.3, 0.5, 1.1, 0.9, 1.2, 0.8, 0.7, 1.0, 1.4, 0.6])
    assert (found.median, found.low, found.high) == (pytest.approx(0.95), 0.6, 1.3)
    assert found.confidence == pytest.approx(1 - 2 * 11 / 1024)


def test_a_looser_interval_is_narrower() -> None:
    values = [float(number) for number in range(10)]
    found = median_interval(values, 0.85)
    assert (found.low, found.high) == (2.0, 7.0)
    assert found.confidence == pytest.approx(1 - 2 * 56 / 1024)


@pytest.mark.parametrize(("count", "confidence"), [(1, 0.0), (2, 0.5), (5, 0.9375)])
def test_too_few_rounds_give_their_range_and_say_how_sure_it_is(count: int, confidence: float) -> None:
    found = median_interval([float(number) for number in range(count)])
    assert (found.low, found.high) == (0.0, count - 1.0)
    assert found.confidence == pytest.approx(confidence)


def test_no_rounds_are_an_error() -> None:
    with pytest.raises(ValueError, match="needs a value"):
        median_interval([])


def test_it_holds_the_true_median_as_often_as_it_says() -> None:
    chance = random.Random(7)
    found = [median_interval([chance.expovariate(1.0) for _ in range(10)]) for _ in range(4_000)]
    held = sum(each.low <= 0.6931 <= each.high for each in found) / len(found)
    assert held == pytest.approx(found[0].confidence, abs=0.01)
