"""What is seen of a worker that reads nothing: lag while fetching is paused, before the first fetch, behind an open transaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from operator import eq, le

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from streams.lane.micro_batch import TP
from streams.settings import SIGNALS_GROUP, SINK_GROUP
from tests.integration.conftest import Broker
from tests.integration.lane_app import build, running
from tests.integration.test_lane import Seen, create, produce, transactional, until
from tests.integration.worker_events import call
from tests.integration.worker_program import (
    Process,
    committed,
    prepared,
    until_committed,
    until_said,
    until_true,
    worker,
)
from tests.integration.worker_program import produce as produce_events
from tests.kafka.broker import KafkaBroker

IMPATIENT = "import streams.lane.log_ends as ends; ends._STANDS_SECONDS = 2.0\n"


def total(process: Process, name: str) -> float:
    """Sums a metric over its labels."""
    families = text_string_to_metric_families(process.metrics())
    return sum(each.value for family in families for each in family.samples if each.name == name)


async def until_shown(process: Process, name: str, fits: Callable[[float], bool]) -> None:
    """Waits until a metric, summed, is as it must be; fails when the worker ends before."""
    await until_true(process, lambda: fits(total(process, name)))


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("kind", "group"), [("signals", SIGNALS_GROUP), ("sink", SINK_GROUP)], ids=["signals", "sink"]
)
def test_a_transaction_that_stays_open_is_seen_until_it_ends(
    kafka: KafkaBroker, unique: str, kind: str, group: str, clickhouse: EmbeddedClickHouse
) -> None:
    settings = prepared(kafka, unique, partitions=1, sink_batch_s=0.2, clickhouse_dsn=clickhouse.dsn)
    calls = settings.topic(topics.CALLS)

    async def scenario(process: Process) -> None:
        async with transactional(kafka, unique) as producer:
            await produce_events(settings, [call("c1", 1, 1)])
            await until_committed(process, settings, group, [topics.CALLS], 1)
            await producer.begin_transaction()
            await producer.send_and_wait(
                calls, json.dumps(call("c2", 1, 2)[1]).encode(), key=b"c2", partition=0
            )
            await produce_events(settings, [call("c3", number, 3) for number in range(4)])
            await until_said(process, "a transaction stays open")
            await until_shown(process, "behoudlijn_open_transaction_records", lambda shown: shown == 5)
            await until_shown(process, "behoudlijn_open_transaction_seconds", lambda shown: shown >= 2)
            ready = await asyncio.to_thread(requests.get, f"{process.health()}/readyz", timeout=10)
            assert ready.status_code == 200
            assert (
                f"{calls}, partition 0: a transaction has been open at offset 1"
                in ready.json()["warnings"][0]
            )
            assert await committed(settings, group, [topics.CALLS]) == 1
            await producer.abort_transaction()
            await until_shown(process, "behoudlijn_open_transaction_records", lambda shown: shown == 0)
            await until_committed(process, settings, group, [topics.CALLS], 7)
            await until_said(process, "the transaction that stood open has ended")

    with worker(settings, kind, first=IMPATIENT) as process:
        asyncio.run(until_said(process, "worker starts"))
        asyncio.run(scenario(process))
        assert process.log().count("a transaction stays open") == 1
        assert process.stop() == 0, process.log()


def test_the_sink_shows_all_that_waits_while_its_store_is_away(broker: Broker, unique: str) -> None:
    settings = prepared(
        broker,
        unique,
        partitions=1,
        clickhouse_dsn="clickhouse://127.0.0.1:1/none",
        buffer_bytes=65_536,
        max_batch=100,
        sink_retry_max_s=1,
    )
    text = "x" * 1_000
    many = [call(f"c{number}", 1, number % 60, note=text) for number in range(4_000)]

    async def scenario(process: Process) -> None:
        await produce_events(settings, many)
        await until_said(process, "sink unavailable")
        await until_shown(process, "behoudlijn_sink_outage_seconds", lambda shown: shown > 0)
        for more in (1_000, 2_000):
            await produce_events(settings, many[:1_000])
            await until_shown(process, "behoudlijn_lag_records", partial(eq, len(many) + more))

    with worker(settings, "sink") as process:
        asyncio.run(until_said(process, "worker starts"))
        asyncio.run(scenario(process))


def test_what_waits_is_known_before_anything_is_fetched(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, seen, recovered = f"{unique}.calls", Seen(), asyncio.Event()
        create(broker, 1, topic)
        await produce(broker, topic, range(10))

        async def recover(_: object) -> None:
            await recovered.wait()

        app, lane = build(broker.bootstrap, unique, (topic,), seen, on_assigned=recover)
        async with running(app):
            await until(lambda: bool(lane.lag()) and lane.lag()[TP(topic, 0)].records == 10)
            await produce(broker, topic, range(10, 15))
            await until(lambda: lane.lag()[TP(topic, 0)].records == 15)
            assert seen.count() == 0
            recovered.set()
            await until(lambda: seen.count() == 15 and lane.lag()[TP(topic, 0)].records == 0)

    asyncio.run(scenario())


SIGNALS_ASKED = {
    "behoudlijn_rebalances_total": 1,
    "behoudlijn_rebalance_pause_seconds_count": 1,
    "behoudlijn_changelog_write_seconds_count": 1,
    "behoudlijn_loop_delay_seconds_count": 1,
    "behoudlijn_timers": 3,
    "behoudlijn_batch_computing_seconds_count": 1,
    "process_resident_memory_bytes": 10_000_000,
    "process_cpu_seconds_total": 0.1,
    "process_open_fds": 5,
}
"""What must be shown at least, of a worker with three customers."""


def test_a_worker_answers_what_its_process_its_group_and_its_timers_do(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, partitions=1)

    async def scenario(process: Process) -> None:
        await produce_events(settings, [call(f"c{number}", 1, number) for number in range(3)])
        await until_committed(process, settings, SIGNALS_GROUP, [topics.CALLS], 3)
        for name, least in SIGNALS_ASKED.items():
            await until_shown(process, name, partial(le, least))
        assert total(process, "behoudlijn_timers_overdue") == 0
        assert total(process, "behoudlijn_timers_overdue_seconds") == 0

    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, "worker starts"))
        asyncio.run(scenario(process))
