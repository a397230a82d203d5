"""The tables of dispositions and results, cell by cell, and that everything else goes by them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from deploy.generated.outcomes_page import outcomes_page
from schemas.dispositions import (
    ATTEMPTS,
    DISPOSITION_RULES,
    FINAL,
    NEXT,
    REACHED,
    RESULT_RULES,
    DispositionRules,
    Next,
)
from schemas.outcome import CallbackResult, Disposition
from sinks.clickhouse.statements import create_views
from streams.core import facts as f
from streams.core import talks
from streams.core.events.outcome import reached
from tests.builders import START, outcome

ROOT = Path(__file__).parents[2]

# disposition: reached, attempt, final, next
CELLS: dict[Disposition, tuple[bool, bool, bool, Next]] = {
    "ANSWERED_HUMAN": (True, True, True, "completed"),
    "NO_ANSWER": (False, True, False, "again"),
    "BUSY": (False, True, False, "again"),
    "MACHINE": (False, True, False, "again"),
    "INVALID_NUMBER": (False, True, True, "failed"),
    "ABANDONED": (False, True, False, "again"),
    "DO_NOT_CALL": (False, True, True, "barred"),
    "CALLBACK_LATER": (False, True, False, "later"),
    "WRONG_PARTY": (False, True, False, "again"),
    "LEFT_MESSAGE": (False, True, False, "again"),
    "REFUSED": (True, True, True, "completed"),
    "TECHNICAL_FAILURE": (False, False, False, "again"),
    "STOPPED": (False, False, False, "returned"),
    "TOO_LATE": (False, False, False, "awaited"),
}
# result: settled, unsettled, leaving
SAID: dict[CallbackResult, tuple[bool, bool, bool]] = {
    "satisfied": (True, False, False),
    "unresolved": (False, True, False),
    "will_leave": (False, False, True),
    "competitor": (False, False, True),
    "other": (False, False, False),
    "unknown": (False, False, False),
}


def test_the_tables_are_complete() -> None:
    assert tuple(CELLS) == get_args(Disposition) == tuple(DISPOSITION_RULES)
    assert set(SAID) == set(get_args(CallbackResult)) == set(RESULT_RULES)
    assert {rules.next for rules in DISPOSITION_RULES.values()} == set(NEXT) == set(get_args(Next))


@pytest.mark.parametrize("name", DISPOSITION_RULES)
@pytest.mark.parametrize("cell", [each for each in DispositionRules._fields if each != "meaning"])
def test_a_disposition_says_this(name: Disposition, cell: str) -> None:
    place = ("reached", "attempt", "final", "next").index(cell)
    assert getattr(DISPOSITION_RULES[name], cell) == CELLS[name][place]


@pytest.mark.parametrize("name", RESULT_RULES)
def test_a_result_says_this(name: CallbackResult) -> None:
    rules = RESULT_RULES[name]
    assert (rules.settled, rules.unsettled, rules.leaving) == SAID[name]
    assert rules.left_open == (rules.unsettled or rules.leaving)


@pytest.mark.parametrize("name", DISPOSITION_RULES)
def test_cells_of_a_row_go_together(name: Disposition) -> None:
    rules = DISPOSITION_RULES[name]
    assert rules.final == (rules.next in ("completed", "failed", "barred"))
    assert rules.reached == (rules.next == "completed")
    assert rules.attempt or not rules.final


@pytest.mark.parametrize("name", DISPOSITION_RULES)
def test_core_and_lists_go_by_the_table(name: Disposition) -> None:
    rules = DISPOSITION_RULES[name]
    assert reached(outcome(START, name).event) == rules.reached
    assert (f.DISPOSITIONS.index(name) in talks.REACHED) == rules.reached == (name in REACHED)
    assert (name in ATTEMPTS, name in FINAL) == (rules.attempt, rules.final)


def test_views_count_who_was_reached_and_what_was_an_attempt_by_the_table() -> None:
    of_outcomes = [
        each
        for each in create_views()
        if "fct_outcomes" in each and not each.startswith("CREATE OR REPLACE VIEW v_outcomes")
    ]
    assert len(of_outcomes) == 2
    for view in of_outcomes:
        assert f"disposition IN {REACHED!r}" in view
        assert f"disposition IN {ATTEMPTS!r}" in view
        assert "disposition =" not in view


def test_the_page_shows_every_row() -> None:
    page = outcomes_page()
    for name, rules in DISPOSITION_RULES.items():
        assert f"| `{name}` | {rules.meaning} |" in page
    for result, said in RESULT_RULES.items():
        assert f"| `{result}` | {said.meaning} |" in page
    assert (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8") == page


def test_no_other_place_has_a_list_of_its_own() -> None:
    """Who asks whether a customer was reached asks the table. Mappings and simulations name dispositions to write them."""
    writers = {"demo/dial_list.py", "commands/dial.py", "core/facts.py", "core/talks.py"}
    named = {
        str(path.relative_to(ROOT / "streams"))
        for path in (ROOT / "streams").rglob("*.py")
        if "ANSWERED_HUMAN" in path.read_text(encoding="utf-8")
    }
    assert named <= writers
    assert not any(
        "ANSWERED_HUMAN" in path.read_text(encoding="utf-8") for path in (ROOT / "sinks").rglob("*.py")
    )
