"""Every codec of Kafka, chosen by a producer that we did not write or by the topic, read by each worker and each tool.

`on_disk` looks into the broker's own log files, so that no test passes because nothing was compressed.
"""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, get_args

import pytest
import requests
from aiokafka.codec import lz4_encode
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from confluent_kafka import Producer
from typer.testing import Result

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster import codecs
from streams.cluster.topic_reader import TopicReader
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Compression, Settings
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import alter
from tests.integration.conftest import Broker
from tests.integration.test_brokers import create
from tests.integration.test_migration import work_off
from tests.integration.test_signals_worker import assert_like_the_oracle
from tests.integration.worker_events import history
from tests.integration.worker_program import (
    INPUTS,
    RECOVERED,
    invoked,
    prepared,
    until_committed,
    until_said,
    worker,
)
from tests.kafka.broker import KafkaBroker
from tests.worker_environment import environment

EVERY = (*INPUTS, *topics.OUTPUTS)
EVENTS = [*history(24), (topics.CALLS, b"\xff no json " * 40)]
CODECS: Final = tuple(name for name in get_args(Compression) if name != "none")
_BATCH = struct.Struct(">qiibIh")
"""Head of a record batch: base offset, length, leader epoch, magic, checksum, attributes."""


def on_disk(broker: KafkaBroker, topic: str) -> set[str]:
    """The codecs of the record batches that the broker holds of a topic; control batches not counted."""
    found = set()
    for log in broker.nodes[0].data.glob(f"{topic}-[0-9]*/*.log"):
        data, at = log.read_bytes(), 0
        while at + _BATCH.size <= len(data):
            _, length, _, _, _, attributes = _BATCH.unpack_from(data, at)
            if length <= 0:
                break
            if not attributes & 0b100000:
                found.add(get_args(Compression)[attributes & 0b111])
            at += 12 + length
    return found


