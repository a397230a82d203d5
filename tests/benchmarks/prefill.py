"""Fills topics before a measurement: whole record batches, so that loading is quick and equal for every row.

Owns what lies in the topics when the clock starts. States are written by `streams.operations.migration`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.cluster.partitioning import partition_of
from streams.settings import Settings
from tests.benchmarks.workload import Event

_BATCH_BYTES = 128 * 1024
"""As large as `behoudlijn replay` makes them."""
_IN_FLIGHT = 64


async def fill_inputs(settings: Settings, events: Iterable[Event]) -> None:
    """Put the events into the input topics, each partition in the order given; all are in the broker on return."""
    producer: Any = AIOKafkaProducer(
        **settings.aiokafka_options(),
        acks="all",
        max_batch_size=_BATCH_BYTES,
        max_request_size=8 * 1024 * 1024,
    )
    await producer.start()
    try:
        waiting: list[Any] = []
        open_batches: dict[tuple[str, int], Any] = {}
        for topic, key, routing, value in events:
            place = (settings.topic(topic), partition_of(routing, settings.partitions))
            batch = open_batches.get(place)
            if batch is None:
                batch = open_batches[place] = producer.create_batch()
            if batch.append(key=key, value=value, timestamp=None) is None:
                waiting.append(await _send(producer, batch, place))
                batch = open_batches[place] = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
                if len(waiting) >= _IN_FLIGHT:
                    await asyncio.gather(*waiting)
                    waiting.clear()
        waiting += [await _send(producer, batch, place) for place, batch in open_batches.items()]
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def _send(producer: Any, batch: Any, place: tuple[str, int]) -> Any:
    batch.close()
    return await producer.send_batch(batch, place[0], partition=place[1])
