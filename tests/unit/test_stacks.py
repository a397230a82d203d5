"""What a worker waits for: places in the code, of every task, and never a value."""

from __future__ import annotations

import asyncio

from streams.telemetry.stacks import tasks


async def _wait_for(event: asyncio.Event, customer_id: str) -> None:
    await event.wait()


def test_a_task_tells_where_it_waits() -> None:
    async def scenario() -> list[str]:
        event = asyncio.Event()
        waiting = asyncio.create_task(_wait_for(event, "customer-17"), name="answer")
        await asyncio.sleep(0)
        told = tasks(asyncio.get_running_loop())
        event.set()
        await waiting
        assert not [task for task in tasks(asyncio.get_running_loop()) if task.startswith("answer")]
        return told

    told = asyncio.run(scenario())
    answer = next(task for task in told if task.startswith("answer: "))
    assert "test_stacks._wait_for:" in answer
    assert "locks.wait:" in answer
    assert not any("customer-17" in task for task in told)
