"""The computation of one batch: step by step through the core, with turns for others in between.

Owns the clock of it, which is this thread's own: on a machine that others use too a batch is not cut smaller. For how long what goes on is
`core.computing_time`'s to say; it must not write or publish anything.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from streams.core.computing_time import TURN_SECONDS, ComputingTime
from streams.core.engine import Batch, BatchResult
from streams.core.records import Decoded


class Computed(NamedTuple):
    """What a batch changes and says, of so many of its records, the first ones, and the seconds that this was computed for."""

    result: BatchResult
    records: int
    seconds: float


async def compute(batch: Batch, records: Sequence[Decoded], advance_to: int | None = None) -> Computed:
    """Take in records, let time pass up to `advance_to` (ms), and judge timers that are due, each for as long as a batch may.

    The event loop goes to others every few milliseconds; the caller holds the partition's turn.
    """
    spent, taken, turn = ComputingTime(len(records)), 0, TURN_SECONDS
    began = time.thread_time()
    while count := spent.next_records():
        batch.take(records[taken : taken + count], 0)  # timers have a share of their own
        taken += count
        began, seconds = _lap(began)
        spent.took_records(count, seconds)
        if spent.seconds >= turn:
            began, turn = await _let_others(), spent.seconds + TURN_SECONDS
    if advance_to is not None:
        batch.advance(advance_to, 0)
    while batch.clock.overdue and (count := spent.next_timers()):
        batch.judge_overdue(count)
        began, seconds = _lap(began)
        spent.took_timers(seconds)
        if spent.seconds >= turn:
            began, turn = await _let_others(), spent.seconds + TURN_SECONDS
    return Computed(batch.result(), taken, spent.seconds)


def _lap(began: float) -> tuple[float, float]:
    now = time.thread_time()
    return now, now - began


async def _let_others() -> float:
    await asyncio.sleep(0)
    return time.thread_time()
