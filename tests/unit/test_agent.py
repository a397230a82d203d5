"""Micro-batches in turn, and the guard: an error ends the app, and nothing is acknowledged behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.lane.agent import in_turn
from streams.lane.crash import crash_on_error
from streams.lane.micro_batch import MicroBatch


class App:
    def __init__(self) -> None:
        self.reasons: list[BaseException] = []

    async def crash(self, reason: BaseException) -> None:
        self.reasons.append(reason)


class Lane:
    """Of which every micro-batch is current."""

    def __init__(self) -> None:
        self.acked: list[int] = []

    def begin(self, micro_batch: MicroBatch[Any]) -> bool:
        return True

    def ack(self, micro_batch: MicroBatch[Any]) -> bool:
        self.acked.append(micro_batch.number)
        return True


def a_micro_batch(partition: int, number: int) -> MicroBatch[Any]:
    return MicroBatch(partition, [], {}, 0, number)


async def these(*micro_batches: MicroBatch[Any]) -> AsyncIterator[MicroBatch[Any]]:
    for micro_batch in micro_batches:
        yield micro_batch


async def guarded(app: App, error: BaseException | None) -> None:
    async with crash_on_error(app):
        if error is not None:
            raise error


def test_an_error_ends_the_app_and_goes_on() -> None:
    app, error = App(), RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        asyncio.run(guarded(app, error))
    assert app.reasons == [error]


def test_a_stop_is_no_error() -> None:
    app = App()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(guarded(app, asyncio.CancelledError()))
    asyncio.run(guarded(app, None))
    assert app.reasons == []


def test_runs_of_one_partition_follow_one_another_and_those_of_others_do_not_wait() -> None:
    lane, began, gate = Lane(), [], asyncio.Event()

    async def handle(micro_batch: MicroBatch[Any]) -> None:
        began.append(micro_batch.number)
        if micro_batch.number == 1:
            await gate.wait()
        if micro_batch.number == 3:
            gate.set()

    asyncio.run(in_turn(lane, handle)(these(a_micro_batch(0, 1), a_micro_batch(0, 2), a_micro_batch(1, 3))))
    assert began == [1, 3, 2]
    assert lane.acked == [3, 1, 2]


def test_nothing_goes_out_behind_a_run_that_failed() -> None:
    lane, error = Lane(), RuntimeError("a bug")

    async def handle(micro_batch: MicroBatch[Any]) -> None:
        if micro_batch.number == 1:
            await asyncio.sleep(0.01)
            raise error

    with pytest.raises(RuntimeError) as raised:
        asyncio.run(in_turn(lane, handle)(these(a_micro_batch(0, 1), a_micro_batch(0, 2))))
    assert raised.value is error
    assert lane.acked == []
