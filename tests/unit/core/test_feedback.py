"""How a trigger ended at its desk, fed back: the episode closes as time closes one, and what may be asked next is asked."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas import topics
from streams.core.dead_letter_limit import DeadLetterLimit
from streams.core.feedback import KIND, decode_feedback, feedback_of
from streams.core.policy import Policy
from streams.core.records import Decoded, Feedback, Record
from streams.core.release.inputs import Reported, Withdrawn
from streams.core.release.places import ENDS
from tests.builders import (
    DAY,
    HOUR,
    START,
    Partition,
    call,
    cancellation,
    default_policy,
    ms,
    outcome,
    survey,
)
from tests.desks import MONDAY, SECOND, Timeline, decided

T = START
REQUEST = {"callback_requested": True}
WITHOUT_A_TALK = tuple(end for end in ENDS if end != "completed")


def told(trigger: dict[str, Any], end: str = "failed", *, at: int = T + DAY, **changed: Any) -> Feedback:
    """How the desk tells that this trigger has ended."""
    fields = {
        "customer_id": trigger["customer_id"],
        "trigger_id": trigger["trigger_id"],
        "sequence": 2,
        "decision_sequence": trigger["sequence"],
        "end": end,
        "at": at,
    }
    return Feedback(**(fields | changed))


def again_after(end: str) -> Policy:
    """The policy of timelines, by which the ground counts again after this end."""
    body = default_policy().model_dump()
    skills = {handling["skill"] for handling in body["purposes"].values()}
    hours = [{"days": ["mon"], "opens": "00:00", "closes": "24:00", "attempts": 1}]
    skill = {"mode": "live", "staffed": hours, "most_outstanding": 1, "source": "a timeline"}
    body["release"] = {
        "time_zone": "UTC",
        "skills": dict.fromkeys(sorted(skills), skill),
        "again_after": {end: True},
        "source": "a timeline",
    }
    return Policy.model_validate(body)


def dissatisfied(partition: Partition, at: int = T) -> dict[str, Any]:
    """A customer whose score opens an episode: its trigger."""
    partition.feed(
        call(at, resolved=False, event_id="first"),
        call(at + HOUR, resolved=False, event_id="second"),
        survey(at + 2 * HOUR, csat=1, ces=1, answered=False, event_id="third"),
    )
    trigger = partition.triggers()[-1]
    assert (trigger["purpose"], trigger["status"]) == ("service_recovery", "open")
    return trigger


def results(partition: Partition) -> dict[str, int]:
    return {result: number for (kind, result), number in partition.counts.items() if kind == "feedback"}


@pytest.mark.parametrize("end", WITHOUT_A_TALK)
def test_an_end_without_a_talk_leaves_what_time_leaves(end: str) -> None:
    by_time, by_desk = Partition(), Partition()
    trigger = dissatisfied(by_time)
    assert dissatisfied(by_desk)["trigger_id"] == trigger["trigger_id"]
    expires = ms(trigger["expires_at"])
    by_time.advance(expires)
    by_desk.advance(expires - 1)
    by_desk.feed(feedback=[told(trigger, end, at=expires)])
    by_desk.advance(expires)
    assert by_time.triggers()[-1]["status"] == "expired"
    ledger = ("episode", "scored_at", "cooldown_until", "served_request_at", "served_stage_at", "given_at")
    for name in ledger:
        assert getattr(by_desk.state(), name) == getattr(by_time.state(), name), name
    # A new ground within the rest opens nothing, and after it an episode, be it the one or the other way.
    later = ms(trigger["created_at"]) + 13 * DAY
    for partition in (by_time, by_desk):
        dissatisfied_again = [call(later + n * HOUR, resolved=False) for n in range(3)]
        partition.feed(*dissatisfied_again)
        assert len({each["trigger_id"] for each in partition.triggers()}) == 1
        partition.advance(later + 2 * DAY)
    assert by_desk.story()[-1] == by_time.story()[-1] == ("service_recovery", "open", 1)


def test_nothing_is_published_of_it_and_no_clock_moves() -> None:
    partition = Partition()
    trigger = dissatisfied(partition)
    now, said = partition.clock.now, len(partition.outputs)
    partition.feed(feedback=[told(trigger, at=T + 3 * DAY)])
    assert (partition.clock.now, len(partition.outputs)) == (now, said)
    assert not partition.state().episode
    assert results(partition) == {"accepted": 1}


def test_it_counts_once_and_only_for_what_is_open() -> None:
    partition = Partition()
    trigger = dissatisfied(partition)
    before = dict(partition.states)
    partition.feed(feedback=[told(trigger, trigger_id="another"), told(trigger, customer_id="nobody")])
    assert partition.states == before
    partition.feed(feedback=[told(trigger)])
    closed = dict(partition.states)
    partition.feed(feedback=[told(trigger), told(trigger, "expired", sequence=3)])
    assert partition.states == closed
    assert results(partition) == {"accepted": 1, "duplicate": 4}


def test_it_comes_last_among_what_is_merged_at_one_time() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST))
    [trigger] = partition.triggers()
    partition.feed(outcome(T + HOUR), feedback=[told(trigger, "completed", at=T + HOUR)])
    assert partition.story() == [("requested_callback", "open", 1), ("requested_callback", "completed", 2)]
    assert results(partition) == {"duplicate": 1}


def test_a_weaker_ground_that_waited_opens_at_once() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST), cancellation(T + HOUR))
    [trigger] = partition.triggers()
    partition.feed(feedback=[told(trigger, at=T + HOUR)])
    assert partition.story() == [("requested_callback", "open", 1), ("save", "open", 1)]
    assert partition.triggers()[1]["trigger_id"] != trigger["trigger_id"]


def test_served_by_another_contact_gives_the_rest_that_a_talk_gives() -> None:
    partition = Partition()
    trigger = dissatisfied(partition)
    partition.feed(feedback=[told(trigger, "completed", at=T + DAY)])
    assert partition.state().cooldown_until == T + DAY + 14 * DAY


@pytest.mark.parametrize("end", WITHOUT_A_TALK)
@pytest.mark.parametrize("again", [False, True])
def test_whether_the_same_ground_counts_again_is_the_policys_to_say(end: str, again: bool) -> None:
    partition = Partition(again_after(end) if again else None)
    trigger = dissatisfied(partition)
    partition.feed(feedback=[told(trigger, end)])
    assert len(partition.triggers()) == 1, "one decision must not make the next"
    partition.feed(call(T + 2 * DAY, resolved=True))
    opened = [each for each in partition.triggers() if each["trigger_id"] != trigger["trigger_id"]]
    assert [each["purpose"] for each in opened] == ["service_recovery"] * again


def test_what_expired_counts_again_whether_the_desk_or_time_says_so_first() -> None:
    late, early = Partition(again_after("expired")), Partition(again_after("expired"))
    for partition in (late, early):
        trigger = dissatisfied(partition)
    expires = ms(trigger["expires_at"])
    early.advance(expires - 1)
    early.feed(feedback=[told(trigger, "expired", at=expires)])
    for partition in (late, early):
        partition.advance(expires + HOUR)
        partition.feed(
            feedback=[told(trigger, "expired", at=expires)]
        )  # for the one a duplicate, for the other late
        partition.feed(call(expires + 2 * HOUR, resolved=False, event_id="k"))
    ids = [{each["trigger_id"] for each in partition.triggers()} for partition in (late, early)]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_a_request_whose_time_is_over_does_not_count_again() -> None:
    partition = Partition(again_after("expired"))
    partition.feed(survey(T, **REQUEST))
    partition.advance(T + 169 * HOUR)
    partition.feed(call(T + 170 * HOUR))
    assert partition.story() == [("requested_callback", "open", 1), ("requested_callback", "expired", 2)]


def test_a_talk_before_goes_on_to_serve_what_it_served() -> None:
    partition = Partition(again_after("failed"))
    partition.feed(survey(T, **REQUEST), outcome(T + HOUR), survey(T + 30 * DAY, **REQUEST))
    trigger = partition.triggers()[-1]
    partition.feed(feedback=[told(trigger, at=T + 30 * DAY)], advance_to=T + 31 * DAY)
    state = partition.state()
    assert state.served_request_at == state.given_at == T + HOUR


def test_an_end_that_crossed_an_upgrade_waits_for_the_desks_answer_to_it() -> None:
    partition = Partition()
    trigger = dissatisfied(partition)
    partition.feed(survey(T + 3 * HOUR, **REQUEST))
    upgraded = partition.triggers()[-1]
    assert (upgraded["trigger_id"], upgraded["sequence"]) == (trigger["trigger_id"], 2)
    partition.feed(feedback=[told(trigger)])
    assert partition.state().episode
    partition.feed(feedback=[told(upgraded, sequence=3, ended_before=True)])
    opened = partition.triggers()[-1]
    assert (opened["purpose"], opened["status"], opened["sequence"]) == ("requested_callback", "open", 1)
    assert opened["trigger_id"] != trigger["trigger_id"]
    assert results(partition) == {"crossed": 1, "accepted": 1}


# -- as the desk writes it ----------------------------------------------------------------------------------------


def test_a_record_of_an_end_is_feedback_and_no_other_is() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.feed(Reported("t1", 1, "INVALID_NUMBER"))
    opened, ended = (output.value for output in desk.outputs)
    assert feedback_of(opened) is None
    assert feedback_of(ended) == Feedback(
        "customer-of-t1", "t1", 2, 1, "failed", MONDAY + SECOND, skill="service"
    )


def test_an_end_at_a_desk_that_has_it_no_more_leaves_the_episode_open() -> None:
    partition = Partition()
    partition.feed(survey(T, **REQUEST))
    (trigger,) = partition.triggers()
    partition.feed(feedback=[told(trigger, "retracted", skill="another_desks")])
    assert partition.state().episode
    partition.feed(feedback=[told(trigger, "retracted", skill=trigger["skill"])])
    assert not partition.state().episode
    assert results(partition) == {"crossed": 1, "accepted": 1}


def test_a_decision_that_crossed_the_end_is_answered_as_such() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), Withdrawn("t1", 2, "cooled_down"), decided("t1", 3))
    records = desk.said("t1")
    assert [(each["status"], each["status_reason"]) for each in records] == [
        ("suppressed", "cooled_down"),
        ("suppressed", "ended_before"),
    ]
    found = feedback_of(orjson.dumps(records[-1]))
    assert found is not None
    assert (found.decision_sequence, found.ended_before) == (3, True)


def record(value: bytes | None) -> Decoded:
    return decode_feedback(Record(topics.TRIGGERS, 0, 7, T, b"c1", value))


def test_a_record_of_the_desk_closes_the_episode_as_what_it_says() -> None:
    """As it lies in the topic, among events, moving no clock."""
    timeline = Partition()
    timeline.feed(survey(T, **REQUEST))
    (opened,) = timeline.triggers()
    end = opened | {
        "status": "failed",
        "sequence": 4,
        "decision_sequence": 1,
        "updated_at": "2030-01-01T00:00:00Z",
    }
    now = timeline.clock.now
    decoded = record(orjson.dumps(end))
    assert (decoded.at, decoded.reject) == (ms("2030-01-01T00:00:00Z"), None)
    timeline.feed(decoded, decoded)
    assert not timeline.state().episode
    assert timeline.clock.now == now
    assert timeline.counts[KIND, "accepted"] == timeline.counts[KIND, "duplicate"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "open", "decision_sequence": 1},
        {"status": "claimed", "decision_sequence": 1},
        {"status": "retracted"},
        {"status": "retracted", "decision_sequence": None},
    ],
)
def test_what_is_no_end_and_what_signals_workers_published_themselves_means_nothing(
    changed: dict[str, Any],
) -> None:
    timeline = Partition()
    timeline.feed(survey(T, **REQUEST))
    (opened,) = timeline.triggers()
    counts = dict(timeline.counts)
    decoded = record(orjson.dumps(opened | {"sequence": 2} | changed))
    assert (decoded.told, decoded.reject) == (None, None)
    timeline.feed(decoded)
    assert timeline.state().episode
    assert timeline.counts == counts
    assert DeadLetterLimit(max_run=1).count([decoded] * 9, {}) == {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"status": "failed", "decision_sequence": 1, "customer_id": 7}',
        b'{"status": "failed", "decision_sequence": 1}',
    ],
)
def test_what_is_no_record_of_a_trigger_is_a_dead_letter(value: bytes | None) -> None:
    timeline = Partition()
    decoded = record(value)
    assert decoded.reject is not None
    assert timeline.feed(decoded).rejects == [decoded]
