"""Records without a value on `customer.profiles`: the profile goes, the history stays."""

import pytest

from schemas import topics
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.tables import COLUMNS, CUSTOMERS
from streams.core.records import Record
from streams.core.repartition import decode_rekeyed, wrap
from tests.builders import DAY, HOUR, START, Partition, call, profile, removal

T = START


def test_the_profile_goes_and_the_history_stays() -> None:
    partition = Partition()
    partition.feed(profile(T, do_not_call=True), call(T + HOUR, resolved=False), removal(T + 2 * HOUR))
    state = partition.state()
    assert state.profile() == {}
    assert [fact.at for fact in state.facts] == [T + HOUR]
    assert partition.counts["profile", "accepted"] == 2


def test_who_had_only_a_profile_leaves() -> None:
    partition = Partition()
    partition.feed(profile(T), removal(T + HOUR))
    assert partition.states == {}


def test_nobody_comes_to_be_by_a_removal() -> None:
    partition = Partition()
    partition.feed(removal(T))
    assert partition.states == {}
    assert partition.counts == {("profile", "duplicate"): 1}


def test_an_older_profile_that_comes_later_stays_removed_and_a_newer_one_counts() -> None:
    partition = Partition()
    partition.feed(profile(T), call(T), removal(T + 2 * HOUR), profile(T + HOUR, tenure_months=3))
    assert partition.state().profile() == {}
    partition.feed(profile(T + 3 * HOUR, tenure_months=4))
    assert partition.state().profile() == {"tenure_months": 4}


def test_it_moves_no_clock_for_it_has_the_time_of_its_arrival_only() -> None:
    partition = Partition()
    partition.feed(profile(T), call(T), removal(T + 300 * DAY))
    assert partition.clock.now == T


@pytest.mark.parametrize("key", [None, b"", b"unknown", b"a b", b"\xff", b"x" * 129, b"c1\n"])
def test_without_a_customer_it_is_a_dead_letter(key: bytes | None) -> None:
    decoded = removal(T, key)
    assert decoded.reject is not None
    assert decoded.reject.code == "empty"


@pytest.mark.parametrize("topic", [topics.CALLS, topics.OUTCOMES])
def test_on_another_topic_it_is_a_dead_letter(topic: str) -> None:
    assert removal(T, topic=topic).reject is not None


@pytest.mark.parametrize("at", [-1, 2**62])
def test_without_a_time_it_is_a_dead_letter(at: int) -> None:
    assert removal(at).reject is not None


def test_its_row_says_that_nothing_is_known() -> None:
    decoded = removal(T)
    assert decoded.event is not None
    row = row_of_event(decoded.event, decoded.record)
    values = dict(zip(COLUMNS[CUSTOMERS], row.values, strict=True))
    assert (row.table, values["customer_id"], values["occurred_at"]) == (CUSTOMERS, "c1", T)
    assert (values["phone_known"], values["country_code"], values["do_not_call"]) == (False, "", "unknown")


def test_one_that_was_re_keyed_is_still_a_removal() -> None:
    stray = Record(topics.PROFILES, 1, 7, T + HOUR, b"c1", None)
    at_home = decode_rekeyed(Record(topics.REPARTITION, 0, 3, T + 2 * HOUR, b"c1", wrap(stray)))
    partition = Partition()
    partition.feed(profile(T), call(T), at_home)
    assert partition.state().profile() == {}
    assert partition.clock.now == T


def test_one_behind_the_horizon_is_not_remembered_for_an_older_profile_to_come() -> None:
    partition = Partition()
    empty, older = profile(T), profile(T - HOUR, time_zone="Europe/Amsterdam")
    partition.feed(call(T + partition.policy.parameters.horizon), empty, older)
    assert partition.state().profile() == {"time_zone": "Europe/Amsterdam"}
    partition.feed(empty)  # a replay puts them in order
    assert partition.state().profile() == {}
