"""Episodes as timelines: what asks for a call, takes it over and ends it, and the rest that follows."""

from typing import Any

import pytest

from streams.core.records import Decoded
from tests.builders import (
    DAY,
    HOUR,
    START,
    Partition,
    call,
    cancellation,
    default_policy,
    iso,
    ms,
    outcome,
    profile,
    survey,
)

T = START
REQUEST = {"callback_requested": True}


def dissatisfied(at: int, **fields: Any) -> list[Decoded]:
    """Enough for the score to open: two unresolved contacts, and a very low grade."""
    return [
        call(at, resolved=False, **fields),
        call(at + HOUR, resolved=False, **fields),
        survey(at + 2 * HOUR, csat=1, ces=1, answered=False, **fields),
    ]


def test_a_request_is_ordered_at_once_with_what_a_dialer_needs() -> None:
    partition = Partition()
    partition.feed(
        profile(T - DAY, phone_e164="+31201234567", country_code="NL", language="nl", do_not_call=False),
        survey(T, **REQUEST, csat=2),
    )
    [trigger] = partition.triggers()
    assert partition.story() == [("requested_callback", "open", 1)]
    assert trigger["phone_e164"] == "+31201234567"
    assert trigger["language"] == "nl"
    assert ms(trigger["created_at"]) == ms(trigger["updated_at"]) == ms(trigger["not_before"]) == T
    assert ms(trigger["due_at"]) == T + 24 * HOUR
    assert ms(trigger["expires_at"]) == T + 168 * HOUR
    assert trigger["consent"]["basis"] == "customer_request"
    assert ms(trigger["consent"]["as_of"]) == T - DAY
    assert not trigger["offer_allowed"]
    assert len(trigger["trigger_id"]) == 26
    assert "c1" not in trigger["trigger_id"]
    [signals] = partition.signals()
    assert signals["signals"]["callback_pending"] == 1


def test_a_cancellation_that_can_be_withdrawn_is_ordered_until_it_takes_effect() -> None:
    partition = Partition()
    partition.feed(cancellation(T, effective_at=iso(T + 3 * DAY)))
    [trigger] = partition.triggers()
    assert partition.story() == [("save", "open", 1)]
    assert ms(trigger["expires_at"]) == T + 3 * DAY
    partition.advance(T + 3 * DAY - 1)
    assert len(partition.story()) == 1
    partition.advance(T + 3 * DAY)
    assert partition.story()[1:] == [("save", "expired", 2)]


def test_an_upgrade_keeps_the_id_and_the_birth() -> None:
    partition = Partition()
    partition.feed(*dissatisfied(T), cancellation(T + DAY), survey(T + 2 * DAY, **REQUEST))
    assert partition.story() == [
        ("service_recovery", "open", 1),
        ("save", "open", 2),
        ("requested_callback", "open", 3),
    ]
    assert len({t["trigger_id"] for t in partition.triggers()}) == 1
    assert len({t["created_at"] for t in partition.triggers()}) == 1


def test_a_weaker_ground_waits_until_the_stronger_episode_is_over() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), cancellation(T + HOUR))
    assert partition.story() == [("requested_callback", "open", 1)]
    partition.advance(T + 168 * HOUR)
    assert partition.story()[1:] == [("requested_callback", "expired", 2), ("save", "open", 1)]


def test_an_answer_completes_and_gives_rest() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), cancellation(T + HOUR), outcome(T + 3 * HOUR))
    assert partition.story() == [("requested_callback", "open", 1), ("requested_callback", "completed", 2)]
    partition.feed(*dissatisfied(T + 2 * DAY))
    assert len(partition.story()) == 2
    partition.advance(T + 3 * HOUR + 14 * DAY - 1)
    assert len(partition.story()) == 2
    partition.feed(*dissatisfied(T + 3 * HOUR + 14 * DAY))
    assert partition.story()[2:] == [("service_recovery", "open", 1)]


@pytest.mark.parametrize("disposition", ["NO_ANSWER", "BUSY", "MACHINE", "CALLBACK_LATER", "ABANDONED"])
def test_an_attempt_in_vain_leaves_the_episode_open(disposition: str) -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), outcome(T + HOUR, disposition))
    assert partition.story() == [("requested_callback", "open", 1)]


