"""Timelines of erasures: what leaves, what stays away, and what may begin again."""

import pytest

from streams.core import erasure as er
from streams.core.engine import Clock, process_batch
from streams.core.erasure import Erasure, ErasureError
from streams.core.state import due_of
from tests.builders import (
    DAY,
    HOUR,
    KEEP,
    START,
    Partition,
    call,
    cancellation,
    erasure,
    outcome,
    profile,
    survey,
)

T = START
PHONE = "+31201234567"


def markers(partition: Partition) -> list[er.Marker]:
    return [er.decode_marker(data) for key, data in partition.states.items() if er.is_marker(key)]


def customers(partition: Partition) -> list[str]:
    return [key for key in partition.states if not er.is_marker(key)]


def asked(partition: Partition) -> None:
    """A known customer asks to be called back."""
    partition.feed(profile(T, phone_e164=PHONE), survey(T + HOUR, csat=1, callback_requested=True))


def test_an_erased_customer_leaves_a_marker_and_nothing_else() -> None:
    partition = Partition()
    asked(partition)
    partition.feed(erasure(T + 2 * HOUR))
    assert customers(partition) == []
    [marker] = markers(partition)
    assert (marker.until, marker.due) == (T + 2 * HOUR, T + 2 * HOUR + KEEP)
    assert not any("c1" in key or b"c1" in data for key, data in partition.states.items())


def test_dialers_hear_of_it_and_no_number_is_told_again() -> None:
    partition = Partition()
    asked(partition)
    partition.feed(erasure(T + 2 * HOUR))
    *_, last = partition.triggers()
    assert (last["status"], last["status_reason"], last["phone_e164"]) == ("retracted", "erased", None)
    assert last["sequence"] == 2
    kinds = [(output.kind, bool(output.value)) for output in partition.outputs[-2:]]
    assert kinds == [("trigger", True), ("signals", False)]


def test_a_customer_who_left_long_ago_still_gets_the_tombstone() -> None:
    result = Partition().feed(erasure(T))
    assert [(output.kind, output.value) for output in result.outputs] == [("signals", b"")]


def test_what_happened_before_is_dropped_and_counted_and_what_happens_later_begins_anew() -> None:
    partition = Partition()
    asked(partition)
    partition.feed(erasure(T + 2 * HOUR))
    before = len(partition.outputs)
    partition.feed(
        profile(T, phone_e164=PHONE),
        survey(T + HOUR, csat=1, callback_requested=True),
        call(T + 2 * HOUR, resolved=False),
        call(T + 2 * HOUR + 1, resolved=False),
    )
    assert partition.counts["profile", "erased"] == 1
    assert partition.counts["survey", "erased"] == 1
    assert partition.counts["call", "erased"] == 1
    assert [fact.at for fact in partition.state().facts] == [T + 2 * HOUR + 1]
    assert partition.state().profile() == {}
    assert len(partition.outputs) == before


def test_another_customer_is_left_alone() -> None:
    partition = Partition()
    partition.feed(call(T, customer="c2"), call(T), erasure(T + HOUR), call(T + 1, customer="c2"))
    assert customers(partition) == ["c2"]
    assert len(partition.state("c2").facts) == 2


def test_the_greater_of_two_erasures_counts_in_either_order() -> None:
    early, late = erasure(T), erasure(T + DAY)
    one, other = Partition(), Partition()
    one.feed(early, late)
    other.feed(late, early)
    assert one.states == other.states
    assert markers(one)[0].until == T + DAY
    assert other.counts == {("erasure", "accepted"): 1, ("erasure", "duplicate"): 1}


def test_an_erasure_that_is_read_again_says_nothing() -> None:
    partition = Partition()
    asked(partition)
    order = erasure(T + 2 * HOUR)
    partition.feed(order)
    assert partition.feed(order).outputs == []


def test_the_marker_goes_when_no_topic_can_hold_an_older_event() -> None:
    partition = Partition()
    partition.feed(call(T), erasure(T + HOUR))
    partition.advance(T + HOUR + KEEP - 1)
    assert len(markers(partition)) == partition.clock.markers == 1
    partition.advance(T + HOUR + KEEP)
    assert partition.states == {}
    assert partition.clock.markers == 0


