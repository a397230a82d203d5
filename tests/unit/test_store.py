"""The store: what a batch changes in memory, and what is derived rather than written."""

from __future__ import annotations

from streams.core.state import State, encode
from streams.state.store import SignalsStore, Store

QUIET = encode(State())
ASKED = encode(State(requested_at=1_000))
GIVEN = encode(State(requested_at=1_000, given_at=2_000))


def test_a_batch_changes_adds_and_removes_customers() -> None:
    partition = SignalsStore(0)
    partition.apply(1, {"a": QUIET, "b": ASKED}, set(), outputs=False)
    partition.apply(2, {"a": None, "c": QUIET}, {"a"}, outputs=True)
    assert partition.states == {"b": ASKED, "c": QUIET}
    assert (partition.batch, partition.departed, partition.unmarked) == (2, {"a"}, True)


def test_who_waits_for_a_callback_is_known_until_it_is_given() -> None:
    partition = SignalsStore(0)
    partition.apply(1, {"a": ASKED, "b": QUIET}, set(), outputs=False)
    assert partition.waiting == {"a": 1_000}
    partition.apply(2, {"a": GIVEN}, set(), outputs=False)
    assert partition.waiting == {}


def test_a_recovery_derives_timers_and_who_waits() -> None:
    partition = SignalsStore(0)
    partition.states = {"a": ASKED, "b": encode(State(due=5_000))}
    partition.restore(3_000)
    assert partition.waiting == {"a": 1_000}
    assert partition.clock.now == 3_000
    assert (5_000, "b") in partition.clock.heap


def test_lost_partitions_are_forgotten() -> None:
    store = Store()
    store.put(SignalsStore(3))
    assert [partition.number for partition in store] == [3]
    store.clear()
    assert store.get(3) is None
