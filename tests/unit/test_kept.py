"""Stores that are kept over a rebalance: which of them may be gone on with, and that reading on ends in what reading anew would."""

from __future__ import annotations

import asyncio

from streams.core import state as st
from streams.core.state import State
from streams.state.changelog import PARTITION_KEY, PartitionRecord, Stamp, encode_entry, encode_partition
from streams.state.kept import SECONDS, Held, Kept, KeptStores
from streams.state.recovery import Reading
from streams.state.store import SignalsStore

HELD = Held(epoch=3, owner="us", next_offset=7)
OURS, THEIRS = Stamp(3, 5), Stamp(4, 6)
T = 1_800_000_000_000

Log = list[tuple[bytes, bytes]]


def state(due: int, requested_at: int = st.NEVER) -> bytes:
    return st.encode(State(due=due, requested_at=requested_at))


def told(customer: str, stamp: Stamp, data: bytes) -> tuple[bytes, bytes]:
    return customer.encode(), encode_entry(stamp, data, [])


def claimed(stamp: Stamp, clock: int, owner: str) -> tuple[bytes, bytes]:
    return PARTITION_KEY, encode_partition(PartitionRecord(stamp, clock, "p/1", owner))


def read(reading: Reading, log: Log) -> Reading:
    for offset, (key, value) in enumerate(log, reading.begins_at):
        reading.add(key, value, (), offset)
    return reading


BEFORE: Log = [
    claimed(Stamp(3, 4), T, "us"),
    told("a", OURS, state(T + 10)),
    told("b", OURS, state(T + 20, requested_at=T)),
    claimed(OURS, T + 1, "us"),
]


def kept() -> Kept:
    return Kept(read(Reading(SignalsStore(1)), BEFORE).finish().store, Held(3, "us", len(BEFORE)))


def assert_as_read_anew(after: Log) -> None:
    was = kept()
    on = read(Reading(was.store, held=was.held), after)
    anew = read(Reading(SignalsStore(1)), BEFORE + after)
    assert (on.epoch, on.owner, on.known) == (anew.epoch, anew.owner, anew.known)
    left, right = on.finish(), anew.finish()
    assert left.store.states == right.store.states
    assert (left.store.batch, left.store.clock.now, left.store.waiting) == (
        right.store.batch,
        right.store.clock.now,
        right.store.waiting,
    )
    assert sorted(left.store.clock.heap) == sorted(right.store.clock.heap)
    assert left.unsent == right.unsent


def test_a_partition_that_nobody_else_wrote_is_as_it_was() -> None:
    assert_as_read_anew([])
    assert_as_read_anew([claimed(Stamp(4, 5), T + 1, "us again")])


def test_what_another_worker_wrote_meanwhile_is_read_on() -> None:
    assert_as_read_anew(
        [
            claimed(Stamp(4, 5), T + 1, "them"),
            told("b", THEIRS, state(T + 30)),
            told("c", THEIRS, state(T + 40)),
            claimed(THEIRS, T + 9, "them"),
            told("a", OURS, state(T + 99)),  # too late, of an epoch that is over
        ]
    )


def stores() -> tuple[SignalsStore, SignalsStore]:
    whole, broken = SignalsStore(1), SignalsStore(2)
    broken.whole = False
    return whole, broken


async def _taken(*partitions: int, later: float = 1.0, held: Held | None = HELD) -> list[int]:
    now = [100.0]
    keeping = KeptStores(lambda _: held, lambda: now[0])
    keeping.keep(stores())
    now[0] += later
    taken = list(keeping.take(partitions))
    assert keeping.take(partitions) == {}, "once"
    return taken


def taken(*partitions: int, later: float = 1.0, held: Held | None = HELD) -> list[int]:
    return asyncio.run(_taken(*partitions, later=later, held=held))


def test_only_a_whole_store_is_gone_on_with() -> None:
    assert taken(1, 2) == [1]


def test_a_store_of_another_partition_goes() -> None:
    assert taken(2, 3) == []


def test_a_partition_that_was_never_claimed_is_read_anew() -> None:
    assert taken(1, held=None) == []


def test_after_a_minute_all_is_read_anew() -> None:
    assert taken(1, later=SECONDS + 1) == []
    assert taken(1, later=-SECONDS - 1) == [], "a clock that was set back"
