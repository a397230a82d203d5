"""The tables of purposes and endings, cell by cell: what ends an episode of which purpose, and with what it ends."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from deploy.generated.episodes_page import episodes_page
from schemas.instants import to_datetime
from schemas.trigger import Purpose
from streams.core import facts as f
from streams.core.barred import barred_by
from streams.core.episodes import Assessment, _closing, _holds, close
from streams.core.erasure import retraction, unserve
from streams.core.published import Cause
from streams.core.purposes import ENDINGS, GROUNDS, OBLIGATIONS, PURPOSES, served
from streams.core.purposes import Cause as EndingCause
from streams.core.state import NEVER, State
from streams.core.steps import Step
from streams.core.wording import CODES
from streams.policies import load_policy
from tests.builders import START
from tests.unit.test_dial import trigger

ROOT = Path(__file__).parents[3]
DAY = 86_400_000
NOW = START
POLICY = load_policy("default")
ALWAYS = ("deceased", "do_not_call", "cancellation_confirmed", "answered", "time_over")
HOT, COLD = (Assessment({}, {}, score, None, POLICY.parameters, CODES) for score in (0.9, 0.0))


def open_state(purpose: Purpose) -> State:
    """An episode that goes on: its ground is there, nobody objects, and there is time."""
    state = State(requested_at=NOW, served_request_at=NOW, stage=f.REQUESTED, stage_at=NOW)
    record: dict[str, Any] = trigger("t").model_dump()
    record |= {"purpose": purpose, "created_at": to_datetime(NOW), "expires_at": to_datetime(NOW + 2 * DAY)}
    state.episode = orjson.dumps(record)
    return state


def end_by(state: State, cause: EndingCause) -> tuple[int, Cause, Assessment]:
    """Lets the cause happen: time (ms), what made us look, and the customer's picture."""
    now, because, seen = NOW + 1000, Cause("c", NOW + 1000, "call:1:1", -1), HOT
    match cause:
        case "deceased":
            state.deceased = 1
        case "do_not_call":
            state.objected_at = now
        case "cancellation_confirmed":
            state.ended_at = now
        case "contract_ended":
            state.stage, state.stage_at = 0, NEVER
            state.served_contract, state.contracts = 7, (Step(now, f.CONFIRMED, 0, 0, 7),)
        case "answered":
            because = because._replace(answered=True)
        case "time_over":
            now += 3 * DAY
        case "request_given":
            state.given_at = now
        case "request_withdrawn":
            state.requested_at = NEVER
        case "stage_left":
            state.stage = f.WITHDRAWN
        case "cooled_down":
            seen = COLD
    return now, because, seen


def closing(state: State, now: int, because: Cause, seen: Assessment) -> EndingCause | None:
    return _closing(state, POLICY, now, because, seen, barred_by(state))


def test_the_tables_are_complete() -> None:
    assert set(PURPOSES) == set(get_args(Purpose))
    assert set(ENDINGS) == set(get_args(EndingCause))
    strengths = [rules.strength for rules in PURPOSES.values()]
    assert strengths == sorted(strengths, reverse=True), "from the strongest to the weakest"
    assert len(set(strengths)) == len(strengths)
    assert {end for rules in PURPOSES.values() for end in rules.ends} == set(ENDINGS) - {*ALWAYS, "erased"}
    assert {rules.ground for rules in PURPOSES.values()} == set(GROUNDS)
    assert [purpose for purpose, _, _ in OBLIGATIONS] == ["requested_callback", "save"]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_episode_goes_on_while_nothing_ends_it(purpose: Purpose) -> None:
    assert closing(open_state(purpose), NOW + 1000, Cause("c", NOW + 1000, "call:1:1", -1), HOT) is None


@pytest.mark.parametrize(("purpose", "cause"), list(product(PURPOSES, [c for c in ENDINGS if c != "erased"])))
def test_each_cause_ends_the_episodes_that_the_tables_say(purpose: Purpose, cause: EndingCause) -> None:
    state = open_state(purpose)
    now, because, seen = end_by(state, cause)
    ended = closing(state, now, because, seen)
    if cause == "cancellation_confirmed" or cause in ALWAYS or cause in PURPOSES[purpose].ends:
        assert ended == cause
        record = orjson.loads(close(state, because, now, cause).value)
        assert (record["status"], record["status_reason"]) == ENDINGS[cause][:2]
        assert record["sequence"] == 2
        assert not state.episode
    else:
        assert ended is None


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_erasure_takes_an_episode_back_and_lets_its_ground_count_again(purpose: Purpose) -> None:
    state = open_state(purpose)
    state.served_request_at = state.served_stage_at = state.scored_at = NOW
    output = retraction(state, Cause("c", NOW, "erasure:1", -1), NOW)
    assert output is not None
    record = orjson.loads(output.value)
    assert (record["status"], record["status_reason"]) == ENDINGS["erased"][:2]
    assert record["phone_e164"] is None
    unserve(state, purpose)
    own = PURPOSES[purpose].ground
    assert {ground.served: served(state, ground) for ground in GROUNDS} == {
        ground.served: NEVER if ground is own else NOW for ground in GROUNDS
    }


@pytest.mark.parametrize("cause", [*ALWAYS, "erased"])
def test_a_cause_of_every_episode_is_not_asked_of_one_purpose(cause: EndingCause) -> None:
    with pytest.raises(ValueError, match="asked elsewhere"):
        _holds(cause, State(), POLICY, HOT)


def test_an_unknown_purpose_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        unserve(State(), "win_back")  # type: ignore[arg-type]


def test_whoever_names_the_purposes_names_them_all() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    row = next(line for line in glossary.splitlines() if line.startswith("| purpose |"))
    migrations = sorted((ROOT / "sinks" / "clickhouse" / "migrations").glob("*.sql"))
    columns = "".join(file.read_text(encoding="utf-8") for file in migrations)
    comment = [text for text in re.findall(r"'([^']*)'", columns) if "requested_callback" in text][-1]
    for purpose in PURPOSES:
        assert f"`{purpose}`" in row
        assert purpose in comment, "a new migration says what the column may hold"


def test_the_page_shows_every_cell() -> None:
    page = episodes_page()
    assert all(f"`{name}`" in page for name in (*PURPOSES, *ENDINGS))
