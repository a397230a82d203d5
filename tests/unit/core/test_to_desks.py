"""What signals workers tell the desks: decisions as they were published, and each outcome once, before what is decided upon it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.core.engine import Batch, Clock
from streams.core.erasure import Erasure
from streams.core.published import Output
from streams.core.release.decode import candidate
from streams.core.release.inputs import Decided, Erased, Reported, Withdrawn
from streams.core.to_desks import decision_json, decision_of
from tests.builders import (
    DAY,
    HOUR,
    START,
    Partition,
    call,
    cancellation,
    default_policy,
    erasure,
    outcome,
    profile,
    survey,
)
from tests.desks import Timeline, decided

T = START
REQUEST = {"callback_requested": True}


def decisions(timeline: Partition) -> list[Output]:
    return [output for output in timeline.outputs if output.kind == "trigger"]


def told(states: dict[str, bytes], *records: Any) -> list[Output]:
    """What one batch says for whom desks make the calls; `states` are taken over."""
    batch = Batch(states, default_policy(), Clock(T), Erasure(b"the key of every timeline", DAY), desks=True)
    batch.take(records, -1)
    result = batch.result()
    for customer, data in result.states.items():
        if data is None:
            del states[customer]
        else:
            states[customer] = data
    return result.outputs


@pytest.mark.parametrize(
    ("end", "what"),
    [
        (cancellation(T + HOUR, stage="confirmed"), Withdrawn),
        (outcome(T + HOUR), Withdrawn),
        (erasure(T + HOUR), Erased),
    ],
)
def test_a_decision_is_read_as_it_was_made(end: Any, what: type[Any]) -> None:
    timeline = Partition()
    timeline.feed(profile(T - DAY, phone_e164="+31201234567", country_code="NL"), survey(T, **REQUEST))
    timeline.feed(end)
    made = [decision_of(output, 3) for output in decisions(timeline)]
    read = [candidate(decision_json(output, 3), 0, {}) for output in decisions(timeline)]
    assert [type(body) for body in made] == [Decided, what]
    assert [each.body for each in read] == made
    assert not any(each.unknown_fields for each in read)


def test_an_open_trigger_goes_along_byte_for_byte() -> None:
    timeline = Partition()
    timeline.feed(survey(T, **REQUEST))
    (output,) = decisions(timeline)
    record = decision_json(output, 3)
    assert record is not None
    assert output.value in record


def test_of_what_is_over_by_time_nothing_is_said() -> None:
    timeline = Partition()
    timeline.feed(survey(T, **REQUEST))
    timeline.advance(T + 60 * DAY)
    last = decisions(timeline)[-1]
    assert last.status == "expired"
    assert decision_json(last, 0) is None


def test_an_outcome_is_passed_on_once_and_before_what_is_decided_upon_it() -> None:
    states: dict[str, bytes] = {}
    told(states, survey(T, **REQUEST))
    answered = outcome(T + HOUR, started_at="2026-01-01T00:00:00Z")
    first = told(states, answered)
    assert [output.kind for output in first] == ["candidate", "trigger", "signals"]
    body = candidate(first[0].value, 0, {}).body
    assert isinstance(body, Reported)
    assert (body.trigger_id, body.attempt, body.disposition) == ("t", 1, "ANSWERED_HUMAN")
    assert (body.placed_at, body.customer_id) == (1_767_225_600_000, "c1")
    assert told(states, answered) == []


def test_an_outcome_that_changes_nothing_of_the_episode_is_passed_on_too() -> None:
    states: dict[str, bytes] = {}
    told(states, survey(T, **REQUEST))
    outputs = told(states, outcome(T + HOUR, "NO_ANSWER"))
    assert [output.kind for output in outputs if output.kind != "signals"] == ["candidate"]
    assert "candidate" not in {output.kind for output in told(states, call(T + HOUR))}


def test_who_is_erased_is_forgotten_by_every_desk_though_nothing_is_open_here() -> None:
    states: dict[str, bytes] = {}
    told(states, call(T))
    outputs = told(states, erasure(T + HOUR))
    (output,) = [output for output in outputs if output.kind == "candidate"]
    assert candidate(output.value, 0, {}).body == Erased(customer_id="c1")
    assert told(states, erasure(T + HOUR)) == []


def test_where_signals_workers_publish_themselves_no_outcome_is_passed_on() -> None:
    timeline = Partition()
    timeline.feed(survey(T, **REQUEST), outcome(T + HOUR))
    assert {output.kind for output in timeline.outputs} == {"trigger", "signals"}


@pytest.mark.parametrize(
    ("whose", "counted"), [("customer-of-t1", None), ("", None), ("somebody-else", "other_customer")]
)
def test_an_outcome_about_somebody_else_changes_nothing_of_a_trigger(whose: str, counted: str | None) -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(desk.at + HOUR)
    desk.feed(Reported("t1", 1, "ANSWERED_HUMAN", customer_id=whose))
    assert (desk.counts.get(("ignored", "other_customer"), 0) == 1) == (counted is not None)
    ends = [orjson.loads(output.value)["status"] for output in desk.outputs if output.kind == "trigger"]
    assert ("completed" in ends) == (counted is None)
