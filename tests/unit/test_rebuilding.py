"""A state put together again where the events, read by their times, decide otherwise than they did as they came: timelines."""

from __future__ import annotations

from tests.builders import DAY, HOUR, START, Partition, call, cancellation, default_policy, survey, with_shape
from tests.property.core.test_rebuilding_properties import again, lived, told_of

POLICY = with_shape(default_policy(), horizon_days=20)


def opened(partition: Partition) -> list[str]:
    return [
        each["purpose"] for each in partition.triggers() if (each["sequence"], each["status"]) == (1, "open")
    ]


def test_what_came_too_late_to_count_opens_nothing_when_it_counts_after_all() -> None:
    asks, calls = survey(START, callback_requested=True), call(START + 20 * DAY, resolved=True)
    leaves = cancellation(START, "requested", reason="price")
    before = lived([asks, calls, leaves], POLICY)
    assert opened(before) == ["requested_callback"], "the cancellation came beyond the horizon"
    now = before.clock.now
    after = again([asks, leaves, calls], POLICY, told_of(before), now=now)
    assert after.state().stage_at == START, "read by its time, it counts"
    after.advance(now + 1)
    assert opened(after) == [], "what was not said then is not said now"
    after.feed(call(now + HOUR, resolved=False))
    assert opened(after) == ["service_recovery"], "a new ground is heard"


def test_who_rests_by_what_was_said_keeps_the_number_of_the_picture() -> None:
    """Read by their times, early events open an episode, and the customer is forgotten, before anybody had heard of it."""
    early = [survey(START, csat=1, ces=1, answered=False), call(START, resolved=False, cancel_intent=True)]
    others = [call(START + days * DAY, customer="c2", resolved=True) for days in (8, 21)]
    before = lived([others[0], *early, others[1]], POLICY)
    assert opened(before) == ["service_recovery"]
    whole = before.state()
    assert whole.signals_sequence
    after = again([*early, *others], POLICY, told_of(before), now=before.clock.now)
    assert after.state().cooldown_until == whole.cooldown_until
    assert after.state().signals_sequence >= whole.signals_sequence
