"""The merger as timelines: who goes first, who is waited for and for how long."""

import pytest

from streams.core.merge import Merger
from streams.core.records import RECORD_OVERHEAD, REJECTED_AT, Decoded, Record, Reject


def decoded(topic: str, offset: int, at: int, value: bytes = b"{}") -> Decoded:
    return Decoded(Record(topic, 0, offset, at, b"k", value), at, None, None, (), False)


def reject(topic: str, offset: int) -> Decoded:
    record = Record(topic, 0, offset, 0, b"k", b"?")
    return Decoded(record, REJECTED_AT, None, Reject("not_json", "not JSON"), (), False)


def order(micro_batch: list[Decoded]) -> list[tuple[str, int]]:
    return [(item.record.topic, item.record.offset) for item in micro_batch]


def complete(merger: Merger, **topics: list[Decoded]) -> None:
    """Feeds each topic whole, as `backtest` does."""
    for topic, records in topics.items():
        merger.push(topic, records)
        merger.fetched(topic, len(records), len(records), now=0)


def test_the_earliest_head_goes_first_and_topics_break_ties() -> None:
    merger = Merger(["calls", "surveys"])
    complete(
        merger,
        surveys=[decoded("surveys", 0, 10), decoded("surveys", 1, 20)],
        calls=[decoded("calls", 0, 10), decoded("calls", 1, 15), decoded("calls", 2, 30)],
    )
    assert order(merger.take(0)) == [
        ("calls", 0),
        ("surveys", 0),
        ("calls", 1),
        ("surveys", 1),
        ("calls", 2),
    ]


def test_a_topic_keeps_its_own_order_even_when_late() -> None:
    merger = Merger(["calls", "surveys"])
    complete(
        merger,
        calls=[decoded("calls", 0, 50), decoded("calls", 1, 5)],
        surveys=[decoded("surveys", 0, 20), decoded("surveys", 1, 60)],
    )
    assert order(merger.take(0)) == [("surveys", 0), ("calls", 0), ("calls", 1), ("surveys", 1)]


def test_nothing_goes_out_before_every_topic_was_fetched_once() -> None:
    merger = Merger(["calls", "surveys"])
    merger.push("calls", [decoded("calls", 0, 10)])
    merger.fetched("calls", 1, 1, now=0)
    assert merger.take(1_000_000) == []
    merger.fetched("surveys", 0, 0, now=0)
    assert order(merger.take(0)) == [("calls", 0)]


def test_an_empty_topic_that_holds_more_is_waited_for_without_limit() -> None:
    merger = Merger(["calls", "surveys"], idle_ms=5)
    merger.push("calls", [decoded("calls", 0, 10)])
    merger.fetched("calls", 1, 1, now=0)
    merger.fetched("surveys", 0, 3, now=0)
    assert merger.take(1_000_000) == []
    assert merger.wait_ms(0) is None
    merger.push("surveys", [decoded("surveys", offset, offset) for offset in range(3)])
    assert order(merger.take(0)) == [("surveys", 0), ("surveys", 1), ("surveys", 2)]
    assert order(merger.take(5)) == [("calls", 0)]


def test_a_caught_up_topic_is_waited_for_at_most_idle_ms() -> None:
    merger = Merger(["calls", "surveys"], idle_ms=100)
    merger.fetched("surveys", 0, 0, now=1000)
    merger.push("calls", [decoded("calls", 0, 10)])
    merger.fetched("calls", 1, 1, now=1050)
    assert merger.take(1099) == []
    assert merger.wait_ms(1099) == 1
    assert order(merger.take(1100)) == [("calls", 0)]


def test_an_idle_wait_starts_when_the_topic_ran_empty() -> None:
    merger = Merger(["calls", "surveys"], idle_ms=100)
    complete(
        merger,
        surveys=[decoded("surveys", 0, 5)],
        calls=[decoded("calls", 0, 10), reject("calls", 1), decoded("calls", 2, 11)],
    )
    assert order(merger.take(500)) == [("surveys", 0)]
    assert merger.take(599) == []
    assert order(merger.take(600)) == [("calls", 0), ("calls", 1), ("calls", 2)]


def test_a_reject_at_its_head_does_not_wait_for_time() -> None:
    merger = Merger(["calls", "surveys"], idle_ms=100)
    merger.fetched("surveys", 0, 0, now=0)
    merger.push("calls", [reject("calls", 0), reject("calls", 1), decoded("calls", 2, 1), reject("calls", 3)])
    merger.fetched("calls", 4, 4, now=0)
    assert order(merger.take(1)) == [("calls", 0), ("calls", 1)]
    assert merger.take(2) == []
    assert order(merger.take(100)) == [("calls", 2), ("calls", 3)]


