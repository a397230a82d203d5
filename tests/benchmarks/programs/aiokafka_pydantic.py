"""What our worker cannot go below: aiokafka's `getmany`, and pydantic's validation of every record.

It is no bound of Python's: `librdkafka_pydantic` does the same with another client.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from streams.workers.interpreter import tune
from tests.benchmarks.say import arguments, say


async def _read(given: dict[str, Any]) -> tuple[int, float]:
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=given["bootstrap"], enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        validators = {}
        for name, model in topics.INPUTS.items():
            for number in range(given["partitions"]):
                place = TopicPartition(given["prefix"] + name, number)
                validators[place] = model.__pydantic_validator__.validate_json
        consumer.assign(list(validators))
        for place in validators:
            consumer.seek(place, 0)
        began, done = time.perf_counter(), 0
        while done < given["count"]:
            for place, records in (await consumer.getmany(timeout_ms=200, max_records=2_000)).items():
                validate = validators[place]
                for record in records:
                    validate(record.value)
                done += len(records)
        return done, time.perf_counter() - began
    finally:
        await consumer.stop()


if __name__ == "__main__":
    tune()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        events, seconds = runner.run(_read(arguments()))
    say("result", events=events, seconds=seconds)
