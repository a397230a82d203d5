"""A worker with nothing to do asks seldom, and takes what comes at once all the same."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from streams.lane.fetch_waits import IDLE_MS
from tests.integration.conftest import Broker
from tests.integration.lane_app import build, running
from tests.integration.test_lane import Seen, create, produce, until

SECONDS = 5


def counted(app: Any, counts: Counter[str]) -> None:
    """Counts the requests of the worker's Kafka client, by their kind."""
    client = app.consumer._thread._consumer._client
    send = client.send

    async def counting(node: Any, request: Any, **more: Any) -> Any:
        counts[type(request).__name__] += 1
        return await send(node, request, **more)

    client.send = counting


def test_an_idle_worker_fetches_as_seldom_as_a_broker_may_hold_a_fetch(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, seen, counts = f"{unique}.calls", Seen(), Counter[str]()
        create(broker, 4, topic)
        await produce(broker, topic, [1])
        app, _ = build(broker.bootstrap, unique, (topic,), seen)
        async with running(app):
            await until(lambda: seen.count() == 1)
            counted(app, counts)
            began = time.monotonic()
            await asyncio.sleep(SECONDS)
            held = (time.monotonic() - began) * 1000 / IDLE_MS
            assert counts["FetchRequest"] <= held + 2, counts
            assert counts.total() - counts["FetchRequest"] <= 3 * SECONDS, counts
            for number in range(4):
                await produce(broker, topic, [number + 2], partition=number)
                await until(lambda number=number: seen.count() == number + 2)

    asyncio.run(scenario())
