"""A quixstreams application, as its guide shows it: a dataframe over the topics, stateful `apply`, `to_topic`.

State lives in RocksDB with its changelog topic on; quixstreams merges concatenated topics by the time of
their records, we by that of the events. It keeps
at-least-once: a checkpoint flushes the producer, then the state, then commits.
"""

from __future__ import annotations

import time
from functools import reduce
from pathlib import Path
from typing import Any

from quixstreams import Application, State, message_context

from streams.core.records import Record
from streams.workers.interpreter import tune
from tests.benchmarks.programs.peer_job import KeyJob, Out, input_topics, output_topics
from tests.benchmarks.say import arguments, say


def build(given: dict[str, Any], job: KeyJob) -> Application:
    """The application, ready to `run`."""
    app = Application(
        broker_address=given["bootstrap"],
        consumer_group=given["group"],
        auto_offset_reset=given["start"],
        state_dir=Path(given["scratch"]) / "state",
        commit_interval=1.0,
        consumer_poll_timeout=0.05,
        auto_create_topics=True,
        loglevel="WARNING",
    )
    inputs = [
        app.topic(name, key_deserializer="bytes", value_deserializer="bytes") for name in input_topics(given)
    ]
    out = {
        name: app.topic(name, key_serializer="bytes", value_serializer="bytes")
        for name in output_topics(given)
    }
    first = True

    def decide(value: bytes, key: Any, timestamp: int, headers: Any, state: State) -> list[Out]:
        nonlocal first
        if first:
            first = False
            say("first", at=time.time())
        context = message_context()
        record = Record(context.topic, context.partition, context.offset, timestamp, key, value)
        new, outputs = job.handle(record, state.get_bytes("s"))
        if new is not None:
            state.set_bytes("s", new)
        return outputs

    frame = reduce(lambda one, other: one.concat(other), map(app.dataframe, inputs))
    # A state needs a key; who was not recognised has none and is nobody's state.
    frame = frame.filter(lambda value, key, timestamp, headers: key is not None, metadata=True)
    decided = frame.apply(decide, stateful=True, expand=True, metadata=True)
    for name, topic in out.items():
        chosen = decided.filter(lambda each, name=name: each[0] == name).apply(lambda each: each[2])
        chosen.to_topic(topic)
    return app


if __name__ == "__main__":
    given = arguments()
    app = build(given, KeyJob(given))
    tune()
    say("started")
    app.run()
