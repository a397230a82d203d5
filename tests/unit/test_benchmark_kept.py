"""Results of earlier days stay readable, by today's names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.kept import read, renamed
from tests.benchmarks.pages import fill
from tests.benchmarks.results import RESULTS
from tests.benchmarks.targets import READING, TARGETS

KEPT = sorted(RESULTS.glob("*-full.json"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_every_kept_file_fills_the_pages(path: Path) -> None:
    results = read(path)
    for part in ("table", "scaling", "scale-out"):
        assert path.name in fill(f"<!-- measured: {part} -->\n<!-- end -->", results, path.name)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_its_figures_stay_and_only_names_change(path: Path) -> None:
    then, now = json.loads(path.read_text(encoding="utf-8")), read(path)
    assert now["rows"][READING]["rounds"] == then["rows"].get("floor", then["rows"].get(READING))["rounds"]
    assert [row["median"] for row in now["rows"].values()] == [row["median"] for row in then["rows"].values()]
    assert list(now["ratios"].values()) == list(then["ratios"].values())
    assert {target["name"] for target in now["targets"]} <= {target.name for target in TARGETS}
    assert "floor" not in json.dumps(now)


def test_reading_by_todays_names_twice_changes_nothing() -> None:
    once = read(KEPT[-1])
    assert renamed(once) == once