def send(settings: Settings, codec: str) -> None:
    """The events by librdkafka, in batches of its own."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "compression.type": codec,
            "linger.ms": 100,
            "partitioner": "murmur2_random",
        }
    )
    refused: list[Any] = []
    for topic, event in EVENTS:
        producer.produce(
            settings.topic(topic),
            event if isinstance(event, bytes) else json.dumps(event).encode(),
            b"bad" if isinstance(event, bytes) else event["customer_id"].encode(),
            on_delivery=lambda error, _: refused.append(error) if error else None,
        )
    assert producer.flush(30) == 0
    assert not refused


def compress(broker: KafkaBroker, settings: Settings, names: Sequence[str], codec: str) -> None:
    """Lets the topics be written anew in a codec, and waits until that holds: a broker takes changes one after another, so once
    it does so for the topic that was changed last, it does for all.
    """
    create(broker.bootstrap, settings.topic("probe"), partitions=1)
    for name in (*names, "probe"):
        alter(settings, name, compression_type=codec)
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    deadline = time.monotonic() + 30
    while codec not in (found := on_disk(broker, settings.topic("probe"))):
        assert time.monotonic() < deadline, found
        producer.produce(settings.topic("probe"), b"probe")
        assert producer.flush(30) == 0
        time.sleep(0.1)


class Installation(NamedTuple):
    """Topics in which everything is compressed in one way, worked off by a signals worker."""

    settings: Settings
    codec: str
    by: str


@pytest.fixture(
    scope="module", params=[f"{codec} by {by}" for by in ("producer", "topic") for codec in CODECS]
)
def compressed(request: pytest.FixtureRequest, any_kafka: KafkaBroker) -> Installation:
    any_kafka.start()
    codec, by = request.param.split(" by ")
    settings = prepared(
        any_kafka,
        f"{uuid.uuid4().hex[:8]}-{codec}",
        mode="live",
        compression=codec if by == "producer" else "none",
        erasure_key="the key of this test",
    )
    if by == "topic":
        compress(any_kafka, settings, (*EVERY, topics.CHANGELOG), codec)
    send(settings, codec if by == "producer" else "none")
    work_off(settings, len(EVENTS))
    for name in (topics.CALLS, topics.SURVEYS, topics.CHANGELOG, topics.TRIGGERS):
        assert codec in on_disk(any_kafka, settings.topic(name)), name
    return Installation(settings, codec, by)


def command(settings: Settings, *arguments: str) -> Result:
    result = invoked(settings, *arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def signals_worker(settings: Settings) -> None:
    assert_like_the_oracle(settings)


def recovery(settings: Settings) -> None:
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, RECOVERED))
        line = next(line for line in process.lines() if "customers" in line)
        assert line["customers"] == 24
        assert process.stop() == 0, process.log()


def sink_worker(settings: Settings) -> None:
    with EmbeddedClickHouse() as server:
        store = ClickHouse(server.dsn)
        migrate(store)
        settings = settings.model_copy(update={"clickhouse_dsn": type(settings.erasure_key)(server.dsn)})
        with TopicReader(settings) as reader:
            held = sum(reader.ends(map(settings.topic, EVERY)).values())
        with worker(settings, "sink") as process:
            asyncio.run(until_committed(process, settings, SINK_GROUP, EVERY, held))
            assert process.stop() == 0, process.log()
        assert store.query("SELECT count() FROM v_calls")[0][0] == 24 * 6
        assert store.query("SELECT count() FROM v_dead_letters")[0][0] == 1
        assert store.query("SELECT count() FROM v_triggers")[0][0] >= 8
        store.close()


def dead_letters(settings: Settings) -> None:
    assert "not_json" in command(settings, "dead-letters", "list").output


def dial(settings: Settings) -> None:
    result = command(
        settings,
        "dial",
        "--from-beginning",
        "--until-idle",
        "1",
        "--clock",
        "trigger",
        "--simulate-outcomes",
    )
    assert result.exit_code == 0, result.output
    assert "attempts" in result.output


def explain(settings: Settings) -> None:
    result = command(settings, "explain", "customer-3")
    assert result.exit_code == 0, result.output
    assert "requested_callback" in result.output


def erase(settings: Settings) -> None:
    """Without workers: the receipt tells what it read of every topic."""
    with EmbeddedClickHouse() as server:
        store = ClickHouse(server.dsn)
        migrate(store)
        store.close()
        settings = settings.model_copy(update={"clickhouse_dsn": type(settings.erasure_key)(server.dsn)})
        result = command(settings, "erase", "customer-3", "--json", "--wait", "1")
    receipt = json.loads(result.stdout)
    held = {part["topic"]: part for part in receipt["topics"]}
    assert set(EVERY) <= set(held)


def migration(settings: Settings) -> None:
    with TopicReader(settings) as reader:
        held = sum(reader.ends(map(settings.topic, INPUTS)).values())
    if held > len(EVENTS):  # outcomes of the dialer
        work_off(settings, held)
    result = command(
        settings,
        "topics",
        "migrate",
        "--to-prefix",
        f"{settings.topic_prefix}new.",
        "--to-partitions",
        "3",
    )
    assert result.exit_code == 0, result.output
    assert "24 customers moved" in result.output


READERS: Final[tuple[Callable[[Settings], None], ...]] = (
    signals_worker, recovery, sink_worker, migration, dead_letters, dial, explain, erase,
)  # fmt: skip


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("read", READERS, ids=[reader.__name__ for reader in READERS])
def test_each_reader_reads_each_codec(
    compressed: Installation,
    read: Callable[[Settings], None],
) -> None:
    read(compressed.settings)


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
def test_the_embedded_broker_carries_each_codec(embedded: EmbeddedBroker, unique: str, codec: str) -> None:
    settings = prepared(embedded, unique, mode="live", compression=codec)
    send(settings, codec)
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(EVENTS)))
        assert process.stop() == 0, process.log()
    for reader in (signals_worker, recovery, dead_letters, dial, explain):
        reader(settings)


WITHOUT = "import sys; sys.modules[{package!r}] = None; "


@pytest.mark.parametrize("name", ["signals", "sink"])
def test_a_worker_that_lacks_a_codec_says_so_before_it_is_ready_and_does_not_begin(
    broker: Broker, unique: str, name: str
) -> None:
    """cramjam is what aiokafka reads snappy, lz4 and zstd with."""
    settings = prepared(broker, unique)
    with worker(settings, name, first=WITHOUT.format(package="cramjam")) as process:
        asyncio.run(until_said(process, "worker cannot begin"))
        told = requests.get(f"{process.health()}/readyz", timeout=10)
        metrics = process.metrics()
        assert "partitions" not in process.log(), "it does not take part in its group"
        assert process.stop() == ExitCode.MISFIT
    assert told.status_code == 503
    assert "snappy, lz4, zstd cannot be read here" in told.json()["missing"][0]
    assert "install cramjam" in told.json()["missing"][0]
    for codec, readable in {"gzip": 1, "lz4": 0, "snappy": 0, "zstd": 0}.items():
        assert f'behoudlijn_codec_readable{{codec="{codec}"}} {readable}.0' in metrics


@pytest.mark.parametrize(
    ("package", "codec"), [("snappy", "snappy"), ("lz4", "lz4"), ("zstandard", "zstd"), ("cramjam", "zstd")]
)
def test_a_tool_that_lacks_a_codec_names_the_package(
    broker: Broker, unique: str, package: str, codec: str
) -> None:
    settings = prepared(broker, unique)
    run = f"{WITHOUT.format(package=package)}from streams.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", run, "dead-letters", "list"],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == ExitCode.MISFIT, done.stderr
    assert codec in done.stderr
    assert f"install {'python-snappy' if package == 'snappy' else package}" in done.stderr
    assert "Traceback" not in done.stderr


def test_lz4_is_written_with_little_effort() -> None:
    data = b"".join(b'{"customer_id":"c-%d","signals":[%d]}' % (n, n * n) for n in range(5_000))

    def written(codec: int) -> int:
        batch = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, 0, 1_000_000)
        batch.append(0, None, None, data, [])
        return len(batch.build())

    codecs.spare_effort()
    overhead = written(0) - len(data)
    assert abs(written(3) - overhead - len(lz4_encode(data, level=1))) < 100
    assert len(lz4_encode(data, level=9)) < 0.95 * len(lz4_encode(data, level=1)), "the data tell them apart"
