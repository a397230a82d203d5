"""A worker as a process of its own, and what the tests of both put in and read out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.partitioner import murmur2
from typer.testing import CliRunner, Result

from schemas import topics
from streams.cli import build
from streams.cluster.reading import read_to_ends
from streams.cluster.topics import ensure
from streams.core.records import Record
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.recovery import Recovered, recover
from streams.state.store import SignalsStore
from tests.integration.conftest import Broker
from tests.worker_environment import ROOT, command, environment, variables

INPUTS = tuple(topics.INPUTS)
RECOVERED = "customer states recovered"


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


def prepared(broker: Broker, prefix: str, **more: Any) -> Settings:
    """Such settings, and their topics are made."""
    settings = settings_of(broker, prefix, **more)
    ensure(settings)
    return settings


class Process:
    """A running worker; its log is kept for the message of a failed test."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path) -> None:
        self.child = child
        self._log = log

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(encoding="utf-8")

    def lines(self) -> Iterator[dict[str, Any]]:
        """The same, decoded line by line."""
        return map(json.loads, self.log().splitlines())

    def health(self) -> str:
        """Where it shows its health, once it has logged that."""
        return str(next(line["health"] for line in self.lines() if "health" in line))

    def metrics(self) -> str:
        """Its page of metrics."""
        return requests.get(f"{self.health()}/metrics", timeout=10).text

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


def behoudlijn(settings: Settings, *arguments: str, first: str = "") -> subprocess.CompletedProcess[str]:
    """`behoudlijn ARGUMENTS` with `settings`, as an operator calls it. `first`: code that runs before."""
    return subprocess.run(
        [sys.executable, "-c", f"{first}\nfrom streams.cli import main; main()", *arguments],
        env=environment(settings) | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def invoked(settings: Settings, *arguments: str) -> Result:
    """The same in this process, on a wide screen."""
    return CliRunner(env=variables(settings) | {"COLUMNS": "200", "NO_COLOR": "1"}).invoke(build(), arguments)


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


async def write(
    settings: Settings, name: str, partition: int, *records: tuple[bytes | None, bytes | None]
) -> None:
    """Writes keys and values as they are."""
    async with AIOKafkaProducer(**settings.aiokafka_options(), acks="all") as producer:
        for key, value in records:
            await producer.send_and_wait(settings.topic(name), value, key=key, partition=partition)


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


async def until_true(process: Process, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until `condition`, asked in a thread, is true; fails when the worker ends before."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):
            assert process.child.poll() is None, process.log()
            await asyncio.sleep(0.1)


async def until_said(process: Process, text: str) -> None:
    """Waits until the worker's log holds `text`; fails when the worker ends before."""
    await until_true(process, lambda: text in process.log())


def run_to_the_end(settings: Settings, count: int, *options: str) -> None:
    """A signals worker until `count` records of the inputs are committed."""
    with worker(settings, "signals", "--no-idle-timers", *options) as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, count))
        assert process.stop() == 0, process.log()


async def recovered(settings: Settings) -> list[Recovered[SignalsStore]]:
    """What a worker finds in each partition of the changelog."""
    changelog, numbers = settings.topic(topics.CHANGELOG), range(settings.partitions)
    return await recover(changelog, numbers, settings.aiokafka_options())


async def until_nothing_is_unsent(settings: Settings) -> None:
    """Waits until all outputs are known to be published."""
    async with asyncio.timeout(60):
        while any(part.unsent for part in await recovered(settings)):  # noqa: ASYNC110
            await asyncio.sleep(0.5)


def states_of(settings: Settings) -> dict[str, bytes]:
    """Every customer's state, of all partitions."""
    parts = asyncio.run(recovered(settings))
    return {customer: state for part in parts for customer, state in part.store.states.items()}


async def until_left(process: Process, settings: Settings, customers: set[str]) -> None:
    """Waits until these customers have a state, and no others."""
    await until_true(process, lambda: states_of(settings).keys() == customers)
