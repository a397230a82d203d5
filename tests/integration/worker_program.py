"""A worker as a process of its own, and what the tests of both put in and read out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.partitioner import murmur2

from schemas import topics
from streams.cluster.reading import read_to_ends
from streams.core.records import Record
from streams.settings import Settings
from tests.integration.conftest import Broker
from tests.worker_environment import ROOT, command, environment

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def settings_of(broker: Broker, prefix: str, **more: Any) -> Settings:
    """Settings with time-outs that let a test see a rebalance soon."""
    values: dict[str, Any] = {
        "session_timeout_s": 6,
        "heartbeat_s": 0.5,
        "rebalance_timeout_s": 4,
        "request_timeout_s": 15,
        "commit_interval_s": 0.3,
        "drain_s": 4,
        "metrics_port": 0,
        "partitions": 2,
    }
    return Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"{prefix}.",
        idempotence=broker.idempotence,
        **(values | more),
    )


class Process:
    """A running worker; its log is kept for the message of a failed test."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path) -> None:
        self.child = child
        self._log = log

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(encoding="utf-8")

    def health(self) -> str:
        """Where it shows its health, once it has logged that."""
        lines = map(json.loads, self.log().splitlines())
        return str(next(line["health"] for line in lines if "health" in line))

    def wait(self, seconds: float = 60) -> int:
        """Its exit code, when it has ended by itself."""
        return self.child.wait(seconds)

    def stop(self) -> int:
        """Ends it as an orchestrator does, once it listens to signals at all."""
        deadline = time.monotonic() + 60
        while "worker starts" not in self.log() and self.child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.child.terminate()
        return self.child.wait(40)


@contextmanager
def worker(
    settings: Settings, *arguments: str, fail_point: str = "", first: str = "", tree: Path = ROOT
) -> Iterator[Process]:
    """Starts `behoudlijn worker ARGUMENTS` with `settings`, of the version in `tree`; killed when the test leaves. `first`: code that
    it runs before.
    """
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory, "log")
        with log.open("wb") as output:
            child = subprocess.Popen(
                command(*arguments, first=first),
                stdout=output,
                stderr=output,
                env=environment(settings, fail_point, tree),
                cwd=directory,
            )
        try:
            yield Process(child, log)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            if sys.exc_info()[0] is not None:
                print(log.read_text(encoding="utf-8"))


def call(customer: str, number: int, minute: int, **more: Any) -> tuple[str, dict[str, Any]]:
    """An unresolved call, `minute` minutes after the beginning."""
    at = datetime.fromtimestamp(START.timestamp() + 60 * minute, UTC)
    event = {
        "type": "call",
        "schema_version": 1,
        "event_id": f"{customer}-{number}",
        "customer_id": customer,
        "occurred_at": at.isoformat(),
        "resolved": False,
        **more,
    }
    return topics.CALLS, event


def survey(customer: str, number: int, minute: int) -> tuple[str, dict[str, Any]]:
    """A survey in which the customer asks to be called back."""
    _, event = call(customer, number, minute)
    del event["resolved"]
    return topics.SURVEYS, event | {"type": "survey", "csat": 1, "callback_requested": True}


def history(customers: int, calls: int = 6) -> list[tuple[str, dict[str, Any]]]:
    """Events in order of time: everyone calls in turn, every third customer asks for a callback once."""
    events = [call(f"customer-{n}", k, k * 60 * 24 + n) for k in range(calls) for n in range(customers)] + [
        survey(f"customer-{n}", 1000, (calls - 1) * 60 * 24 + n + 7) for n in range(0, customers, 3)
    ]
    return sorted(events, key=lambda each: (each[1]["occurred_at"], list(topics.INPUTS).index(each[0])))


async def produce(settings: Settings, events: Sequence[tuple[str, dict[str, Any] | bytes]]) -> None:
    """Writes events to their topics, by customer; bytes go to partition 0 as they are."""
    async with AIOKafkaProducer(**settings.aiokafka_options(), max_batch_size=128 * 1024) as producer:
        waiting = []
        for topic, event in events:
            if isinstance(event, bytes):
                where: dict[str, Any] = {"value": event, "key": b"bad", "partition": 0}
            else:
                key = event["customer_id"].encode()
                number = (murmur2(key) & 0x7FFFFFFF) % settings.partitions
                where = {"value": json.dumps(event).encode(), "key": key, "partition": number}
            waiting.append(await producer.send(settings.topic(topic), **where))
        await asyncio.gather(*waiting)


async def read_all(settings: Settings, *names: str) -> dict[str, list[Record]]:
    """Everything that the topics `names` hold now."""
    found: dict[str, list[Record]] = {name: [] for name in names}
    consumer = AIOKafkaConsumer(
        **settings.aiokafka_options(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        places = [TopicPartition(settings.topic(n), p) for n in names for p in range(settings.partitions)]
        consumer.assign(places)
        for partition in places:
            consumer.seek(partition, 0)
        async with asyncio.timeout(60):
            async for fetched in read_to_ends(consumer, dict.fromkeys(places)):
                for partition, records in fetched.items():
                    found[settings.plain_topic(partition.topic)] += [
                        Record(partition.topic, partition.partition, r.offset, r.timestamp, r.key, r.value)
                        for r in records
                    ]
    finally:
        await consumer.stop()
    return found


async def committed(settings: Settings, group: str, names: Sequence[str]) -> int:
    """How many records of the topics `names` the group has committed."""
    consumer = AIOKafkaConsumer(**settings.aiokafka_options(), group_id=settings.topic(group))
    await consumer.start()
    try:
        total = 0
        for name in names:
            for number in range(settings.partitions):
                total += await consumer.committed(TopicPartition(settings.topic(name), number)) or 0
        return total
    finally:
        await consumer.stop()


async def until_committed(
    process: Process, settings: Settings, group: str, names: Sequence[str], count: int
) -> None:
    """Waits until `count` records are committed; fails when the worker ends before."""
    async with asyncio.timeout(90):
        while await committed(settings, group, names) < count:
            assert process.child.poll() is None, process.log()
            await asyncio.sleep(0.3)


async def until_said(process: Process, text: str) -> None:
    """Waits until the worker's log holds `text`; fails when the worker ends before."""
    async with asyncio.timeout(60):
        while text not in process.log():
            assert process.child.poll() is None, process.log()
            await asyncio.sleep(0.1)


def alter(settings: Settings, name: str, **configs: str) -> None:
    """Sets configurations of one topic, with `_` for their dots; on a real broker, which goes by them on return."""
    admin = KafkaAdminClient(**settings.kafka_python_options())
    try:
        named = {key.replace("_", "."): value for key, value in configs.items()}
        topic = settings.topic(name)
        admin.alter_configs([ConfigResource("topic", topic, named)])
        deadline = time.monotonic() + 60
        while (
            True
        ):  # the controller says that it is done before the broker has read it in the controller's log
            found = admin.describe_configs([ConfigResource("topic", topic)], config_filter="all")["topic"][
                topic
            ]
            if all(found[key]["value"] == value for key, value in named.items()):
                return
            assert time.monotonic() < deadline, f"the broker does not follow: {named}"
            time.sleep(0.05)
    finally:
        admin.close()
