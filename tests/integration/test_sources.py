"""Sources on a broker: every event arrives once, in its customer's partition, in order; mistakes stop."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.cluster.topics import ensure
from streams.files.ndjson import InputError, Line
from streams.files.replay import ReplayError, outgoing_lines, outgoing_simulated, send
from streams.settings import Settings
from streams.simulate import SimulationSettings, simulate
from streams.telemetry.exit_codes import ExitCode
from tests.integration.conftest import Broker

PARTITIONS = 3
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def settings(broker: Broker, unique: str) -> Settings:
    made = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"{unique}.",
        partitions=PARTITIONS,
        idempotence=broker.idempotence,
    )
    ensure(made)
    return made


async def read(settings: Settings, topic: str, count: int) -> list[list[tuple[bytes | None, bytes]]]:
    """Keys and values by partition; waits until `count` records have come."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest", group_id=None
    )
    found: list[list[tuple[bytes | None, bytes]]] = [[] for _ in range(PARTITIONS)]
    async with consumer:
        consumer.assign([TopicPartition(settings.topic(topic), number) for number in range(PARTITIONS)])
        while sum(map(len, found)) < count:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[place.partition] += [(record.key, record.value) for record in records]
    return found


def test_a_simulated_quarter_arrives_once_by_customer_and_in_order(settings: Settings) -> None:
    records = simulate(SimulationSettings(customers=200, poison=0.01)).records
    told: list[int] = []
    sent = asyncio.run(send(outgoing_simulated(records), settings, progress=told.append))
    assert sent.records == len(records) == told[-1]
    assert sent.invalid == sum(1 for record in records if record.poison) > 0
    for topic in (topics.PROFILES, topics.CALLS, topics.SURVEYS, topics.CANCELLATIONS):
        expected: list[list[tuple[bytes | None, bytes]]] = [[] for _ in range(PARTITIONS)]
        for record in records:
            if record.topic == topic:
                key = record.customer_id.encode() if record.customer_id else None
                expected[partition_of(record.routing, PARTITIONS)].append((key, record.value))
        assert asyncio.run(read(settings, topic, sent.by_topic[topic])) == expected


def test_a_wrong_line_stops_after_those_before_it(settings: Settings) -> None:
    records = simulate(SimulationSettings(customers=20)).records
    good = [Line("f", number, record.value) for number, record in enumerate(records, 1)]
    lines = [*good[:30], Line("f", 31, b"{"), *good[30:]]
    told: list[int] = []
    with pytest.raises(InputError, match="f:31: no JSON"):
        asyncio.run(send(outgoing_lines(lines), settings, progress=told.append))
    sent = asyncio.run(send(outgoing_lines(lines, keep_invalid=True), settings))
    assert (sent.records, sent.invalid) == (len(lines), 1)
    calls = sum(record.topic == topics.CALLS for record in records)
    early = sum(record.topic == topics.CALLS for record in records[:30])
    found = asyncio.run(read(settings, topics.CALLS, calls + early + 1))
    assert sum(map(len, found)) == calls + early + 1, (
        "the first thirty were confirmed before the mistake was told"
    )


def test_a_broker_that_is_not_there_is_told(settings: Settings) -> None:
    absent = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(ReplayError, match="0 were confirmed"):
        asyncio.run(send(outgoing_simulated([]), absent))


def test_the_commands_from_table_to_topics(settings: Settings, tmp_path: Path) -> None:
    environment = os.environ | {
        "BEHOUDLIJN_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "BEHOUDLIJN_TOPIC_PREFIX": settings.topic_prefix,
        "BEHOUDLIJN_PARTITIONS": str(PARTITIONS),
        "BEHOUDLIJN_IDEMPOTENCE": str(settings.idempotence),
    }
    program = [sys.executable, "-c", "from streams.cli import main; main()"]
    table = DATA / "churn.all.gz"
    converted = subprocess.run(
        [*program, "convert", "telco-churn", str(table)], capture_output=True, check=True, timeout=60
    )
    done = subprocess.run(
        [*program, "replay", "-"],
        input=gzip.compress(converted.stdout),
        env=environment,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    counts = b"contact.calls 7,852, contact.cancellations 707, customer.profiles 5,000"
    assert done.stderr == b"sent 13,559 events (" + counts + b")\n"
    missing = environment | {"BEHOUDLIJN_TOPIC_PREFIX": "nowhere."}
    events = tmp_path / "events.ndjson"
    events.write_bytes(converted.stdout)
    refused = subprocess.run(
        [*program, "replay", str(events)], env=missing, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == ExitCode.UNAVAILABLE
    assert "replay: no topic nowhere." in refused.stderr
    assert "topics ensure" in refused.stderr
    refused = subprocess.run(
        [*program, "replay", str(table)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == ExitCode.REFUSED
    assert "5,000 of 5,000 lines cannot be read as an event, and nothing was sent" in refused.stderr
