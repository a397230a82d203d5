"""A release worker as a process of its own, what the tests of it put in and read out, and the oracle that it is held against."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from schemas import topics
from streams.cluster.reading import read_to_ends
from streams.core.policy import Policy
from streams.core.records import Record
from streams.core.release.inputs import Input
from streams.core.release.process import ALL, process_release, restore
from streams.core.release.work import JUDGED, Output
from streams.core.state import NEVER
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.settings import Settings, load_settings
from streams.state.changelog import PARTITION_KEY, decode_entry, decode_partition
from streams.telemetry import log
from streams.telemetry.metrics import Metrics
from streams.workers.desk_batch import ROOM
from streams.workers.desk_records import read_record
from streams.workers.desk_states import INPUTS
from streams.workers.fail_point import FailPoint
from streams.workers.process import run
from streams.workers.release import ReleaseWorker
from streams.workers.signals import SignalsWorker
from tests.integration.conftest import Broker
from tests.integration.worker_program import Process, settings_of, worker

TOPICS = (
    *INPUTS,
    topics.REPLIES,
    topics.TRIGGERS,
    topics.SHADOW_TRIGGERS,
    topics.DEAD_LETTERS,
    topics.RELEASE_CHANGELOG,
)


def main() -> None:
    """Run a release worker with the settings of the environment."""
    _run(
        lambda settings: partial(ReleaseWorker, settings, load_policy(settings.policy)),
        ticks=os.environ.get("TICKS") != "off",
    )


def signals_for_desks() -> None:
    """Run a signals worker whose triggers the desks publish, with the settings of the environment."""

    def kind(settings: Settings) -> Callable[..., Any]:
        phrases = load_phrases(settings.language, settings.phrases)
        return partial(SignalsWorker, settings, load_policy(settings.policy), phrases)

    _run(kind, desks=True)


def _run(kind: Callable[[Settings], Callable[..., Any]], **options: bool) -> None:
    settings, metrics = load_settings(), Metrics()
    log.configure()
    fail_point = FailPoint(os.environ.get("BEHOUDLIJN_FAILPOINT", ""))
    with tempfile.TemporaryDirectory() as data_dir:
        build = partial(kind(settings), metrics, data_dir=data_dir, fail_point=fail_point, **options)
        code = run(build, settings, metrics)
    raise SystemExit(code)


@contextmanager
def signals_worker(settings: Settings, *, fail_point: str = "") -> Iterator[Process]:
    """Starts one whose triggers the desks publish; killed when the test leaves."""
    first = "from tests.integration.desk_program import signals_for_desks; signals_for_desks()\n"
    with worker(settings, fail_point=fail_point, first=first) as process:
        yield process


@contextmanager
def release_worker(settings: Settings, *, fail_point: str = "", ticks: bool = True) -> Iterator[Process]:
    """Starts one; killed when the test leaves."""
    first = f"import os; os.environ['TICKS'] = {'on' if ticks else 'off'!r}; from tests.integration.desk_program import main; main()\n"
    with worker(settings, fail_point=fail_point, first=first) as process:
        yield process


def prepared(
    broker: Broker, prefix: str, policy: str, names: Sequence[str] = TOPICS, **more: Any
) -> Settings:
    """Settings whose topics `names` are made, as the release stage needs them."""
    settings = settings_of(broker, prefix, policy=policy, **more)
    stamped = {"message.timestamp.type": "LogAppendTime"}
    made = {
        settings.topic(name): {
            "num_partitions": settings.partitions,
            "replication_factor": 1,
            "configs": stamped | ({"cleanup.policy": "compact"} if name == topics.RELEASE_CHANGELOG else {}),
        }
        for name in names
    }
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as admin:
        admin.create_topics(made)
    return settings


async def write(settings: Settings, name: str, *messages: dict[str, Any] | bytes, desk: int = 0) -> None:
    """Writes records of an input to a desk, one after another."""
    async with AIOKafkaProducer(**settings.aiokafka_options(), acks="all") as producer:
        for message in messages:
            value = message if isinstance(message, bytes) else json.dumps(message).encode()
            await producer.send_and_wait(settings.topic(name), value, partition=desk)


async def read(settings: Settings, name: str) -> list[Record]:
    """Everything that a topic holds now, tombstones included."""
    found: list[Record] = []
    consumer = AIOKafkaConsumer(
        **settings.aiokafka_options(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        places = [TopicPartition(settings.topic(name), number) for number in range(settings.partitions)]
        consumer.assign(places)
        async with asyncio.timeout(60):
            async for fetched in read_to_ends(consumer, dict.fromkeys(places)):
                for place, records in fetched.items():
                    found += [
                        Record(place.topic, place.partition, r.offset, r.timestamp, r.key, r.value)
                        for r in records
                    ]
    finally:
        await consumer.stop()
    return found


def said(settings: Settings, name: str) -> list[dict[str, Any]]:
    """The records of an output, in the order of each partition; those that were sent twice are there twice."""
    return [json.loads(each.value or b"") for each in asyncio.run(read(settings, name))]


class Judged(NamedTuple):
    """One batch of a desk, as the changelog tells: what it judged, in order (input, offset, whether the desk was live), and whether nothing
    was left to the next one.
    """

    records: list[tuple[str, int, bool]]
    settled: bool
    epoch: int
    """Of its owner."""


def batches(settings: Settings, desk: int) -> list[Judged]:
    """The batches of a desk."""
    found: dict[int, Judged] = {}
    epoch = 0
    for record in asyncio.run(read(settings, topics.RELEASE_CHANGELOG)):
        if record.partition != desk or record.value is None:
            continue
        if record.key == PARTITION_KEY:
            epoch = max(epoch, decode_partition(record.value).stamp.epoch)
        elif record.key == JUDGED.encode():
            entry = decode_entry(record.value)
            if entry.stamp.epoch >= epoch:
                runs, settled = orjson.loads(entry.state)
                records = [
                    (topic, offset, live)
                    for topic, first, last, live in runs
                    for offset in range(first, last + 1)
                ]
                found[entry.stamp.batch] = Judged(records, settled, entry.stamp.epoch)
    return [each for _, each in sorted(found.items())]


def judged(settings: Settings, desk: int) -> list[tuple[str, int, bool]]:
    """What a desk has judged, in order: input, offset, whether the desk was live."""
    return [record for batch in batches(settings, desk) for record in batch.records]


class Oracle:
    """One desk that reads what the worker read, in the same order, in one go; cut only where a batch left something to the next one,
    since another owner may have come between.
    """

    def __init__(self, settings: Settings, policy: Policy, desk: int) -> None:
        self._records = {
            (settings.plain_topic(each.topic), each.offset): read_record(
                settings.plain_topic, policy.desk_of, each
            )
            for name in INPUTS
            for each in asyncio.run(read(settings, name))
            if each.partition == desk
        }
        self.states: dict[str, bytes] = {}
        self.outputs: list[Output] = []
        self._partition = restore(policy.release_rules[policy.desks[desk]], NEVER, self.states)
        self.order: list[tuple[str, int, bool]] = []
        together: list[tuple[str, int, bool]] = []
        before = Judged([], True, 0)
        for batch in batches(settings, desk):
            self.order += batch.records
            taken_over = batch.epoch != before.epoch and not before.settled
            before = batch
            if batch.settled and not taken_over:
                together += batch.records
                continue
            if together:
                self._judge(together)
            self._judge(batch.records, ROOM, taken_over=taken_over)
            together = []
        if together:
            self._judge(together)

    def _judge(
        self, records: list[tuple[str, int, bool]], room: int = ALL, *, taken_over: bool = False
    ) -> None:
        inputs = [
            Input(made.record.timestamp, made.body, live)
            for topic, offset, live in records
            if (made := self._records[topic, offset]).body is not None
        ]
        result = process_release(inputs, self._partition, room=room, taken_over=taken_over)
        assert result.taken == len(inputs)
        self.outputs += result.outputs
        for key, data in result.states.items():
            self.states.pop(key, None)
            if data is not None:
                self.states[key] = data


def states_of(settings: Settings, desk: int) -> dict[str, bytes]:
    """The states that the changelog holds, without the note of what was judged."""
    states: dict[str, bytes] = {}
    for record in asyncio.run(read(settings, topics.RELEASE_CHANGELOG)):
        if record.partition != desk or record.key in (None, PARTITION_KEY):
            continue
        key = (record.key or b"").decode()
        state = b"" if record.value is None else decode_entry(record.value).state
        states.pop(key, None)
        if state and key != JUDGED:
            states[key] = state
    return states