def test_a_run_is_limited_and_the_next_goes_on() -> None:
    merger = Merger(["calls"], max_batch=3)
    complete(merger, calls=[decoded("calls", offset, offset) for offset in range(7)])
    assert [len(merger.take(0)) for _ in range(4)] == [3, 3, 1, 0]


def test_gaps_in_offsets_are_no_concern() -> None:
    merger = Merger(["calls"])
    merger.push("calls", [decoded("calls", 5, 1), decoded("calls", 9, 2)])
    merger.fetched("calls", 12, 12, now=0)  # 10 and 11 are transaction markers
    assert order(merger.take(0)) == [("calls", 5), ("calls", 9)]
    assert merger.taken("calls") == 10


def test_a_position_that_went_back_is_refused() -> None:
    merger = Merger(["calls"])
    merger.push("calls", [decoded("calls", 5, 1)])
    with pytest.raises(ValueError, match="offset 5 of calls was pushed before"):
        merger.push("calls", [decoded("calls", 5, 1)])
    merger.clear()
    merger.push("calls", [decoded("calls", 5, 1)])


def test_bytes_are_counted_as_they_come_and_go() -> None:
    merger = Merger(["calls", "surveys"], max_batch=2)
    each = RECORD_OVERHEAD + 1 + 100
    merger.push("calls", [decoded("calls", offset, offset, b"x" * 100) for offset in range(4)])
    merger.fetched("calls", 4, 4, now=0)
    assert merger.buffered_bytes("calls") == merger.buffered_bytes() == 4 * each
    assert merger.buffered_bytes("surveys") == 0
    merger.fetched("surveys", 0, 0, now=0)
    merger.take(0)
    assert merger.buffered_bytes() == 2 * each
    merger.take(0)
    assert merger.buffered_bytes() == 0


def test_clear_forgets_what_was_fetched() -> None:
    merger = Merger(["calls", "surveys"])
    complete(merger, calls=[decoded("calls", 0, 1)], surveys=[])
    merger.clear()
    assert merger.take(0) == []
    assert merger.head("calls") is None
    merger.push("calls", [decoded("calls", 0, 1)])
    assert merger.take(0) == []


@pytest.mark.parametrize(
    ("topics", "idle", "batch"), [([], 0, 1), (["a", "a"], 0, 1), (["a"], -1, 1), (["a"], 0, 0)]
)
def test_settings_without_sense_are_refused(topics: list[str], idle: int, batch: int) -> None:
    with pytest.raises(ValueError, match=r"merger|idle_ms"):
        Merger(topics, idle, batch)


def test_a_topic_that_is_not_awaited_holds_nobody_back_once_it_is_caught_up() -> None:
    merger = Merger(["calls", "rekeyed"], idle_ms=100, unawaited=["rekeyed"])
    merger.push("calls", [decoded("calls", 0, 10)])
    merger.fetched("calls", 1, 1, now=0)
    assert merger.take(1_000_000) == [], "nobody knows yet what it holds"
    merger.fetched("rekeyed", 0, 0, now=0)
    assert merger.wait_ms(0) == 0
    assert order(merger.take(0)) == [("calls", 0)]
    merger.push("rekeyed", [decoded("rekeyed", 0, 9)])
    merger.fetched("rekeyed", 1, 1, now=0)
    assert merger.take(50) == [], "for its own part it waits for the others"
    assert merger.wait_ms(50) == 50
    assert order(merger.take(100)) == [("rekeyed", 0)]


def test_a_topic_that_is_not_awaited_is_merged_with_what_it_is_known_to_hold() -> None:
    merger = Merger(["calls", "rekeyed"], idle_ms=100, unawaited=["rekeyed"])
    merger.push("calls", [decoded("calls", 0, 10), decoded("calls", 1, 20)])
    merger.fetched("calls", 2, 2, now=0)
    merger.fetched("rekeyed", 0, 2, now=0)
    assert merger.take(1_000_000) == []
    assert merger.blocked
    merger.push("rekeyed", [decoded("rekeyed", 0, 10), decoded("rekeyed", 1, 15)])
    assert order(merger.take(0)) == [("calls", 0), ("rekeyed", 0), ("rekeyed", 1), ("calls", 1)]


def test_only_a_topic_of_the_merger_can_be_left_unawaited() -> None:
    with pytest.raises(ValueError, match="unawaited"):
        Merger(["calls"], unawaited=["surveys"])
