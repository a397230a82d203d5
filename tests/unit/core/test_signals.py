"""Each signal as a timeline: its value, and the exact millisecond at which it rises or falls."""

from typing import Any

import pytest

from streams.core import signals
from streams.core.records import Decoded
from streams.core.signals import SIGNALS
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
    profile,
    survey,
    with_shape,
)

Timeline = list[Decoded]
T = START


def unresolved(at: int, **fields: Any) -> Decoded:
    return call(at, resolved=False, **fields)


def fed(events: Timeline) -> Partition:
    partition = Partition()
    partition.feed(*events)
    return partition


# name, events from T on, value after them, then the age of T at which the value changes, and to what
FALLING: list[tuple[str, Timeline, float, int, float]] = [
    ("contacts_7d", [call(T), call(T + DAY)], 2, 7 * DAY, 1),
    ("contacts_30d", [call(T), call(T + DAY)], 2, 30 * DAY, 1),
    ("contacts_90d", [call(T), call(T + DAY)], 2, 90 * DAY, 1),
    ("repeat_contacts", [call(T - DAY, reason="bill"), call(T, reason="BILL")], 1, 30 * DAY, 0),
    ("third_contact", [call(T), call(T + 1), call(T + 2)], 1, 30 * DAY, 0),
    ("fourth_contact", [call(T), call(T + 1), call(T + 2), call(T + 3)], 1, 30 * DAY, 0),
    ("unresolved_30d", [unresolved(T), unresolved(T + DAY), call(T + DAY)], 2, 30 * DAY, 1),
    ("unresolved_90d", [unresolved(T), unresolved(T + DAY), call(T + DAY)], 2, 90 * DAY, 1),
    ("longest_wait_minutes", [call(T, wait_seconds=659), call(T + 1, wait_seconds=60)], 10, 30 * DAY, 1),
    ("excess_ivr_steps", [call(T, ivr_steps=9), call(T + 1, ivr_steps=5)], 5, 30 * DAY, 1),
    ("transfers_30d", [call(T, transfers=2), call(T + 1, transfers=1)], 3, 30 * DAY, 1),
    ("channel_switches_7d", [call(T, channel="chat"), call(T + 1, tried_online_first=True)], 2, 7 * DAY, 1),
    ("low_csat", [survey(T, csat=2)], 1, 14 * DAY, 0.5),
    ("detractor", [survey(T, nps=6)], 1, 14 * DAY, 0.5),
    ("high_effort", [survey(T, ces=3)], 1, 14 * DAY, 0.5),
    ("not_answered", [survey(T, answered=False)], 1, 14 * DAY, 0.5),
    ("cancel_intent", [call(T, cancel_intent=True)], 1, 14 * DAY, 0.5),
    ("cancellation_inquiry", [cancellation(T, "inquiry")], 1, 14 * DAY, 0.5),
    ("recovered", [outcome(T, result="satisfied")], 1, 14 * DAY, 0.5),
    ("unresolved_callback", [outcome(T, result="unresolved")], 1, 14 * DAY, 0.5),
    (
        "will_leave_said",
        [outcome(T, result="will_leave"), outcome(T + 1, result="competitor")],
        2,
        14 * DAY,
        1.5,
    ),
    ("repeated_complaint", [survey(T, csat=1), call(T + 1, reason="fault")], 1, 30 * DAY, 0),
]


@pytest.mark.parametrize(
    ("name", "events", "value", "edge", "after"), FALLING, ids=[row[0] for row in FALLING]
)
def test_a_signal_holds_until_its_edge(
    name: str, events: Timeline, value: float, edge: int, after: float
) -> None:
    partition = fed(events)
    assert edge in SIGNALS[name].edges(partition.policy.parameters), "an edge that it does not declare"
    assert partition.reading(name, partition.clock.now) == value
    assert partition.reading(name, T + edge - 1) == value
    assert partition.reading(name, T + edge) == after


def test_every_signal_has_a_timeline() -> None:
    registers = {"callback_pending", "cancellation_requested", "tenure_years"}
    assert {row[0] for row in FALLING} | registers | {"silent_after_abandon"} == set(SIGNALS)


@pytest.mark.skipif(signals.__file__.endswith(".so"), reason="a compiled module keeps no docstrings")
def test_every_signal_says_what_it_measures() -> None:
    assert [name for name, each in SIGNALS.items() if not each.measure.__doc__] == []


def test_silence_after_giving_up_is_known_after_a_day_and_forgotten_after_thirty() -> None:
    partition = fed([call(T, abandoned=True, wait_seconds=300)])
    readings = [
        partition.reading("silent_after_abandon", T + age) for age in (DAY - 1, DAY, 30 * DAY - 1, 30 * DAY)
    ]
    assert readings == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("second", "value"),
    [
        (call(T + DAY), 0),  # answered in time
        (call(T + DAY + 1), 1),  # too late
        (call(T + HOUR, direction="outbound"), 0),  # we called back ourselves
        (outcome(T + HOUR), 0),  # a callback of ours reached the customer
        (outcome(T + HOUR, "NO_ANSWER"), 1),  # it did not
        (outcome(T + DAY + 1), 1),  # too late
        (outcome(T - HOUR), 1),  # before
        (call(T + HOUR, abandoned=True, wait_seconds=300), 2),  # gave up twice
        (call(T + HOUR, abandoned=True, wait_seconds=4), 1),  # the second was a mistake
    ],
)
def test_only_an_answered_contact_ends_the_silence(second: Decoded, value: float) -> None:
    partition = fed([call(T, abandoned=True, wait_seconds=300), second])
    assert partition.reading("silent_after_abandon", T + 2 * DAY) == value