def test_it_is_kept_from_the_later_of_event_and_arrival() -> None:
    partition = Partition()
    partition.feed(erasure(T, ingested=T + 10 * DAY))
    assert markers(partition)[0].due == T + 10 * DAY + KEEP


def test_where_topics_keep_for_ever_so_does_the_marker() -> None:
    partition = Partition(erasure=Erasure(b"k" * 16))
    partition.feed(erasure(T))
    partition.advance(T + 10_000 * DAY)
    assert len(markers(partition)) == 1


def test_a_marker_has_its_due_time_where_a_state_has_it_and_is_counted_after_a_restart() -> None:
    partition = Partition()
    partition.feed(erasure(T))
    [data] = partition.states.values()
    assert due_of(data) == T + KEEP
    partition.restart()
    assert partition.clock.markers == 1
    assert partition.clock.expiries == [(T + KEEP, next(iter(partition.states)))]


def test_an_erasure_moves_no_clock() -> None:
    partition = Partition()
    partition.feed(call(T), erasure(T + 30 * DAY))
    assert partition.clock.now == T


def test_a_late_erasure_keeps_what_the_customer_did_since() -> None:
    partition = Partition()
    partition.feed(
        profile(T, phone_e164=PHONE, tenure_months=50),
        call(T + HOUR, resolved=False),
        outcome(T + 2 * HOUR, "DO_NOT_CALL"),
        call(T + DAY, resolved=False),
        erasure(T + 3 * HOUR),
    )
    state = partition.state()
    assert [fact.at for fact in state.facts] == [T + DAY]
    assert state.profile() == {}
    assert state.objected_at < T


def test_a_request_given_since_is_called_about_under_a_new_id() -> None:
    partition = Partition()
    asked(partition)
    partition.feed(survey(T + DAY, csat=1, callback_requested=True), erasure(T + 2 * HOUR))
    assert partition.story()[-2:] == [
        ("requested_callback", "retracted", 2),
        ("requested_callback", "open", 1),
    ]
    assert partition.triggers()[-1]["phone_e164"] is None
    assert partition.triggers()[-1]["trigger_id"] != partition.triggers()[0]["trigger_id"]


def test_a_request_that_was_answered_since_is_not_called_about_again() -> None:
    partition = Partition()
    partition.feed(
        call(T, resolved=False),
        survey(T + DAY, csat=1, callback_requested=True),
        outcome(T + DAY + HOUR),
        erasure(T + HOUR),
    )
    assert partition.story() == [("requested_callback", "open", 1), ("requested_callback", "completed", 2)]


def test_behind_an_erased_confirmation_the_later_step_comes_to_light() -> None:
    partition = Partition()
    partition.feed(cancellation(T, "confirmed"), cancellation(T + DAY, "requested"), erasure(T + HOUR))
    state = partition.state()
    assert (state.stage, state.stage_at) == (2, T + DAY)


def test_an_erased_death_bars_no_longer_and_a_later_one_still_does() -> None:
    partition = Partition()
    partition.feed(
        cancellation(T, "inquiry", reason="deceased"), call(T + DAY, resolved=False), erasure(T + HOUR)
    )
    assert not partition.state().deceased
    partition.feed(cancellation(T + 2 * DAY, "inquiry", reason="deceased"), erasure(T + DAY))
    assert partition.state().deceased


def test_without_a_key_an_erasure_stops_and_says_what_to_set() -> None:
    with pytest.raises(ErasureError, match="BEHOUDLIJN_ERASURE_KEY"):
        process_batch([erasure(T)], {}, Partition().policy, Clock())


def test_another_key_than_that_of_the_markers_is_noticed() -> None:
    partition = Partition()
    partition.feed(erasure(T))
    partition.erasure.check(partition.states)
    with pytest.raises(ErasureError, match="another key"):
        Erasure(b"another key of a good length").check(partition.states)


def test_a_marker_of_a_newer_release_is_refused() -> None:
    with pytest.raises(ErasureError, match="version 2"):
        er.decode_marker(b"\x02" + bytes(22))


def test_a_hash_needs_its_key_and_keys_of_any_length_differ() -> None:
    hashes = {Erasure(key).hash_of("c1") for key in (b"k" * 16, b"l" * 16, b"k" * 64, b"k" * 65, b"k" * 200)}
    assert len(hashes) == 5
