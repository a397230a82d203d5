"""Runs in turn, and the guard: an error ends the app, and nothing is acknowledged behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.lane.crash import crash_on_error
from streams.lane.run_agent import in_turn
from streams.lane.runs import Run


class App:
    def __init__(self) -> None:
        self.reasons: list[BaseException] = []

    async def crash(self, reason: BaseException) -> None:
        self.reasons.append(reason)


class Lane:
    """Of which every run is current."""

    def __init__(self) -> None:
        self.acked: list[int] = []

    def begin(self, run: Run[Any]) -> bool:
        return True

    def ack(self, run: Run[Any]) -> bool:
        self.acked.append(run.number)
        return True


def a_run(partition: int, number: int) -> Run[Any]:
    return Run(partition, [], {}, 0, number)


async def these(*runs: Run[Any]) -> AsyncIterator[Run[Any]]:
    for run in runs:
        yield run


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

    async def handle(run: Run[Any]) -> None:
        began.append(run.number)
        if run.number == 1:
            await gate.wait()
        if run.number == 3:
            gate.set()

    asyncio.run(in_turn(lane, handle)(these(a_run(0, 1), a_run(0, 2), a_run(1, 3))))
    assert began == [1, 3, 2]
    assert lane.acked == [3, 1, 2]


def test_nothing_goes_out_behind_a_run_that_failed() -> None:
    lane, error = Lane(), RuntimeError("a bug")

    async def handle(run: Run[Any]) -> None:
        if run.number == 1:
            await asyncio.sleep(0.01)
            raise error

    with pytest.raises(RuntimeError) as raised:
        asyncio.run(in_turn(lane, handle)(these(a_run(0, 1), a_run(0, 2))))
    assert raised.value is error
    assert lane.acked == []