def test_waiting_is_never_taken_from_an_abandoned_call() -> None:
    partition = fed([call(T, abandoned=True, wait_seconds=3_000), call(T, wait_seconds=120)])
    assert partition.reading("longest_wait_minutes", T) == 2


def test_a_repeat_is_on_the_same_reason_and_within_seven_days() -> None:
    week = 7 * DAY
    assert fed([call(T, reason="a"), call(T + week, reason="a")]).reading("repeat_contacts", T + week) == 1
    assert (
        fed([call(T, reason="a"), call(T + week + 1, reason="a")]).reading("repeat_contacts", T + week + 1)
        == 0
    )
    assert fed([call(T, reason="a"), call(T + 1, reason="b")]).reading("repeat_contacts", T + 1) == 0


def test_calls_of_ours_are_no_contacts_of_theirs() -> None:
    partition = fed([call(T, direction="outbound", resolved=False)])
    for name in ("contacts_7d", "contacts_30d", "contacts_90d", "unresolved_30d", "unresolved_90d"):
        assert partition.reading(name, T) == 0


@pytest.mark.parametrize(
    ("name", "fields", "value"),
    [
        ("low_csat", {"csat": 3}, 0),
        ("detractor", {"nps": 0}, 1),
        ("detractor", {"nps": 7}, 0),
        ("high_effort", {"ces": 4}, 0),
        ("not_answered", {"answered": True}, 0),
    ],
)
def test_where_a_grade_begins_to_count(name: str, fields: dict[str, Any], value: float) -> None:
    assert fed([survey(T, **fields)]).reading(name, T) == value


def test_decay_halves_at_each_half_life_and_ends_at_the_horizon() -> None:
    partition = fed([survey(T, csat=1)])
    readings = [partition.reading("low_csat", T + days * DAY) for days in (0, 13, 14, 28, 84, 90)]
    assert readings == [1, 1, 0.5, 0.25, 1 / 64, 0]


def test_complaints_count_from_the_second_on() -> None:
    events = [survey(T, csat=1, answered=False), call(T, reason="Broken_Promise"), call(T, reason="move")]
    assert fed(events[:1]).reading("repeated_complaint", T) == 0
    assert fed(events).reading("repeated_complaint", T) == 1


def test_a_callback_is_pending_until_given_however_late() -> None:
    partition = fed([survey(T, callback_requested=True), outcome(T + DAY, "NO_ANSWER")])
    partition.advance(T + 300 * DAY)
    assert partition.reading("callback_pending", T + 300 * DAY) == 1
    partition.feed(outcome(T + 301 * DAY))
    assert partition.reading("callback_pending", T + 301 * DAY) == 0


def test_a_cancellation_is_requested_until_withdrawn_or_confirmed() -> None:
    for stage in ("withdrawn", "confirmed"):
        partition = fed([cancellation(T)])
        assert partition.reading("cancellation_requested", T) == 1
        partition.feed(cancellation(T + HOUR, "inquiry"))
        assert partition.reading("cancellation_requested", T + HOUR) == 1
        partition.feed(cancellation(T + DAY, stage))
        assert partition.reading("cancellation_requested", T + DAY) == 0


def test_tenure_is_in_whole_years_of_the_latest_profile() -> None:
    partition = fed([profile(T, tenure_months=35), profile(T - DAY, tenure_months=120)])
    assert partition.reading("tenure_years", T) == 2
    partition.feed(profile(T + DAY))
    assert partition.reading("tenure_years", T + DAY) == 0


def test_a_short_horizon_cools_down_at_the_horizon() -> None:
    partition = Partition(with_shape(default_policy(), horizon_days=20))
    partition.feed(*[unresolved(T + hours * HOUR, reason=str(hours)) for hours in (0, 0, 48)])
    assert partition.signals()[-1]["band"] != "calm"
    partition.advance(T + 20 * DAY - 1)
    before = len(partition.signals())
    partition.advance(T + 20 * DAY)
    assert len(partition.signals()) == before + 1


def test_a_calm_customer_is_looked_at_again_when_silence_begins_to_count() -> None:
    abandoned = [call(T + i, abandoned=True, wait_seconds=300, reason=str(i)) for i in range(2)]
    partition = fed([unresolved(T - HOUR), *abandoned])
    partition.advance(T + DAY - 1)
    assert partition.signals() == []
    partition.advance(T + DAY + 1)
    assert [(s["band"], ms(s["as_of"])) for s in partition.signals()] == [
        ("watch", T + DAY),
        ("amber", T + DAY + 1),
    ]
    assert [s["signals"]["silent_after_abandon"] for s in partition.signals()] == [1, 2]
