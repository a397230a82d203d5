"""How a batch shares its computing time out: timelines of steps, each with what it cost."""

from __future__ import annotations

from itertools import chain, repeat
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as some

from streams.core.computing_time import (
    BATCH_SECONDS,
    RECORDS_AT_ONCE,
    TIMERS_AT_ONCE,
    TIMERS_SECONDS,
    ComputingTime,
)

MS = 0.001


class Spent(NamedTuple):
    records: int
    timers: int
    seconds: float


def batch(records: int, record_s: float, timers: int = 0, timer_s: float = 0.1 * MS) -> Spent:
    """What a batch does when so many records and timers wait, each at this cost."""
    time, taken, judged = ComputingTime(records), 0, 0
    while count := time.next_records():
        time.took_records(count, count * record_s)
        taken += count
    while judged < timers and (count := time.next_timers()):
        time.took_timers(min(count, timers - judged) * timer_s)
        judged += min(count, timers - judged)
    return Spent(taken, judged, time.seconds)


def test_what_is_cheap_is_one_batch() -> None:
    assert batch(2_000, 0.03 * MS).records == 2_000


def test_costly_records_end_their_batch_the_moment_they_come() -> None:
    taken = batch(2_000, 0.4 * MS)
    assert taken.records < 300
    assert taken.seconds <= BATCH_SECONDS + RECORDS_AT_ONCE * 0.4 * MS
    time = ComputingTime(4_000)
    time.took_records(1_500, 1_500 * 0.03 * MS)  # of an ordinary past, from which nothing follows
    time.took_records(RECORDS_AT_ONCE, 60 * MS)
    assert time.next_records() == 0


def test_a_stub_is_no_batch_of_its_own() -> None:
    assert batch(400, 0.3 * MS).records == 400, "120 ms"
    assert batch(2_000, 0.07 * MS).records == 2_000, "140 ms"


@given(some.integers(1, 5_000), some.floats(1e-6, 0.01))
def test_each_batch_takes_something_and_none_computes_for_long(records: int, cost: float) -> None:
    taken = batch(records, cost)
    assert taken.records > 0
    assert taken.seconds <= 1.5 * BATCH_SECONDS + RECORDS_AT_ONCE * cost + 1e-9


@given(some.integers(0, 2_000), some.floats(1e-6, 0.001), some.floats(1e-5, 0.001))
def test_timers_take_half_of_what_records_take_or_a_few_milliseconds(
    records: int, cost: float, timer: float
) -> None:
    alone, beside = batch(records, cost), batch(records, cost, 100_000, timer)
    share = max(alone.seconds / 2, TIMERS_SECONDS)
    assert beside.records == alone.records
    assert share <= beside.seconds - alone.seconds + 1e-9 <= share + TIMERS_AT_ONCE * timer + 2e-9


def test_a_herd_ends_under_any_stream_of_batches() -> None:
    herd, batches = 30_000, 0
    for records in chain([1], repeat(2_000)):
        if herd <= 0:
            break
        herd -= batch(records, 0.4 * MS, herd).timers
        batches += 1
    assert batches <= 30_000 * 0.1 * MS / TIMERS_SECONDS