@pytest.mark.parametrize(
    ("last_word", "reason"),
    [
        (cancellation(T + DAY, "confirmed"), "cancellation_confirmed"),
        (cancellation(T + DAY, "inquiry", reason="deceased"), "deceased"),
        (outcome(T + DAY, "DO_NOT_CALL"), "do_not_call"),
        (profile(T + DAY, do_not_call=True), "do_not_call"),
    ],
)
def test_a_final_word_retracts_and_nothing_follows(last_word: Decoded, reason: str) -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), last_word)
    assert partition.story() == [("requested_callback", "open", 1), ("requested_callback", "retracted", 2)]
    assert partition.triggers()[-1]["status_reason"] == reason
    for day in range(2, 200, 20):
        at = T + day * DAY
        partition.feed(
            *dissatisfied(at), cancellation(at, "inquiry"), cancellation(at + 1), survey(at + 2, **REQUEST)
        )
    partition.restart()
    partition.advance(T + 400 * DAY)
    assert len(partition.story()) == 2


def test_a_profile_may_take_its_objection_back_but_an_objection_on_the_telephone_stays() -> None:
    partition = Partition()
    partition.feed(profile(T, do_not_call=True), survey(T + HOUR, **REQUEST))
    assert partition.story() == []
    partition.feed(profile(T + 2 * HOUR, do_not_call=False))
    assert partition.story() == [("requested_callback", "open", 1)]
    partition.feed(outcome(T + 3 * HOUR, "DO_NOT_CALL"), profile(T + 4 * HOUR, do_not_call=False))
    assert partition.story()[1:] == [("requested_callback", "retracted", 2)]


def test_a_withdrawn_cancellation_retracts_the_save_call_and_an_inquiry_does_not() -> None:
    partition = Partition()
    partition.feed(cancellation(T), cancellation(T + HOUR, "inquiry"))
    assert partition.story() == [("save", "open", 1)]
    partition.feed(cancellation(T + 2 * HOUR, "withdrawn"))
    assert partition.story()[1][1] == "retracted"
    assert partition.triggers()[1]["status_reason"] == "cancellation_withdrawn"


def test_the_score_opens_once_cools_down_to_the_millisecond_and_leaves_the_store() -> None:
    partition = Partition()
    partition.feed(call(T, resolved=False, reason="a"), survey(T, csat=1, answered=False, ces=1))
    [opened] = partition.triggers()
    assert opened["purpose"] == "service_recovery"
    assert opened["score"] >= 0.5
    assert [driver["signal"] for driver in opened["drivers"]] == ["low_csat", "not_answered", "high_effort"]
    partition.advance(T + 7 * DAY)
    assert partition.story() == [("service_recovery", "open", 1), ("service_recovery", "expired", 2)]
    bands = [s["band"] for s in partition.signals()]
    partition.advance(T + 14 * DAY - 1)
    assert [s["band"] for s in partition.signals()] == bands
    partition.advance(T + 14 * DAY)
    assert len(partition.signals()) == len(bands) + 1
    partition.advance(T + 90 * DAY - 1)
    assert "c1" in partition.states
    assert partition.signals()[-1]["band"] == "calm"
    partition.advance(T + 90 * DAY)
    assert partition.states == {}
    assert partition.clock.heap == []


def test_a_customer_who_cools_down_is_not_called_any_more() -> None:
    partition = Partition()
    partition.feed(survey(T, csat=1, ces=1, answered=False), call(T + 10 * DAY, resolved=False))
    assert partition.story() == [("service_recovery", "open", 1)]
    partition.advance(T + 14 * DAY - 1)
    assert len(partition.story()) == 1
    band = partition.signals()[-1]["band"]
    partition.advance(T + 14 * DAY)
    assert partition.story()[1:] == [("service_recovery", "retracted", 2)]
    assert partition.triggers()[1]["status_reason"] == "cooled_down"
    fallen = partition.signals()[-1]
    assert (fallen["previous_band"], ms(fallen["as_of"])) == (band, T + 14 * DAY)


def test_an_episode_does_not_flutter_between_the_two_thresholds() -> None:
    partition = Partition()
    partition.feed(survey(T, csat=1, ces=1, answered=False), call(T, event_id="k", resolved=False))
    partition.feed(call(T + HOUR, event_id="k", resolved=True))
    partition.advance(T + DAY)
    assert partition.story() == [("service_recovery", "open", 1)]


