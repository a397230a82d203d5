"""The engine's counts, clock and state bytes as timelines."""

import pytest

from streams.core import state as st
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.records import Decoded
from streams.core.state import State, UnknownVersionError
from tests.builders import (
    DAY,
    HOUR,
    KEEP,
    START,
    Partition,
    call,
    default_policy,
    erasure,
    profile,
    record,
    survey,
    with_shape,
)

T = START


def test_what_is_not_used_has_a_counted_reason() -> None:
    partition = Partition()
    result = partition.feed(
        call(T),
        call(T - 90 * DAY),
        call(T - 90 * DAY + 1),
        call(T, customer="unknown"),
        call(T, customer=None, colour="red"),
        call(T + HOUR, ingested=T),
        decode(record("contact.surveys", b"{")),
    )
    assert result.counts == {
        ("call", "accepted"): 2,
        ("call", "beyond_horizon"): 1,
        ("call", "unattributable"): 2,
        ("call", "unknown_field"): 1,
        ("contact.calls", "rejected"): 1,
        ("contact.surveys", "rejected"): 1,
    }
    assert [each.reject.code for each in result.rejects if each.reject] == ["future_dated", "not_json"]
    assert set(partition.states) == {"c1"}


@pytest.mark.parametrize("useless", [call(T + 99 * DAY, ingested=T), call(T + 99 * DAY, customer="0")])
def test_neither_rejects_nor_strangers_move_the_clock(useless: Decoded) -> None:
    partition = Partition()
    partition.feed(call(T), useless)
    assert partition.clock.now == T


def test_states_given_stay_as_they_are() -> None:
    partition = Partition()
    partition.feed(call(T))
    before = dict(partition.states)
    process_batch([call(T + 1)], partition.states, partition.policy, Clock.restore(T, partition.states))
    assert partition.states == before


def test_the_newest_facts_stay_and_standing_ones_always() -> None:
    partition = Partition(with_shape(default_policy(), max_facts=10))
    partition.feed(survey(T, callback_requested=True), profile(T, tenure_months=24))
    partition.feed(*[call(T + hour * HOUR) for hour in range(1, 40)])
    state = partition.state()
    assert [fact.at for fact in state.facts] == [T + hour * HOUR for hour in range(30, 40)]
    assert state.request_open
    assert state.profile() == {"tenure_months": 24}
    partition.advance(T + 500 * DAY)
    assert partition.state().request_open


def test_who_comes_and_goes_within_one_batch_leaves_no_trace() -> None:
    partition = Partition()
    result = partition.feed(call(T), advance_to=T + 90 * DAY)
    assert result.states == {}


def test_who_leaves_is_deleted_and_may_come_back() -> None:
    partition = Partition()
    partition.feed(call(T))
    assert partition.advance(T + 90 * DAY).states == {"c1": None}
    partition.feed(call(T + 91 * DAY))
    assert len(partition.state().facts) == 1


def test_time_never_goes_back() -> None:
    partition = Partition()
    partition.feed(call(T), call(T - DAY), advance_to=T - HOUR)
    assert partition.clock.now == T


def test_a_restored_clock_knows_who_is_due() -> None:
    partition = Partition()
    partition.feed(call(T), call(T + HOUR, customer="c2"))
    clock = Clock.restore(T + HOUR, partition.states)
    assert clock.due(T + 90 * DAY - 1) is None
    assert clock.due(T + 91 * DAY) == (T + 90 * DAY, "c1")
    assert clock.due(T + 91 * DAY) == (T + 90 * DAY + HOUR, "c2")
    assert clock.due(T + 91 * DAY) is None


def test_timers_beyond_the_most_are_put_off_the_earliest_due_go_first() -> None:
    partition = Partition()
    partition.feed(*(call(T + n * HOUR, customer=f"c{n}") for n in range(4)))
    assert partition.feed(advance_to=T + 100 * DAY, most_timers=1).states == {"c0": None}
    assert partition.clock.now == T + 100 * DAY
    assert partition.clock.overdue
    assert partition.feed(most_timers=2).states == {"c1": None, "c2": None}
    assert partition.feed().states == {"c3": None}
    assert not partition.clock.overdue


def test_a_customers_own_timer_is_judged_before_the_next_event_however_many_are_put_off() -> None:
    partition = Partition()
    partition.feed(call(T), call(T, customer="c2"))
    partition.feed(call(T + 100 * DAY), most_timers=0)
    assert [fact.at for fact in partition.state().facts] == [T + 100 * DAY]
    assert [fact.at for fact in partition.state("c2").facts] == [T]
    partition.restart()
    assert partition.clock.overdue
    partition.feed(most_timers=1)
    assert partition.states.keys() == {"c1"}


def test_a_marker_of_an_erased_customer_is_never_put_off() -> None:
    partition = Partition()
    partition.feed(call(T, customer="c2"), erasure(T))
    partition.feed(advance_to=T + KEEP, most_timers=0)
    assert partition.states.keys() == {"c2"}
    assert partition.clock.markers == 0
    assert partition.clock.next_due == st.due_of(partition.states["c2"])


def test_a_state_of_an_unknown_version_is_refused() -> None:
    data = st.encode(State())
    with pytest.raises(UnknownVersionError, match="version 9"):
        st.decode(b"\x09" + data[1:])


def test_an_old_profile_that_says_nothing_is_not_remembered_by_whoever_comes_back() -> None:
    partition = Partition()
    blank = profile(T, country_code=None, time_zone=None, language=None, phone_e164=None)
    again = call(T + 90 * DAY)
    partition.feed(blank, again)
    before = dict(partition.states)
    assert partition.feed(blank, again).outputs == []
    assert partition.states == before
