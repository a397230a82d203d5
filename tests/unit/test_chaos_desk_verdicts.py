"""What the chaos of desks takes for a contradiction."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.instants import to_datetime
from tests.chaos.desk_verdicts import Kept, contradictions

KEPT = Kept(answers=1_000, refusals=100)


def reply(at: int, result: str, reason: str | None = None) -> dict[str, Any]:
    when = to_datetime(at).isoformat().replace("+00:00", "Z")
    return {"claimant": "ann", "command_id": "c1", "result": result, "reason": reason, "answered_at": when}


@pytest.mark.parametrize(
    ("replies", "wrong"),
    [
        ([reply(0, "granted"), reply(0, "granted")], False),
        ([reply(0, "granted"), reply(0, "refused", "over")], True),
        ([reply(0, "refused", "starting"), reply(99, "granted")], True),
        ([reply(0, "refused", "starting"), reply(100, "granted")], False),
        ([reply(0, "refused", "starting"), reply(100, "refused", "over"), reply(150, "granted")], True),
        ([reply(0, "granted"), reply(999, "refused", "over")], True),
        ([reply(0, "granted"), reply(1_000, "refused", "over")], False),
    ],
)
def test_two_answers_while_the_first_is_remembered_contradict_one_another(
    replies: list[dict[str, Any]], wrong: bool
) -> None:
    assert bool(contradictions(replies, KEPT)) == wrong
    assert bool(contradictions(reversed(replies), KEPT)) == wrong
