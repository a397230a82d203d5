"""What a results file becomes in the pages, and the arithmetic of a large installation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.pages import SOAK, fill
from tests.benchmarks.sizing import Plan, needs


def row(median: float, note: str = "", unit: str = "events/s") -> dict[str, Any]:
    return {"unit": unit, "min": median, "median": median, "max": median, "note": note}


RESULTS: dict[str, Any] = {
    "machine": {"processor": "a processor", "cores": 2, "memory_gib": 8.0},
    "versions": {"behoudlijn": "abc1234"},
    "workload": {
        "events": 1_000_000,
        "bytes_per_event": 330.0,
        "customers_warm": 200_000,
        "facts_mean": 6.0,
        "facts_quantiles": {"0.5": 3, "0.99": 77},
        "state_bytes_mean": 470.0,
        "top_1_percent_share_of_calls": 0.32,
    },
    "rows": {
        "ours": row(40_000),
        "ours, not compiled": row(25_000),
        "memory per customer": row(1.0, unit="KB"),
        "recovery plain read": row(3.0, "aiokafka into a dict; 1,000,000 customers, 470 bytes", "s"),
        "recovery ours": row(5.0, unit="s"),
        "changelog written": row(400.0, unit="bytes/event"),
        "sink": row(30_000, unit="rows/s"),
        "insert": row(200_000, "client.insert of the same 1,250,000 rows alone", "rows/s"),
        "workers 1": row(40_000, "alone"),
        "workers 2": row(50_000, "both"),
    },
    "targets": [{"says": "core / (aiokafka + pydantic)", "bound": ">= 0.4", "value": 0.5, "verdict": "met"}],
}


def value_of(what: str, plan: Plan) -> str:
    return next(need.value for need in needs(RESULTS, plan) if what in need.what)


def test_the_scarcest_thing_decides_the_number_of_workers() -> None:
    plan = Plan(customers=10_000_000, events_per_second=100_000, worker_memory_gib=4, failover_seconds=60)
    assert value_of("by load", plan) == "5"  # 100,000 / 20,000
    assert value_of("not compiled", plan) == "8"  # 100,000 / 12,500
    assert value_of("by memory", plan) == "5"  # 9.5 GiB, half of 4 GiB each
    assert value_of("by failover", plan) == "4"  # 100 s for all values at 200,000/s, within 30 s
    assert value_of("signals workers", plan) == "**5**"
    assert value_of("partitions", plan) == "**20**"


def test_outputs_are_rows_too() -> None:
    assert value_of("sink workers", Plan(events_per_second=13_000)) == "**2**"  # 16,250 / 15,000


def test_a_failover_that_must_be_quick_needs_more_workers() -> None:
    assert value_of("signals workers", Plan(failover_seconds=40)) == "**10**"


def test_a_row_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(KeyError):
        needs({**RESULTS, "rows": {}}, Plan())


def test_a_page_keeps_its_words_and_changes_its_figures() -> None:
    page = "before\n<!-- measured: scale-out -->\nold\n<!-- end -->\nafter\n"
    filled = fill(page, RESULTS, "x.json")
    assert filled.startswith("before\n<!-- measured: scale-out -->\n")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert "| 2 | 50,000 | both |" in filled
    assert "old" not in filled
    assert fill(filled, RESULTS, "x.json") == filled, "filling again changes nothing"


def test_every_part_of_the_real_pages_can_be_made() -> None:
    for part in ("table", "scaling", "scale-out"):
        assert "x.json" in fill(f"<!-- measured: {part} -->\n<!-- end -->", RESULTS, "x.json")


def test_a_mark_without_an_end_is_told() -> None:
    with pytest.raises(ValueError, match="without <!-- end -->"):
        fill("<!-- measured: table -->\n", RESULTS, "x.json")


def test_what_a_soak_found_becomes_its_table() -> None:
    phase = {"asked": 800, "p50": 0.031, "p99": 0.42, "most": 0.6, "pause": 0.7}
    found = {
        "machine": RESULTS["machine"],
        "versions": RESULTS["versions"],
        "seconds": 20,
        "rows": [
            {
                "scenario": "hot",
                "says": "one customer never rests",
                "before": phase,
                "beside": phase,
                "after": phase,
                "lost": 0,
                "doubled": 0,
                "repeated": 3,
                "memory_mib": {"before": 98.4, "peak": 142.0, "after": 101.2},
                "back_minutes": None,
                "notes": ["50,000 events"],
            }
        ],
    }
    filled = fill("<!-- measured: soak -->\n<!-- end -->", found, "x-soak.json", SOAK)
    assert "| hot | 0.03, 0.42 | 0.03, 0.42 | 0.7 | 0 | 0 | 98, 142, 101 | not in the run |" in filled
    assert "x-soak.json" in filled
