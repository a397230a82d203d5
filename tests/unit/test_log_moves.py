"""When reading begins anew, without a broker: ids, ends that stay short, and what waits for what is under work."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

from streams.lane.lane import Lane
from streams.lane.log_moves import Committed, LogMoves
from streams.lane.micro_batch import TP, LaneSettings, Moved
from tests.unit.test_lane import CALLS, SURVEYS, decode, feed, take


class Cluster:
    """Logs and ids as the brokers would tell them, and where the client was sent."""

    def __init__(self) -> None:
        self.first = {CALLS: 0, SURVEYS: 0}
        self.last = {CALLS: 100, SURVEYS: 100}
        self.known = {"calls": "a", "surveys": "b"}
        self.at: dict[TP, int] = {}

    async def first_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        return {tp: self.first[tp] for tp in partitions}

    async def last_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        return {tp: self.last[tp] for tp in partitions}

    async def begin_at(self, positions: Mapping[TP, int]) -> None:
        self.at.update(positions)

    async def ids(self, topics: Collection[str]) -> Mapping[str, str]:
        return {name: self.known[name] for name in topics if name in self.known}


class Reader:
    """A lane with its moves, as a consumer uses them."""

    def __init__(self, **committed: Committed) -> None:
        self.cluster, self.moved, self.told = Cluster(), list[Moved](), list[Moved]()
        self.lane = Lane(LaneSettings(topics=("calls", "surveys"), merged=False), decode, clock=lambda: 0)
        self.moves = LogMoves(self.lane, self.cluster, self.cluster.ids, self.moved.append, self.told.append)
        self.committed = {TP(name, 0): each for name, each in committed.items()}

    def begin(self) -> None:
        start = asyncio.run(self.moves.begin(self.committed))
        self.lane.assign({tp: each.offset for tp, each in self.committed.items()}, start)

    def look(self, position: int, end: int) -> None:
        asyncio.run(self.moves.look({CALLS: (position, end)}))

    def settle(self) -> None:
        asyncio.run(self.moves.settle())


def test_each_partition_is_read_from_where_its_group_left_off() -> None:
    reader = Reader(calls=Committed(40, "a"), surveys=Committed())
    reader.begin()
    assert reader.cluster.at == {CALLS: 40, SURVEYS: 0}
    assert not reader.moved
    assert reader.moves.ids == {CALLS: "a", SURVEYS: "b"}


def test_a_commit_of_a_release_that_knew_no_ids_is_trusted() -> None:
    reader = Reader(calls=Committed(40), surveys=Committed(7))
    reader.begin()
    assert reader.cluster.at == {CALLS: 40, SURVEYS: 7}
    assert not reader.moved


def test_a_topic_with_another_id_than_was_committed_is_read_from_its_beginning() -> None:
    reader = Reader(calls=Committed(40, "before"), surveys=Committed(7, "b"))
    reader.cluster.first[CALLS] = 3
    reader.begin()
    assert reader.cluster.at == {CALLS: 3, SURVEYS: 7}
    assert reader.moved == [Moved(CALLS, 40, 3, 100, anew=True)]
    assert reader.moved[0].lost == 3, "of the new log, none of which was read"
    assert reader.lane.acked == {CALLS: 3}


def test_brokers_that_tell_no_ids_change_nothing() -> None:
    reader = Reader(calls=Committed(40, "before"), surveys=Committed(7, "b"))
    reader.cluster.known.clear()
    reader.begin()
    reader.look(50, 100)
    assert not reader.moved
    assert not reader.moves.waiting


def test_a_log_that_stays_short_is_begun_anew_and_one_that_lags_for_a_moment_is_not() -> None:
    reader = Reader(calls=Committed(40, "a"), surveys=Committed(7, "b"))
    reader.begin()
    reader.look(40, 30)
    reader.look(40, 35)  # a new leader that learns what is committed
    assert not reader.moves.waiting
    reader.look(40, 35)
    assert set(reader.moves.waiting) == {CALLS}
    reader.cluster.last[CALLS] = 35
    reader.settle()
    assert reader.moved == [Moved(CALLS, 40, 0, 35)]
    assert reader.lane.acked[CALLS] == 0, "the commit tells the true position, downwards too"


def test_a_leader_that_lags_for_long_is_asked_once_more_before_anything_is_read_again() -> None:
    """Two of three brokers are away: what is committed does not grow until their followers are in sync again."""
    reader = Reader(calls=Committed(40, "a"), surveys=Committed(7, "b"))
    reader.begin()
    reader.look(40, 30)
    reader.look(40, 30)
    assert set(reader.moves.waiting) == {CALLS}
    reader.cluster.at.clear()
    reader.cluster.last[CALLS] = 40
    reader.settle()
    assert not reader.moved
    assert not reader.moves.waiting
    assert not reader.cluster.at, "it goes on where it was"
    reader.look(40, 30)
    reader.look(40, 30)
    reader.cluster.known["calls"] = "made anew"
    reader.settle()
    assert reader.moved == [Moved(CALLS, 40, 0, 40, anew=True)]


def test_a_position_that_a_broker_refused_is_begun_anew_although_the_log_has_grown_past_it() -> None:
    reader = Reader(calls=Committed(40, "a"), surveys=Committed(7, "b"))
    reader.begin()
    reader.moves.note({CALLS: 40})
    reader.settle()
    assert reader.moved == [Moved(CALLS, 40, 0, 100)]


def test_what_was_read_of_the_old_log_is_acknowledged_first() -> None:
    reader = Reader(calls=Committed(40, "a"), surveys=Committed(7, "b"))
    reader.begin()
    feed(reader.lane, CALLS, [5, 6], first=40)
    run = take(reader.lane)
    reader.cluster.known["calls"] = "made anew"
    reader.look(42, 42)
    reader.settle()
    assert not reader.moved
    assert reader.moves.ids[CALLS] == "a", "what is committed meanwhile is of the old topic"
    reader.lane.ack(run)
    reader.settle()
    assert reader.moved == [Moved(CALLS, 40, 0, 100, anew=True)]
    assert reader.moves.ids[CALLS] == "made anew"
    assert reader.lane.acked[CALLS] == 0
    reader.look(0, 100)
    assert not reader.moves.waiting, "once"


def test_an_id_that_was_committed_is_compared_as_soon_as_the_brokers_tell_theirs() -> None:
    reader = Reader(calls=Committed(40, "before"), surveys=Committed(7, "b"))
    known, reader.cluster.known = reader.cluster.known, {}
    reader.begin()
    assert reader.moves.ids == {CALLS: "before", SURVEYS: "b"}, "what is committed meanwhile"
    reader.cluster.known = known
    reader.look(40, 100)
    assert set(reader.moves.waiting) == {CALLS}


def test_a_partition_that_was_taken_away_meanwhile_is_left_alone() -> None:
    reader = Reader(calls=Committed(40, "a"), surveys=Committed(7, "b"))
    reader.begin()
    reader.moves.note({CALLS: 40})
    reader.lane.forget()
    reader.settle()
    assert not reader.moved
    reader.begin()
    assert not reader.moves.waiting


def test_a_loss_is_told_once_the_group_has_the_new_position_so_that_the_next_owner_does_not_tell_it_too() -> (
    None
):
    first = Reader(calls=Committed(40, "a"), surveys=Committed(7, "b"))
    first.cluster.first[CALLS] = 60
    first.begin()
    lost = Moved(CALLS, 40, 60, 100)
    assert first.moved == [lost], "states are to know it before anything is committed"
    first.moves.confirmed({SURVEYS: 9})
    first.moves.confirmed({CALLS: 40})  # was on its way
    assert not first.told
    first.begin()  # a rebalance came before a commit
    first.moves.confirmed({CALLS: 61})
    first.moves.confirmed({CALLS: 62})
    assert first.told == [lost]


def test_a_log_that_is_begun_anew_at_the_same_offset_is_told_at_once() -> None:
    reader = Reader(calls=Committed(0, "before"), surveys=Committed(7, "b"))
    reader.begin()
    assert reader.told == reader.moved == [Moved(CALLS, 0, 0, 100, anew=True)]
