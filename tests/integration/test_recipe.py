"""The recipe for an event type in CONTRIBUTING.md, followed word by word in a copy of the tree; and each of its steps left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.recipe import IS_CLONE, copy_tree, python, recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IS_CLONE, reason="the copy is made of what git knows; this is no clone"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A copy of the project as it is in the working tree."""
    copy = tmp_path / "tree"
    copy_tree(copy)
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
