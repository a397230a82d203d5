"""The benchmark's arithmetic: how ratios are made and judged. Its measurements are no business of a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.results import Results
from tests.benchmarks.size import SIZES
from tests.benchmarks.targets import READING, TARGETS, harmonic, judge


def results(**medians: float) -> Results:
    found = Results("smoke", {}, {}, {})
    for name, value in medians.items():
        found.add(name, "events/s", value)
    return found


def test_one_after_another_is_slower_than_each() -> None:
    assert harmonic(300.0, 300.0, 300.0) == pytest.approx(100.0)


def test_a_ratio_is_made_of_medians_and_judged_by_its_bound() -> None:
    found = results(**{READING: 300.0}, core=300.0, changelog=300.0, ours=90.0, faust=10.0, bytewax=100.0)
    found.add("ours", "events/s", 1.0)
    found.add("ours", "events/s", 91.0)
    judge(found, 10, 1_000)
    assert found.ratios["ours_to_ideal"] == pytest.approx(0.9)
    verdicts = {target["name"]: target["verdict"] for target in found.targets}
    assert verdicts["ours_to_ideal"] == "met"
    assert verdicts["ours_to_faust"] == "met"
    assert verdicts["ours_to_bytewax"] == "not met"
    assert verdicts["ours_to_quixstreams"] == "not measured"


def test_what_must_be_small_is_judged_from_above() -> None:
    found = Results("smoke", {}, {}, {})
    found.add("memory per customer", "KB", 1.6)
    found.add("latency ours 1/2 p99", "ms", 99.0)
    judge(found, 10, 1_000)
    verdicts = {target["name"]: target["verdict"] for target in found.targets}
    assert verdicts["memory_kb_per_customer"] == "not met"
    assert verdicts["latency_p99_half_ms"] == "met"


def test_growth_compares_the_most_customers_with_the_fewest() -> None:
    found = Results("smoke", {}, {}, {})
    found.add("customers 10", "events/s", 100.0)
    found.add("customers 1,000", "events/s", 85.0)
    judge(found, 10, 1_000)
    assert found.ratios["largest_to_smallest"] == pytest.approx(0.85)


def test_the_kept_file_has_ratios_named_after_the_targets(tmp_path: Path) -> None:
    found = results(**{READING: 2.0}, core=1.0)
    judge(found, 10, 1_000)
    kept = json.loads(found.save(tmp_path).read_text(encoding="utf-8"))
    assert set(kept["ratios"]) <= {target.name for target in TARGETS} | {
        "recovery_with_start_to_plain_read", "two_workers_to_one", "four_workers_to_one",
    }  # fmt: skip
    assert kept["ratios"]["core_to_aiokafka_pydantic"] == 0.5
    assert kept["rows"][READING]["median"] == 2.0


def test_the_short_run_is_a_tenth_of_the_full_one() -> None:
    full, short = SIZES["full"], SIZES["short"]
    assert (short.customers * 10, short.events * 10, short.recovered * 10) == (
        full.customers,
        full.events,
        full.recovered,
    )
    assert full.events >= 1_000_000
    assert full.customers >= 200_000
    assert min(full.rounds, short.rounds) >= 3
