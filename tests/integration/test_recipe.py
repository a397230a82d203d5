"""The recipe for an event type in CONTRIBUTING.md, followed word by word in a copy of the tree; and each of its steps left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"<!-- recipe: (?P<what>.+?) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (ROOT / ".git").exists(), reason="the copy is made of what git knows; this is no clone"
    ),
]


class Step(NamedTuple):
    """One block of the recipe: what is done, and the text that goes there."""

    what: str
    text: str

    def do(self, tree: Path) -> None:
        """Carry the step out. Raises ValueError when the recipe names a place that is not there."""
        verb, *names = self.what.split()
        if verb == "write":
            (tree / names[0]).write_text(self.text, encoding="utf-8")
        elif verb == "append":
            with (tree / names[0]).open("a", encoding="utf-8") as file:
                file.write("\n" + self.text)
        elif verb == "examples":
            for line in self.text.splitlines():
                name, body = line.split(" ", 1)
                path = tree / "schemas" / "examples" / names[0] / "v1" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(body, encoding="utf-8")
        elif verb == "migration":
            number = max(int(path.name[:3]) for path in _migrations(tree).glob("*.sql")) + 1
            made = python(tree, "-m", "sinks.clickhouse.statements", names[1])
            assert made.returncode == 0, made.stderr
            (_migrations(tree) / f"{number:03}_{names[0]}.sql").write_text(made.stdout, encoding="utf-8")
        else:
            self._insert(tree / verb, self.what.split("`")[1])

    def _insert(self, path: Path, after: str) -> None:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if after in line]
        if not places:
            raise ValueError(f"the recipe wants to add behind {after!r}, but {path} has no such line")
        lines.insert(places[0] + 1, self.text)
        path.write_text("".join(lines), encoding="utf-8")


def _migrations(tree: Path) -> Path:
    return tree / "sinks" / "clickhouse" / "migrations"


def python(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, which comes before anything that is installed."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def recipe() -> list[Step]:
    steps = [Step(*found) for found in _BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))]
    assert len(steps) > 10
    return steps


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A copy of the project as it is in the working tree."""
    copy = tmp_path / "tree"
    known = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, known):
        if (ROOT / name).is_file() and not name.startswith("tests/data/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    yield copy
    shutil.rmtree(copy, ignore_errors=True)


EVENT = b'{"type":"visit","schema_version":1,"event_id":"v1","customer_id":"c1","occurred_at":"2026-10-01T10:00:00Z"}'
USE = f"""
from streams.core.decode import AS_USUAL, decode
from streams.core.engine import Clock, process_batch
from streams.core.records import Record
from streams.core.state import decode as state_of
from streams.operations.fact_text import text_of
from streams.policies import load_policy
from streams.workers.gathered import gather
from streams.lane.micro_batch import TP
from schemas import topics
record = Record(topics.VISITS, 0, 0, 1_793_491_200_000, b"c1", {EVENT!r})
result = process_batch([decode(record)], {{}}, load_policy("default"), Clock())
assert result.counts == {{("visit", "accepted"): 1}}, result.counts
print(text_of(state_of(result.states["c1"]).facts[0], [""]))
print(dict(gather(topics.VISITS, TP(topics.VISITS, 0), [record], AS_USUAL).rows))
"""


def test_whoever_follows_the_recipe_has_a_new_event_type_from_bytes_to_rows(tree: Path) -> None:
    for step in recipe():
        step.do(tree)
    made = python(tree, "-m", "deploy.generated")
    assert made.returncode == 0, made.stderr
    used = python(tree, "-c", USE)
    assert used.returncode == 0, used.stderr
    words, rows = used.stdout.splitlines()
    assert words == "in shop , helped"
    assert "fct_visits" in rows
    file = tree / "events.ndjson"
    file.write_bytes(EVENT + b"\n")
    tested = python(tree, "-m", "streams", "backtest", str(file))
    assert tested.returncode == 0, tested.stderr
    suite = python(
        tree,
        *("-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", "tests/contract"),
        *(
            "tests/unit/test_sinks_declarations.py",
            "tests/unit/test_generated.py",
            "tests/unit/test_rights.py",
        ),
        *("tests/unit/test_topics.py", "tests/unit/test_deploy.py", "tests/unit/test_gathered.py"),
        "tests/integration/clickhouse_sink/test_declarations.py",
    )
    assert suite.returncode == 0, suite.stdout[-4_000:]


IMPORTS = "import streams.core.engine, sinks.clickhouse.rows, tests.property.core.histories"


@pytest.mark.parametrize(
    ("forgotten", "said"),
    [
        ("streams/core/events/table.py after `\"cancel", "event type 'visit' has no row of rules: add it in streams.core.events.table"),
        ("sinks/clickhouse/tables.py", "VisitEvent has no table: declare one in sinks/clickhouse/declarations/events.py"),
        ("tests/property/core/histories.py after `_KINDS", "event type 'visit' has no strategy: add it in tests.property.core.histories"),
    ],
)  # fmt: skip
def test_a_step_that_was_forgotten_is_named_at_import(tree: Path, forgotten: str, said: str) -> None:
    steps = recipe()
    left = [step for step in steps if not step.what.startswith(forgotten)]
    assert len(left) == len(steps) - 1
    for step in left:
        if not step.what.startswith(("migration", "examples")):
            step.do(tree)
    imported = python(tree, "-c", IMPORTS)
    assert imported.returncode == 1
    assert said in imported.stderr


@pytest.mark.parametrize(
    ("forgotten", "suite"),
    [
        ("examples", "tests/contract/test_examples.py"),
        ("migration", "tests/integration/clickhouse_sink/test_declarations.py"),
    ],
)
def test_a_step_that_was_forgotten_fails_a_test(tree: Path, forgotten: str, suite: str) -> None:
    for step in recipe():
        if not step.what.startswith(forgotten):
            step.do(tree)
    tested = python(tree, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", suite)
    assert tested.returncode == 1
    assert "visits" in tested.stdout
