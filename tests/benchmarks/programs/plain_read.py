"""What a recovery is measured against: aiokafka reads a changelog into a dict, and nothing is done with it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.workers.interpreter import tune
from tests.benchmarks.say import arguments, say


async def _read(given: dict[str, Any]) -> tuple[int, float]:
    places = [TopicPartition(given["topic"], number) for number in range(given["partitions"])]
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=given["bootstrap"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    began = time.perf_counter()
    await consumer.start()
    try:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        states: dict[bytes, bytes] = {}
        left = set(places)
        while left:
            for records in (await consumer.getmany(*left, timeout_ms=200, max_records=5_000)).values():
                for record in records:
                    states[record.key] = record.value
            for place in list(left):
                end = consumer.highwater(place)
                if end is not None and await consumer.position(place) >= end:
                    left.discard(place)
        return len(states), time.perf_counter() - began
    finally:
        await consumer.stop()


if __name__ == "__main__":
    tune()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        keys, seconds = runner.run(_read(arguments()))
    say("result", keys=keys, seconds=seconds)
