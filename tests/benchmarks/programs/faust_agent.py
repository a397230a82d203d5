"""A plain Faust agent with a table, as Faust's guide shows it: `async for` one event, one table write, `topic.send`.

State lives in Faust's memory store with its changelog topic on. Tables take keys and values by codec; `raw` spares
them JSON. Faust's producer is flushed before each commit, but not for certain: `await_each` waits for every output
instead, as nothing else holds back the acknowledgement of an event whose output is not delivered yet.
"""

from __future__ import annotations

import time
from typing import Any

import faust
import uvloop

from streams.core.records import Record
from streams.workers.interpreter import tune
from tests.benchmarks.programs.peer_job import PartitionJob, input_topics, output_topics
from tests.benchmarks.say import arguments, say


def build(given: dict[str, Any]) -> faust.App:
    """The app: five topics, one agent, one table."""
    app = faust.App(
        given["group"],
        broker=f"kafka://{given['bootstrap']}",
        datadir=given["scratch"],
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=given["partitions"],
        table_standby_replicas=0,
        broker_commit_interval=0.2,
        consumer_auto_offset_reset=given["start"],
    )
    inputs = app.topic(*input_topics(given), key_type=bytes, value_type=bytes, value_serializer="raw")
    schema = faust.Schema(key_type=str, value_type=bytes, key_serializer="raw", value_serializer="raw")
    table = app.Table("states", partitions=given["partitions"], schema=schema)
    job = PartitionJob(given, table)
    out = {
        name: app.topic(name, key_type=bytes, value_type=bytes, value_serializer="raw")
        for name in output_topics(given)
    }
    first = True

    @app.agent(inputs)  # type: ignore[untyped-decorator]
    async def decide(stream: Any) -> None:
        nonlocal first
        async for event in stream.events():
            if first:
                first = False
                say("first", at=time.time())
            message = event.message
            record = Record(
                message.topic,
                message.partition,
                message.offset,
                int(message.timestamp * 1000),
                message.key,
                message.value,
            )
            for topic, out_key, value in job.handle(record):
                sent = await out[topic].send(key=out_key, value=value)
                if given["await_each"]:
                    await sent

    return app


if __name__ == "__main__":
    given = arguments()
    uvloop.install()
    worker = faust.Worker(build(given), loglevel="WARNING", redirect_stdouts=False)
    tune()
    say("started")
    worker.execute_from_commandline()
