"""The dialer's list as timelines: what is dialled, when, in which order, and what never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.trigger import CallbackTrigger
from streams.demo.dial_list import Answer, Call, DialList, outcome_of, simulated

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REACHED = Answer("ANSWERED_HUMAN", "satisfied", 3.0)
NO_ANSWER = Answer("NO_ANSWER")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def trigger(trigger_id: str = "t1", sequence: int = 1, **changes: Any) -> CallbackTrigger:
    fields: dict[str, Any] = {
        "trigger_id": trigger_id,
        "sequence": sequence,
        "status": "open",
        "status_reason": "callback_requested",
        "customer_id": f"c-{trigger_id}"[:64],
        "phone_e164": "+31201234567",
        "country_code": "NL",
        "time_zone": "Europe/Amsterdam",
        "language": "nl",
        "created_at": T0,
        "updated_at": T0,
        "not_before": T0,
        "due_at": T0 + minutes(120),
        "expires_at": T0 + minutes(600),
        "priority": 50,
        "purpose": "requested_callback",
        "offer_allowed": False,
        "skill": "service",
        "reason_code": "callback_requested",
        "score": 0.4,
        "drivers": (),
        "max_attempts": 3,
        "retry_delay_seconds": 3600,
        "consent": {"basis": "customer_request", "do_not_call": None, "as_of": None},
        "policy": "default/1@00000000",
    }
    return CallbackTrigger.model_validate(fields | changes)


def dialled(dial_list: DialList, now: datetime, answer: Answer = NO_ANSWER) -> list[tuple[str, int]]:
    calls = []
    while (call := dial_list.next_call(now)) is not None:
        dial_list.answered(call, answer)
        calls.append((call.trigger.trigger_id, call.attempt))
    return calls


def test_repeats_and_older_records_are_dropped_in_any_order() -> None:
    records = [trigger(), trigger(sequence=2, priority=80), trigger(sequence=3, status="retracted")]
    for order in permutations([*records, *records]):
        dial_list = DialList()
        for record in order:
            dial_list.take(record)
        assert dialled(dial_list, T0) == []
        assert dial_list.waiting == 0


def test_a_repeat_after_the_call_does_not_dial_again() -> None:
    dial_list = DialList()
    assert dial_list.take(trigger()) == "new"
    assert dialled(dial_list, T0, REACHED) == [("t1", 1)]
    assert dial_list.take(trigger()) == "repeat"
    assert dialled(dial_list, T0 + minutes(500)) == []
    assert dial_list.counts["repeat"] == 1


def test_nothing_is_dialled_before_its_time_or_from_expiry_on() -> None:
    dial_list = DialList()
    dial_list.take(trigger("early", not_before=T0 + minutes(30)))
    dial_list.take(trigger("late", not_before=T0 + minutes(30), expires_at=T0 + minutes(60)))
    assert dialled(dial_list, T0 + minutes(29)) == []
    assert dial_list.next_time() == T0 + minutes(30)
    assert dialled(dial_list, T0 + minutes(60)) == [("early", 1)]
    assert dial_list.counts["too_late"] == 1


def test_the_highest_priority_goes_first_then_what_is_due_first() -> None:
    dial_list = DialList()
    dial_list.take(trigger("low", priority=10))
    dial_list.take(trigger("later", priority=70, due_at=T0 + minutes(90)))
    dial_list.take(trigger("sooner", priority=70, due_at=T0 + minutes(15)))
    dial_list.take(trigger("high", priority=90))
    assert [name for name, _ in dialled(dial_list, T0)] == ["high", "sooner", "later", "low"]


def test_attempts_wait_for_the_delay_and_end_at_the_most_allowed() -> None:
    dial_list = DialList()
    dial_list.take(trigger(max_attempts=2))
    assert dialled(dial_list, T0) == [("t1", 1)]
    assert dialled(dial_list, T0 + minutes(59)) == []
    assert dialled(dial_list, T0 + minutes(60)) == [("t1", 2)]
    assert dialled(dial_list, T0 + minutes(300)) == []
    assert dial_list.counts["given_up"] == 1


def hours(*each: tuple[float, float]) -> tuple[tuple[datetime, datetime], ...]:
    """Windows, in hours after the beginning."""
    return tuple((T0 + timedelta(hours=opens), T0 + timedelta(hours=closes)) for opens, closes in each)


WINDOWS = {"callable": hours((0, 13), (24, 37), (48, 50)), "expires_at": T0 + timedelta(hours=50)}
"""Of three days, nine in the morning to ten in the evening, on the last one until eleven."""


def test_a_trigger_that_was_held_past_closing_time_waits_for_the_next_morning() -> None:
    dial_list = DialList()
    dial_list.take(trigger(**WINDOWS))
    late = T0 + timedelta(hours=13.75)  # a quarter to eleven in the evening
    assert dialled(dial_list, late) == []
    assert dial_list.next_time() == T0 + timedelta(hours=24)
    assert dialled(dial_list, T0 + timedelta(hours=23.99)) == []
    assert dialled(dial_list, T0 + timedelta(hours=24)) == [("t1", 1)]


def test_another_attempt_that_would_be_due_at_night_waits_for_the_morning() -> None:
    dial_list = DialList()
    dial_list.take(trigger(**WINDOWS, retry_delay_seconds=7_200))
    assert dialled(dial_list, T0 + timedelta(hours=12)) == [("t1", 1)]
    assert dial_list.next_time() == T0 + timedelta(hours=24)
    assert dialled(dial_list, T0 + timedelta(hours=14)) == []
    assert dialled(dial_list, T0 + timedelta(hours=24)) == [("t1", 2)]


def test_the_end_of_a_window_is_not_in_it() -> None:
    for at, made in ((13 - 1 / 3600, 1), (13, 0)):
        dial_list = DialList()
        dial_list.take(trigger(**WINDOWS))
        assert len(dialled(dial_list, T0 + timedelta(hours=at))) == made


def test_without_a_window_it_is_never_dialled_unless_an_update_has_one() -> None:
    dial_list = DialList()
    never = {"callable": (), "not_before": T0 + minutes(600)}
    dial_list.take(trigger(**never))
    assert dialled(dial_list, T0 + minutes(60)) == []
    dial_list.take(trigger(sequence=2, callable=hours((2, 3))))
    assert dialled(dial_list, T0 + minutes(60)) == []
    assert dialled(dial_list, T0 + minutes(120)) == [("t1", 1)]
    dial_list.take(trigger("other", **never))
    assert dialled(dial_list, T0 + minutes(600)) == []
    assert dial_list.counts["too_late"] == 2, "one after its attempt, one without any"


offsets = some.integers(0, 200).map(lambda quarters: T0 + minutes(15 * quarters))


@given(
    some.lists(
        some.tuples(
            some.none() | some.lists(offsets, max_size=8, unique=True),
            offsets,
            some.integers(1, 4),
            some.sampled_from([900, 3_600, 21_600]),
        ),
        min_size=1,
        max_size=4,
    ),
    some.lists(offsets, min_size=1, max_size=12),
    some.booleans(),
)
def test_every_call_is_in_a_window_of_its_trigger_and_none_is_missed(
    triggers: list[tuple[list[datetime] | None, datetime, int, int]], clock: list[datetime], jumps: bool
) -> None:
    """`jumps`: each call at its own instant, else at the instants of a clock that is looked at now and then."""
    dial_list, made = DialList(), []
    for number, (edges, updated, attempts, delay) in enumerate(triggers):
        each = None if edges is None else sorted(edges)
        windows = None if each is None else tuple(zip(each[::2], each[1::2], strict=False))
        first = windows[0][0] if windows else T0 + timedelta(days=3)
        dial_list.take(
            trigger(
                f"t{number}",
                callable=windows,
                not_before=T0 if windows is None else first,
                updated_at=updated,
                expires_at=T0 + timedelta(days=3),
                max_attempts=attempts,
                retry_delay_seconds=delay,
            )
        )
    for now in sorted(clock):
        if jumps:
            for call in dial_list.calls_until(now):
                dial_list.answered(call, NO_ANSWER)
                made.append(call)
        else:
            while (call := dial_list.next_call(now)) is not None:
                dial_list.answered(call, NO_ANSWER)
                made.append(call)
    for call in made:
        told = call.trigger.callable
        assert told is None or any(opens <= call.at < closes for opens, closes in told)
        assert call.at >= call.trigger.updated_at
    dialled_once = {call.trigger.trigger_id for call in made}
    for number, (_, updated, _, _) in enumerate(triggers):
        known = dial_list._entries[f"t{number}"].trigger
        seen = [now for now in sorted(clock) if now >= updated]
        open_then = [
            now for now in seen if known.callable is None or any(a <= now < b for a, b in known.callable)
        ]
        assert (f"t{number}" in dialled_once) or not open_then


def test_an_update_keeps_attempts_and_delay() -> None:
    dial_list = DialList()
    dial_list.take(trigger())
    assert dialled(dial_list, T0) == [("t1", 1)]
    assert dial_list.take(trigger(sequence=2, priority=95, purpose="save")) == "updated"
    assert dialled(dial_list, T0 + minutes(1)) == []
    assert dialled(dial_list, T0 + minutes(61)) == [("t1", 2)]


@pytest.mark.parametrize("status", ["retracted", "expired", "completed"])
def test_an_ended_episode_is_not_dialled_again(status: str) -> None:
    dial_list = DialList()
    dial_list.take(trigger())
    assert dialled(dial_list, T0) == [("t1", 1)]
    assert dial_list.take(trigger(sequence=2, status=status)) == "ended"
    assert dialled(dial_list, T0 + minutes(300)) == []


@pytest.mark.parametrize("disposition", ["ANSWERED_HUMAN", "DO_NOT_CALL", "INVALID_NUMBER"])
def test_a_final_answer_ends_the_attempts_whatever_comes_later(disposition: Any) -> None:
    dial_list = DialList()
    dial_list.take(trigger())
    dialled(dial_list, T0, Answer(disposition))
    dial_list.take(trigger(sequence=2))
    assert dialled(dial_list, T0 + minutes(300)) == []


def test_an_objection_in_the_consent_is_never_dialled() -> None:
    dial_list = DialList()
    consent = {"basis": "service_without_offer", "do_not_call": True, "as_of": T0}
    dial_list.take(trigger(consent=consent))
    assert dialled(dial_list, T0) == []


def test_a_clock_that_jumps_dials_each_at_its_own_instant() -> None:
    dial_list = DialList()
    dial_list.take(trigger("a", max_attempts=3))
    dial_list.take(trigger("b", not_before=T0 + minutes(30), max_attempts=1))
    made = []
    for call in dial_list.calls_until(T0 + minutes(120), inclusive=False):
        dial_list.answered(call, NO_ANSWER)
        made.append((call.trigger.trigger_id, call.attempt, (call.at - T0) // minutes(1)))
    assert made == [("a", 1, 0), ("b", 1, 30), ("a", 2, 60)]
    rest = []
    for call in dial_list.calls_until(T0 + minutes(120)):
        dial_list.answered(call, NO_ANSWER)
        rest.append((call.trigger.trigger_id, call.attempt))
    assert rest == [("a", 3)]


def test_what_is_long_over_is_forgotten() -> None:
    dial_list = DialList()
    dial_list.take(trigger())
    dialled(dial_list, T0, REACHED)
    dial_list.take(trigger("other", not_before=T0 + timedelta(days=9), expires_at=T0 + timedelta(days=10)))
    dialled(dial_list, T0 + timedelta(days=9))
    assert list(dial_list._entries) == ["other"]


def test_simulated_answers_are_the_same_each_time_and_of_every_kind() -> None:
    answers = [simulated(trigger(f"t{number}"), 1) for number in range(2_000)]
    assert answers == [simulated(trigger(f"t{number}"), 1) for number in range(2_000)]
    reached = sum(answer.disposition == "ANSWERED_HUMAN" for answer in answers)
    assert 900 < reached < 1_200
    assert len({answer.disposition for answer in answers}) >= 6
    assert simulated(trigger(phone_e164=None), 1).disposition == "INVALID_NUMBER"


def test_the_outcome_names_trigger_and_attempt() -> None:
    event = outcome_of(Call(trigger("abc"), 2, T0), REACHED)
    assert (event.event_id, event.trigger_id, event.attempt) == ("abc-2", "abc", 2)
    assert (event.customer_id, event.occurred_at, event.agent_minutes) == ("c-abc", T0, 3.0)
    assert event.raw_disposition == "SIMULATED"


def test_long_trigger_ids_give_different_event_ids() -> None:
    calls = [Call(trigger("x" * 199 + end), attempt, T0) for end in "ab" for attempt in (1, 2, 10)]
    ids = {outcome_of(call, NO_ANSWER).event_id for call in calls}
    assert len(ids) == 6
