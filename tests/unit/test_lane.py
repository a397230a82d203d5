"""The lane without a broker: what is handed out, in which order it is done, what a rebalance forgets."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from streams.core.records import RECORD_OVERHEAD, Decoded, FetchedRecord, records_of
from streams.lane.lane import Lane, LaneError
from streams.lane.micro_batch import TP, LaneSettings, MicroBatch

CALLS, SURVEYS = TP("calls", 0), TP("surveys", 0)


@dataclass(frozen=True)
class Fetched:
    offset: int
    timestamp: int
    value: bytes | None = b"{}"
    key: bytes | None = b"k"
    headers: tuple[tuple[str, bytes], ...] = ()


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def decode(tp: TP, fetched: Sequence[FetchedRecord]) -> list[Decoded]:
    return [
        Decoded(record, record.timestamp, None, None, (), False)
        for record in records_of(tp.topic, tp.partition, fetched)
    ]


def new_lane(**settings: int | bool) -> Lane:
    return Lane(LaneSettings(topics=("calls", "surveys"), **settings), decode, Clock())  # type: ignore[arg-type]


def feed(lane: Lane, tp: TP, times: list[int], first: int = 0, end: int | None = None) -> None:
    records = [Fetched(offset, at) for offset, at in enumerate(times, start=first)]
    if records:
        lane.accept(tp, records)
    stop = first + len(times)
    lane.fetched(tp, stop, stop if end is None else end)


def assigned(lane: Lane, *numbers: int) -> Lane:
    tps = [TP(topic, number) for topic in ("calls", "surveys") for number in numbers or (0,)]
    lane.assign(dict.fromkeys(tps), dict.fromkeys(tps, 0))
    return lane


def take(lane: Lane) -> MicroBatch:
    micro_batch = lane.next_micro_batch()
    assert micro_batch is not None
    return micro_batch


def test_a_run_carries_the_offsets_to_commit_of_the_topics_in_it() -> None:
    lane = assigned(new_lane(max_batch=3))
    feed(lane, CALLS, [10, 20, 30, 40], first=5)
    feed(lane, SURVEYS, [15])
    micro_batch = take(lane)
    assert [item.at for item in micro_batch.records] == [10, 15, 20]
    assert micro_batch.end_offsets == {CALLS: 7, SURVEYS: 1}
    assert lane.acked == {}
    assert lane.ack(micro_batch)
    assert lane.acked == {CALLS: 7, SURVEYS: 1}
    assert take(lane).end_offsets == {CALLS: 9}


def test_one_run_of_a_partition_is_out_at_a_time_and_partitions_take_turns() -> None:
    lane = assigned(new_lane(max_batch=1), 0, 1)
    for number in (0, 1):
        feed(lane, TP("calls", number), [1, 2])
        feed(lane, TP("surveys", number), [])
    first, second = take(lane), take(lane)
    assert {first.partition, second.partition} == {0, 1}
    assert lane.next_micro_batch() is None
    lane.ack(first)
    assert take(lane).partition == first.partition


def test_runs_acknowledged_out_of_order_are_committed_in_order() -> None:
    lane = assigned(new_lane(max_batch=1, max_in_flight=3))
    feed(lane, CALLS, [1, 2, 3])
    feed(lane, SURVEYS, [])
    one, two, three = take(lane), take(lane), take(lane)
    assert lane.ack(three)
    assert lane.ack(two)
    assert lane.acked == {}
    assert lane.ack(one)
    assert lane.acked == {CALLS: 3}


def test_an_acknowledgement_counts_once_and_not_after_a_rebalance() -> None:
    lane = assigned(new_lane(max_batch=1))
    feed(lane, CALLS, [1, 2])
    feed(lane, SURVEYS, [])
    micro_batch = take(lane)
    assert lane.begin(micro_batch)
    assert lane.busy
    assert lane.ack(micro_batch)
    assert not lane.ack(micro_batch)
    assert not lane.busy
    stale = take(lane)
    assigned(lane)
    assert not lane.current(stale)
    assert not lane.begin(stale)
    assert not lane.ack(stale)
    assert lane.acked == {}
    assert lane.next_micro_batch() is None


def test_topics_that_are_not_copartitioned_are_refused() -> None:
    with pytest.raises(LaneError, match="partition 1 of surveys is not assigned"):
        new_lane().assign({CALLS: None, SURVEYS: None, TP("calls", 1): None}, {})


def test_what_waited_for_room_goes_out_as_one_run() -> None:
    lane = assigned(new_lane(merged=False, max_in_flight=2))
    out = []
    for offset in range(5):  # a trickle, each record fetched alone
        feed(lane, CALLS, [offset], first=offset)
        out.append(lane.next_micro_batch())
    assert [micro_batch is not None for micro_batch in out] == [True, True, False, False, False]
    assert out[0] is not None
    lane.ack(out[0])
    assert take(lane).end_offsets == {CALLS: 5}


def test_without_merging_each_partition_goes_its_own_way() -> None:
    lane = new_lane(merged=False)
    tps = [CALLS, TP("calls", 1), SURVEYS]
    lane.assign(dict.fromkeys(tps), dict.fromkeys(tps, 0))
    feed(lane, SURVEYS, [5])
    micro_batch = take(lane)  # calls were not fetched yet, and nobody waits for them
    assert micro_batch.end_offsets == {SURVEYS: 1}
    feed(lane, CALLS, [1])
    assert take(lane).end_offsets == {CALLS: 1}
    assert lane.ack(micro_batch)
    assert lane.acked == {SURVEYS: 1}


def test_a_full_partition_is_paused_until_half_of_it_is_gone() -> None:
    each = RECORD_OVERHEAD + 3
    lane = assigned(new_lane(max_batch=60, max_buffer_bytes=200 * each))
    feed(lane, CALLS, list(range(200)), end=1000)
    assert lane.full() == {CALLS}
    feed(lane, SURVEYS, [])
    paused = []
    for _ in range(3):
        lane.ack(take(lane))
        paused.append(bool(lane.full()))
    assert paused == [True, False, False]


def test_the_process_limit_is_shared_by_its_partitions() -> None:
    lane = assigned(new_lane(max_total_bytes=1), 0, 1)  # never below 64 KiB
    feed(lane, CALLS, list(range(200)))
    assert lane.full() == {CALLS}


def test_retention_that_outran_the_commits_is_told() -> None:
    lane = new_lane()
    lane.assign({CALLS: 100, SURVEYS: None}, {CALLS: 130, SURVEYS: 7})
    assert lane.acked == {CALLS: 130}, "the true position is committed"
    assert lane.assignment.committed == {CALLS: 100, SURVEYS: None}


def test_what_holds_no_records_is_passed_once_nothing_is_left_before_it() -> None:
    lane = assigned(new_lane(max_batch=2))
    feed(lane, SURVEYS, [])
    feed(lane, CALLS, [1, 2, 3], end=9)
    lane.fetched(CALLS, 9, 9)  # a response without records: markers, or what a transaction took back
    assert lane.acked == {}
    lane.ack(take(lane))
    assert lane.acked == {CALLS: 2}
    lane.ack(take(lane))
    assert lane.acked == {CALLS: 9}
    lane.fetched(CALLS, 12, 12)
    assert lane.acked == {CALLS: 12}


def test_a_log_is_begun_anew_once_all_that_was_read_of_it_is_acknowledged() -> None:
    lane = assigned(new_lane())
    feed(lane, SURVEYS, [])
    feed(lane, CALLS, [1, 2], first=40)
    with pytest.raises(ValueError, match="not acknowledged"):
        lane.restart(CALLS, 0)
    micro_batch = take(lane)
    assert not lane.settled(CALLS)
    lane.ack(micro_batch)
    assert lane.settled(CALLS)
    lane.restart(CALLS, 0)
    assert lane.acked[CALLS] == 0
    feed(lane, SURVEYS, [30], end=1)
    assert lane.next_micro_batch() is None, "what the new log holds is waited for"
    feed(lane, CALLS, [20])
    assert [item.at for item in take(lane).records] == [20, 30]


def test_lag_counts_from_what_was_acknowledged() -> None:
    lane = assigned(new_lane(max_batch=2))
    assert lane.lag()[CALLS].records is None
    feed(lane, CALLS, [11, 12, 13], end=10)
    feed(lane, SURVEYS, [])
    lag = lane.lag()
    assert (lag[CALLS].records, lag[CALLS].oldest_at, lag[CALLS].newest_at) == (10, 11, 13)
    assert lag[SURVEYS].records == 0
    lane.ack(take(lane))
    lag = lane.lag()
    assert (lag[CALLS].records, lag[CALLS].oldest_at) == (8, 13)


def test_an_idle_wait_tells_when_to_look_again() -> None:
    lane = assigned(new_lane(idle_ms=50))
    assert lane.wait_seconds() is None
    feed(lane, SURVEYS, [])
    feed(lane, CALLS, [1])
    assert lane.next_micro_batch() is None
    assert lane.wait_seconds() == 0.05


def test_wake_is_called_when_a_run_is_done() -> None:
    lane, calls = assigned(new_lane()), list[bool]()
    lane.wake = lambda: calls.append(True)
    feed(lane, CALLS, [1])
    feed(lane, SURVEYS, [])
    lane.ack(take(lane))
    assert calls == [True]


def test_records_wait_until_work_on_their_run_is_done() -> None:
    lane = assigned(new_lane(), 0, 1)
    feed(lane, SURVEYS, [])
    feed(lane, CALLS, [10])
    assert lane.waiting(0)
    assert not lane.waiting(1)
    micro_batch = take(lane)
    assert lane.waiting(0), "whoever works on something else of the partition keeps the micro-batch waiting"
    assert not lane.waiting(0, besides=micro_batch)
    feed(lane, CALLS, [20], first=1)
    assert lane.waiting(0, besides=micro_batch)
    lane.ack(micro_batch)
    lane.ack(take(lane))
    assert not lane.waiting(0)


def test_records_that_cannot_go_out_yet_are_not_waited_for() -> None:
    lane = assigned(new_lane(idle_ms=1_000))
    feed(lane, CALLS, [10])
    assert not lane.waiting(0), "the surveys' partition is unknown"
    feed(lane, SURVEYS, [])
    assert not lane.waiting(0), "the surveys are still worth waiting for"


def test_a_topic_that_is_left_out_is_neither_waited_for_nor_asked_for() -> None:
    lane = new_lane(idle_ms=1000)
    lane.assign({CALLS: None}, {CALLS: 0}, frozenset({"surveys"}))
    feed(lane, CALLS, [1, 2])
    assert [record.at for record in take(lane).records] == [1, 2], "as it would be with the calls alone"
    assigned(lane)
    assert lane.left_out == set(), "an assignment says it anew"
    with pytest.raises(LaneError, match="surveys is not assigned"):
        lane.assign({CALLS: None}, {CALLS: 0})


def test_micro_batches_that_may_be_several_are_bounded_by_their_bytes() -> None:
    lane = assigned(new_lane(merged=False, max_in_flight=100, max_buffer_bytes=64 * 1024))
    handed_out = []
    for offset in range(100):
        lane.accept(CALLS, [Fetched(offset, offset, value=b"x" * 10_000)])
        lane.fetched(CALLS, offset + 1, offset + 1)
        handed_out += [each] if (each := lane.next_micro_batch()) is not None else []
    assert len(handed_out) == 7, "the seventh reaches the limit"
    assert lane.wait_seconds() is None
    lane.ack(handed_out[0])
    assert len(take(lane).records) > 1, "what waited meanwhile goes out as one"
