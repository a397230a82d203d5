"""What is said in a callback, as timelines: it lowers or raises the score, fades, gives way to a correction, and may open anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.core.facts import DISPOSITIONS, OUTCOME, RESULTS, Fact
from streams.core.policy import Policy
from streams.core.records import Decoded
from streams.core.state import VERSION
from streams.core.talks import left_open
from streams.operations.fact_text import text_of
from tests.builders import (
    DAY,
    HOUR,
    START,
    Partition,
    call,
    default_policy,
    iso,
    ms,
    outcome,
    survey,
    with_weights,
)

T = START
SIGNALS = ("recovered", "unresolved_callback", "will_leave_said")
TALKS = with_weights(default_policy(), recovered=-1.5, unresolved_callback=2.5, will_leave_said=5.0)
BEFORE = Path(__file__).parents[2] / "data" / "states" / "talk.version-4.bin"
"""A callback that was asked for at `T` and given an hour later by `o1`, which left the customer satisfied: as version 4 wrote it."""


def said(partition: Partition, at: int) -> tuple[float, ...]:
    return tuple(partition.reading(name, at) for name in SIGNALS)


def judging_everything(policy: Policy) -> Policy:
    plain = Policy.model_validate(policy.model_dump())
    plain.outlook.shortcuts = False
    return plain


@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("result", RESULTS)
def test_only_who_was_reached_has_said_anything(disposition: str, result: str) -> None:
    partition = Partition()
    partition.feed(outcome(T, disposition, result=result))
    reached = disposition in ("ANSWERED_HUMAN", "REFUSED")
    expected = {
        "satisfied": (1, 0, 0),
        "unresolved": (0, 1, 0),
        "will_leave": (0, 0, 1),
        "competitor": (0, 0, 1),
    }
    assert said(partition, T) == (expected.get(result, (0, 0, 0)) if reached else (0, 0, 0))
    [fact] = partition.state().facts
    assert left_open(fact) == (reached and result in ("unresolved", "will_leave", "competitor"))
    assert not left_open(fact._replace(kind=1))
    assert (partition.state().given_at == T) == reached


def bands(partition: Partition) -> list[tuple[str, int]]:
    return [(each["band"], ms(each["as_of"])) for each in partition.signals()]


def upset(at: int, **fields: Any) -> Decoded:
    """A survey that raises logit(score) by 3.0, and half as much from 14 days on."""
    return survey(at, csat=1, ces=1, answered=False, **fields)


EITHER = pytest.mark.parametrize(
    "road", [Policy.model_copy, judging_everything], ids=["as it runs", "every event judged"]
)


@EITHER
def test_who_was_satisfied_is_calm_until_that_fades_though_nothing_arrives(
    road: Callable[[Policy], Policy],
) -> None:
    partition = Partition(road(TALKS))
    partition.feed(outcome(T, result="satisfied"), upset(T + DAY), advance_to=T + 90 * DAY)
    # -3.6 + 3.0 - 1.5 is calm, -3.6 + 3.0 - 0.75 is not; a day later the survey fades too
    assert bands(partition) == [("watch", T + 14 * DAY), ("calm", T + 15 * DAY)]


@EITHER
def test_who_was_satisfied_cools_down_when_a_complaint_fades_first(road: Callable[[Policy], Policy]) -> None:
    partition = Partition(road(with_weights(default_policy(), recovered=-0.5)))
    partition.feed(
        survey(T, csat=1),
        survey(T + 8 * DAY, ces=1),
        outcome(T + 9 * DAY, result="satisfied"),
        advance_to=T + 90 * DAY,
    )
    # -3.6 + 1.1 + 0.9 is `watch`, and stays so by the hysteresis with -0.5; then the first survey counts half, before the talk does
    assert bands(partition) == [("watch", T + 8 * DAY), ("calm", T + 14 * DAY)]


def test_who_says_that_they_will_leave_is_red_at_once_and_half_as_much_so_a_half_life_later() -> None:
    partition = Partition(TALKS)
    partition.feed(outcome(T, result="competitor"), advance_to=T + 90 * DAY)
    first, *_ = partition.signals()
    assert (first["band"], ms(first["as_of"])) == ("red", T)
    assert [each["signal"] for each in first["drivers"]] == ["will_leave_said"]
    assert bands(partition) == [("red", T), ("watch", T + 14 * DAY), ("calm", T + 28 * DAY)]
    assert partition.triggers() == [], "the rest after a talk holds, whatever was said"


REST = 14 * DAY
ANEW = with_weights(default_policy(), recovered=-0.5, unresolved_callback=30, will_leave_said=30)
"""What was left open reaches `open_at` for four half-lives."""
GIVEN = ("requested_callback", "open", 1), ("requested_callback", "completed", 2)


def called_back(result: str, **fields: Any) -> Partition:
    """A callback that was asked for at `T` and given an hour later."""
    partition = Partition(ANEW)
    partition.feed(
        survey(T, callback_requested=True), outcome(T + HOUR, event_id="o1", result=result, **fields)
    )
    return partition


@pytest.mark.parametrize(
    ("result", "reason"), [("unresolved", "unresolved_callback"), ("will_leave", "will_leave_said")]
)
def test_what_a_talk_left_open_opens_an_episode_of_its_own_once_the_rest_is_over(
    result: str, reason: str
) -> None:
    partition = called_back(result)
    partition.advance(T + HOUR + REST - 1)
    assert partition.story() == [*GIVEN]
    partition.advance(T + HOUR + REST)
    assert partition.story() == [*GIVEN, ("service_recovery", "open", 1)]
    given, *_, opened = partition.triggers()
    assert opened["trigger_id"] != given["trigger_id"]
    assert (opened["reason_code"], opened["cause_event_id"]) == (reason, None)
    assert ms(opened["created_at"]) == T + HOUR + REST
    partition.advance(T + 90 * DAY)
    assert [status for _, status, _ in partition.story()].count("open") == 2, "it is served by that"


@pytest.mark.parametrize("result", ["satisfied", "other", "unknown"])
def test_a_talk_that_left_nothing_open_opens_nothing(result: str) -> None:
    partition = called_back(result)
    partition.advance(T + 90 * DAY)
    assert partition.story() == [*GIVEN]


@pytest.mark.parametrize("in_order", [True, False])
def test_a_later_talk_that_settles_it_takes_the_ground_away(in_order: bool) -> None:
    talks = [outcome(T + HOUR, result="unresolved"), outcome(T + DAY, result="satisfied")]
    partition = Partition(ANEW)
    partition.feed(survey(T, callback_requested=True), *(talks if in_order else reversed(talks)))
    partition.advance(T + 90 * DAY)
    assert partition.story() == [*GIVEN]


def test_a_contact_after_the_rest_is_a_ground_as_before() -> None:
    partition = called_back("unknown")
    partition.feed(upset(T + 20 * DAY), call(T + 20 * DAY + 1, cancel_intent=True))
    assert partition.story() == [*GIVEN, ("service_recovery", "open", 1)]


def corrected(result: str, made: int) -> Decoded:
    return outcome(T + HOUR, event_id="o1", result=result, revised_at=iso(made), ingested=made)


def test_a_corrected_result_takes_back_what_was_said() -> None:
    partition = called_back("will_leave")
    assert said(partition, T + HOUR) == (0, 0, 1)
    assert bands(partition)[-1] == ("red", T + HOUR)
    partition.feed(corrected("satisfied", T + DAY))
    assert said(partition, T + DAY) == (1, 0, 0)
    assert bands(partition)[-1][0] == "calm"
    partition.advance(T + 90 * DAY)
    assert partition.story() == [*GIVEN]


def test_a_correction_that_leaves_it_open_after_all_opens_an_episode() -> None:
    partition = called_back("satisfied")
    partition.feed(call(T + 15 * DAY, resolved=True, customer="other"))
    partition.feed(corrected("unresolved", T + 15 * DAY))
    assert partition.story() == [*GIVEN, ("service_recovery", "open", 1)]
    assert partition.triggers()[-1]["cause_event_id"] == "o1"


def test_a_corrected_disposition_takes_the_talk_back() -> None:
    partition = called_back("unresolved")
    partition.feed(
        outcome(T + HOUR, "WRONG_PARTY", event_id="o1", result="unresolved", revised_at=iso(T + DAY))
    )
    assert said(partition, T + DAY) == (0, 0, 0)
    assert partition.state().request_open


def test_what_was_refused_is_a_talk_that_ends_the_episode_and_gives_a_rest() -> None:
    partition = Partition()
    partition.feed(survey(T, callback_requested=True), outcome(T + HOUR, "REFUSED"))
    assert partition.story() == [*GIVEN]
    assert partition.state().cooldown_until == T + HOUR + REST


@pytest.mark.parametrize(
    "disposition", ["WRONG_PARTY", "LEFT_MESSAGE", "TECHNICAL_FAILURE", "STOPPED", "TOO_LATE"]
)
def test_what_was_no_talk_leaves_the_episode_open(disposition: str) -> None:
    partition = Partition()
    partition.feed(survey(T, callback_requested=True), outcome(T + HOUR, disposition))
    assert partition.story() == [GIVEN[0]]


def test_a_talk_of_a_version_before_says_nothing_until_it_is_read_again() -> None:
    data = BEFORE.read_bytes()
    assert data[0] == 4
    partition = Partition(TALKS)
    partition.states["c1"] = data
    partition.clock.now = T + HOUR
    assert said(partition, T + HOUR) == (0, 0, 0)
    assert text_of(partition.state().facts[-1]) == "answered human"
    partition.feed(call(T + 2 * HOUR))
    assert partition.states["c1"][0] == VERSION
    assert said(partition, T + 2 * HOUR) == (0, 0, 0)
    partition.feed(outcome(T + HOUR, event_id="o1", result="satisfied"))
    assert said(partition, T + 2 * HOUR) == (1, 0, 0)
    assert text_of(partition.state().facts[-2]) == "answered human, result satisfied"
    assert partition.outputs == [], "it was given already"


def test_a_talk_beside_a_contact_of_the_same_millisecond_serves_that_contact() -> None:
    for talk in ("satisfied", "unresolved"):
        partition = Partition(ANEW)
        partition.feed(call(T), outcome(T, result=talk), call(T - 1))
        assert partition.state().scored_at == (T if talk == "satisfied" else T - 1)


def test_a_fact_says_which_result_it_has_and_nothing_of_one_that_is_not_known() -> None:
    for number, result in enumerate(RESULTS):
        fact = Fact(T, 1, OUTCOME, DISPOSITIONS.index("BUSY"), number, 0, 0, 0, 0)
        assert text_of(fact) == ("busy" if result == "unknown" else f"busy, result {result}")
