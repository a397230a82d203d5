"""A steady pace of records into Kafka: so many a second, from a plan that does not wait for answers. It must not know what they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from streams.settings import Settings
from tests.soak.events import Sent

_TICK_SECONDS = 0.02


async def send_at(
    settings: Settings,
    producer: Any,
    rate: float,
    seconds: float,
    make: Callable[[int], Sent],
    acknowledged: Callable[[int, float], None] = lambda _, __: None,
    stop: asyncio.Event | None = None,
) -> int:
    """Send record after record of `make` (by number) for so many seconds, or until `stop`; all are acknowledged on return. How many.

    `acknowledged` is told the number of a record and the moment (monotonic, s) at which the brokers had it.
    """
    began, sent = time.monotonic(), 0
    wanted = round(rate * seconds)
    waiting: set[asyncio.Future[Any]] = set()

    def told(number: int) -> Callable[[Any], None]:
        return lambda _: acknowledged(number, time.monotonic())

    while sent < wanted and not (stop and stop.is_set()):
        due = min(wanted, int(rate * (time.monotonic() - began)) + 1)
        for number in range(sent, due):
            record = make(number)
            future = await producer.send(
                settings.topic(record.topic), record.value, key=record.key, partition=record.partition
            )
            future.add_done_callback(told(number))
            waiting.add(future)
        sent = max(sent, due)
        waiting = {each for each in waiting if not each.done() or each.exception()}
        await asyncio.sleep(_TICK_SECONDS)
    await asyncio.gather(*waiting)
    return sent
