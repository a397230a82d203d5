"""How wrong a quantile can be that Prometheus reads from our buckets, against what alerts and objectives ask."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.telemetry.declaration import Declaration
from streams.telemetry.metrics import CATALOGUE

RULES = Path(__file__).parents[2] / "deploy/prometheus/behoudlijn.rules.yml"
SECONDS = [spec for spec in CATALOGUE if spec.kind == "histogram" and spec.unit == "seconds"]
LATENCIES = [spec for spec in SECONDS if max(spec.buckets) > 600]
WORST = 0.5
"""By which share of the truth a quantile may be wrong, where decisions are taken."""


def quantile(share: float, bounds: tuple[float, ...], values: list[float]) -> float:
    """As `histogram_quantile` reads it: linear within the bucket."""
    counts = [sum(value <= bound for value in values) for bound in bounds]
    wanted = share * len(values)
    for index, (bound, count) in enumerate(zip(bounds, counts, strict=True)):
        if count >= wanted:
            below, before = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0)
            return below + (bound - below) * (wanted - before) / (count - before)
    return bounds[-1]


def worst(low: float, high: float, bounds: tuple[float, ...]) -> float:
    """The largest error of a p99 whose truth lies between two neighbours: all that is slow lies at one end of the bucket."""
    errors = []
    for truth in (low * 1.001, high):
        for slow in (2, 20, 60):  # of a hundred
            values = [low / 2] * (100 - slow) + [truth] * slow
            errors.append(abs(quantile(0.99, bounds, values) - truth) / truth)
    return max(errors)


@pytest.mark.parametrize("spec", LATENCIES, ids=lambda spec: spec.name)
def test_a_latency_is_wrong_by_half_at_most_where_decisions_are_taken(spec: Declaration[Any]) -> None:
    wrong = {
        pair: round(worst(*pair, spec.buckets), 2)
        for pair in pairwise(spec.buckets)
        if pair[0] >= 0.5 and pair[1] <= 900 and worst(*pair, spec.buckets) > WORST
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "spec", [each for each in SECONDS if each not in LATENCIES], ids=lambda spec: spec.name
)
def test_a_duration_is_wrong_by_its_own_size_at_most(spec: Declaration[Any]) -> None:
    wrong = {pair: worst(*pair, spec.buckets) for pair in pairwise(spec.buckets) if pair[0] >= 0.05}
    assert all(error <= 1.01 for error in wrong.values()), wrong


def test_the_buckets_of_before_would_not_do() -> None:
    before = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
    assert worst(60.0, 300.0, before) > 2, "a delay of 80 s was read as 282"


def test_what_an_alert_asks_is_a_bound_so_that_its_answer_is_exact() -> None:
    text = RULES.read_text(encoding="utf-8")
    asked = {float(bound) for bound in re.findall(r'le="([0-9.]+)"', text)}
    quantiles = {
        rule["record"]: re.findall(r"(behoudlijn_\w+)_bucket", rule["expr"])
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if "histogram_quantile" in rule["expr"] and "record" in rule
    }
    bounds = {spec.name: set(spec.buckets) for spec in SECONDS}
    limits = [
        (name, float(limit)) for name in quantiles for limit in re.findall(rf"{name} > ([0-9.]+)", text)
    ]
    assert limits
    for name, limit in limits:
        assert all(limit in bounds[metric] for metric in quantiles[name])
    assert asked <= bounds["behoudlijn_ingest_to_trigger_latency_seconds"]