def test_after_the_cooldown_only_a_new_ground_opens_again() -> None:
    partition = Partition()
    partition.feed(*[call(T + i, resolved=False, reason="fault") for i in range(3)])
    partition.advance(T + 20 * DAY)
    assert partition.story() == [("service_recovery", "open", 1), ("service_recovery", "expired", 2)]
    partition.feed(outcome(T + 20 * DAY, "NO_ANSWER"))
    assert len(partition.story()) == 2
    partition.feed(call(T + 21 * DAY))
    assert partition.story()[2:] == [("service_recovery", "open", 1)]


def test_a_ground_given_within_the_cooldown_is_heard_when_it_ends() -> None:
    partition = Partition()
    partition.feed(*[call(T + i, resolved=False, reason="fault") for i in range(4)], call(T + 10 * DAY))
    opened = ms(partition.triggers()[0]["created_at"])
    partition.advance(opened + 14 * DAY - 1)
    assert len(partition.story()) == 2
    partition.advance(opened + 14 * DAY)
    assert partition.story()[2:] == [("service_recovery", "open", 1)]


def test_a_rest_longer_than_the_horizon_is_remembered() -> None:
    policy = default_policy().model_copy(update={"cooldown_days": 120.0})
    partition = Partition(policy)
    partition.feed(*dissatisfied(T))
    partition.advance(T + 119 * DAY)
    partition.feed(*dissatisfied(T + 119 * DAY))
    assert [status for _, status, _ in partition.story()] == ["open", "expired"]
    partition.advance(T + 121 * DAY)
    assert partition.story()[2:] == [("service_recovery", "open", 1)]
    partition.advance(T + 400 * DAY)
    assert partition.states == {}


def test_a_correction_that_lowers_the_score_retracts_the_call() -> None:
    partition = Partition()
    partition.feed(
        survey(T, event_id="s", csat=1, ces=1, answered=False), call(T, event_id="k", resolved=False)
    )
    assert partition.story() == [("service_recovery", "open", 1)]
    partition.feed(survey(T + HOUR, event_id="s", csat=5))
    assert partition.story()[1:] == [("service_recovery", "retracted", 2)]
    assert partition.triggers()[1]["status_reason"] == "cooled_down"


def test_repetition_says_nothing_and_is_counted() -> None:
    partition = Partition()
    asked = survey(T, **REQUEST)
    partition.feed(asked, asked)
    partition.feed(asked)
    assert len(partition.story()) == 1
    assert partition.counts == {("survey", "accepted"): 1, ("survey", "duplicate"): 2}


def test_a_corrected_survey_that_asks_again_after_the_call_is_a_call_of_its_own() -> None:
    partition = Partition()
    partition.feed(
        survey(T, event_id="s", **REQUEST), outcome(T + HOUR), survey(T + DAY, event_id="s", **REQUEST)
    )
    assert [status for _, status, _ in partition.story()] == ["open", "completed", "open"]
    first, _, second = partition.triggers()
    assert first["trigger_id"] != second["trigger_id"]
    assert second["sequence"] == 1


def test_a_request_known_too_late_is_recorded_as_expired_and_ends_no_other_call() -> None:
    partition = Partition()
    partition.feed(cancellation(T + 8 * DAY), survey(T, **REQUEST))
    assert partition.story() == [("save", "open", 1), ("requested_callback", "expired", 1)]
    assert len({t["trigger_id"] for t in partition.triggers()}) == 2
    partition.feed(cancellation(T + 9 * DAY, "withdrawn"))
    assert partition.story()[2:] == [("save", "retracted", 2)]


def test_an_answer_of_before_the_request_does_not_serve_it() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), outcome(T - HOUR))
    assert partition.story() == [("requested_callback", "open", 1)]


def test_drivers_explain_the_score() -> None:
    partition = Partition()
    partition.feed(*dissatisfied(T))
    trigger = partition.triggers()[0]
    shares = [driver["contribution"] for driver in trigger["drivers"]]
    assert shares == sorted(shares, reverse=True)
    assert all(share > 0 for share in shares)
    assert trigger["reason_code"] == trigger["drivers"][0]["signal"]
