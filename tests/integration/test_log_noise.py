"""What an outage writes into a log: ours, a line for each change; of libraries, a line of each kind."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from streams.settings import SINK_GROUP
from tests.integration.administration import Admin
from tests.integration.conftest import Broker
from tests.integration.worker_events import call
from tests.integration.worker_program import Process, prepared, produce, until_committed, until_said, worker
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.slow

OURS = ("deploy", "sinks", "streams")
OUTAGE_SECONDS = 20


def by_origin(process: Process) -> tuple[list[str], Counter[str]]:
    """Our lines, and how many there are of each library."""
    ours, others = [], Counter[str]()
    for said in process.lines():
        origin = said["logger"].partition(".")[0]
        if origin in OURS:
            ours.append(said["event"])
        else:
            others[f"{said['logger']}: {said['event']}"] += 1
    return ours, others


def test_an_outage_of_clickhouse_is_two_lines(
    broker: Broker, unique: str, tmp_path: Path, clickhouse: EmbeddedClickHouse
) -> None:
    settings = prepared(
        broker, unique, partitions=1, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2, sink_retry_max_s=0.5
    )
    with worker(settings, "sink") as sink:
        asyncio.run(produce(settings, [call("c1", 1, 1)]))
        asyncio.run(until_committed(sink, settings, SINK_GROUP, [topics.CALLS], 1))
        before = by_origin(sink)
        clickhouse.stop()
        asyncio.run(produce(settings, [call("c1", 2, 2)]))
        asyncio.run(until_said(sink, "sink unavailable"))
        time.sleep(OUTAGE_SECONDS)
        with EmbeddedClickHouse(
            path=tmp_path / "data",
            port=clickhouse.port,
            password=clickhouse.password,
            arguments=["--exit-with-parent"],
        ):
            asyncio.run(until_committed(sink, settings, SINK_GROUP, [topics.CALLS], 2))
            after = by_origin(sink)
            assert sink.stop() == 0, sink.log()
    assert after[0][len(before[0]) :] == ["sink unavailable, offsets are held", "sink available again"]
    assert after[1] - before[1] == Counter()


@pytest.mark.kafka
@pytest.mark.parametrize("kind", ["signals", "sink"])
def test_an_outage_of_the_broker_is_a_few_lines_each_once(kind: str, unique: str) -> None:
    with KafkaBroker() as cluster:
        settings = prepared(
            cluster,
            unique,
            partitions=1,
            session_timeout_s=120,  # half of it passes before a worker gives up
            heartbeat_s=3,
            request_timeout_s=121,
            stall_timeout_s=300,
            clickhouse_dsn="clickhouse://127.0.0.1:1/none",
        )
        with worker(settings, kind) as process:
            asyncio.run(until_said(process, "recovered" if kind == "signals" else "worker starts"))
            time.sleep(5)
            cluster.stop()
            time.sleep(OUTAGE_SECONDS)
            cluster.start()
            time.sleep(10)
            ours, others = by_origin(process)
            assert process.child.poll() is None, process.log()
            assert process.stop() == 0, process.log()
    assert all(count == 1 for count in Counter(ours).values()), ours
    assert all(count == 1 for count in others.values()), others
    assert others.total() <= 25, others


@pytest.mark.kafka
def test_an_absent_topic_is_a_few_lines_each_once(kafka: KafkaBroker, admin: Admin, unique: str) -> None:
    settings = prepared(kafka, unique, partitions=1, clickhouse_dsn="clickhouse://127.0.0.1:1/none")
    with worker(settings, "sink") as sink:
        asyncio.run(until_said(sink, "worker starts"))
        time.sleep(5)
        admin.delete(settings.topic(topics.CALLS))
        time.sleep(OUTAGE_SECONDS)
        ours, others = by_origin(sink)
        assert sink.stop() == 0, sink.log()
    assert all(count == 1 for count in Counter(ours).values()), ours
    assert all(count == 1 for count in others.values()), others
    assert others.total() <= 25, others
