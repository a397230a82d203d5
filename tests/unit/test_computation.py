"""The computation of a batch gives others their turn, and what it makes does not tell how it was cut."""

from __future__ import annotations

import asyncio

import pytest

from streams.core.computing_time import TIMERS_AT_ONCE, TIMERS_SECONDS
from streams.core.engine import Batch, Clock, process_batch
from streams.workers import computation
from streams.workers.computation import compute
from tests.builders import DAY, HOUR, Partition, call, default_policy

T = 1_000 * HOUR


class Ticks:
    """A clock of which each look takes a little."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._now = 0.0

    def thread_time(self) -> float:
        self._now += self._seconds
        return self._now


def test_others_have_their_turn_while_a_batch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computation, "time", Ticks(0.012))
    records = [call(T + n, customer=f"c{n}") for n in range(500)]

    async def timeline() -> tuple[int, int]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(other())
        computed = await compute(Batch({}, default_policy(), Clock()), records)
        others.cancel()
        return turns, computed.records

    turns, taken = asyncio.run(timeline())
    assert 0 < taken < 500, "what is left is the next batch's"
    assert turns >= taken / 32


def test_the_cut_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [call(T + n * HOUR, customer=f"c{n % 50}") for n in range(300)]
    clock = Clock()
    whole = process_batch(records, {}, default_policy(), clock)
    monkeypatch.setattr(computation, "time", Ticks(0.00001))
    computed = asyncio.run(compute(Batch({}, default_policy(), Clock()), records))
    assert computed.records == 300
    assert computed.result == whole


def test_of_a_herd_a_batch_judges_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = Partition()
    partition.feed(*(call(T, customer=f"c{n}") for n in range(100)))
    monkeypatch.setattr(computation, "time", Ticks(TIMERS_SECONDS / 2.5))
    batch = Batch(partition.states, partition.policy, partition.clock)
    computed = asyncio.run(compute(batch, [], T + 100 * DAY))
    assert len(computed.result.states) == 3 * TIMERS_AT_ONCE
    assert partition.clock.overdue
