"""The same reading over librdkafka, which fetches outside of Python: confluent-kafka's `consume`, and pydantic's validation.

It shows what the client costs that we use; the row of aiokafka is no lower bound for Python.
"""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from schemas import topics
from streams.workers.interpreter import tune
from tests.benchmarks.say import arguments, say


def _read(given: dict[str, Any]) -> tuple[int, float]:
    consumer = Consumer(
        {
            "bootstrap.servers": given["bootstrap"],
            "group.id": f"{given['prefix']}librdkafka",
            "enable.auto.commit": False,
        }
    )
    validators = {
        given["prefix"] + name: model.__pydantic_validator__.validate_json
        for name, model in topics.INPUTS.items()
    }
    try:
        consumer.list_topics(timeout=30.0)  # connected before the clock starts, as aiokafka's consumer is
        began, done = time.perf_counter(), 0
        consumer.assign(
            [TopicPartition(name, number, 0) for name in validators for number in range(given["partitions"])]
        )
        while done < given["count"]:
            messages: list[Any] = consumer.consume(2_000, timeout=0.2)
            for message in messages:
                error = message.error()
                if error is not None:
                    raise RuntimeError(f"a fetch failed: {error}")
                validators[message.topic()](message.value())
            done += len(messages)
        return done, time.perf_counter() - began
    finally:
        consumer.close()


if __name__ == "__main__":
    tune()
    events, seconds = _read(arguments())
    say("result", events=events, seconds=seconds)
