"""Logs that are not where we left off: retention passes a reader, a topic is made anew, a commit lies beyond the end.

And what looks alike and is no loss: gaps of compaction, of aborted transactions and of markers. All on real Kafka.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from streams.lane.micro_batch import TP, MicroBatch, Moved
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from tests.integration.administration import Admin
from tests.integration.lane_app import build, running
from tests.integration.test_lane import (
    Seen,
    committed,
    create,
    produce,
    read_all,
    transactional,
    until,
    until_committed,
)
from tests.integration.worker_events import call
from tests.integration.worker_program import Process, prepared, settings_of, until_said, until_true, worker
from tests.integration.worker_program import produce as produce_events
from tests.integration.worker_program import read_all as read_records
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("held", [0, 10], ids=["empty", "ten records"])
def test_a_commit_beyond_the_end_begins_anew_and_is_set_right(
    kafka: KafkaBroker, admin: Admin, unique: str, held: int
) -> None:
    async def scenario() -> None:
        topic, seen, moved = f"{unique}.calls", Seen(), list[Moved]()
        create(kafka, 1, topic)
        await produce(kafka, topic, range(held))
        admin.commit(unique, {(topic, 0): 500})
        app, _ = build(kafka.bootstrap, unique, (topic,), seen, on_moved=moved.append)
        async with running(app):
            await until(lambda: len(moved) == 1)
            await until(lambda: app.consumer._committed_offset[TP(topic, 0)] == held)
            assert seen.times() == list(range(held))
            await produce(kafka, topic, [100, 101])
            await until(lambda: seen.count() == held + 2)
        assert moved == [Moved(TP(topic, 0), 500, 0, held)]
        assert moved[0].lost == 0
        assert await committed(kafka, unique, topic) == [held + 2]

    asyncio.run(scenario())


@pytest.mark.parametrize("again", [3, 25], ids=["fewer records than before", "more records than before"])
def test_a_topic_made_anew_under_a_running_reader_is_read_from_its_beginning(
    kafka: KafkaBroker, admin: Admin, unique: str, again: int
) -> None:
    async def scenario() -> None:
        topic, other, seen, moved = f"{unique}.calls", f"{unique}.surveys", Seen(), list[Moved]()
        create(kafka, 1, topic, other)
        await produce(kafka, topic, range(10))
        app, _ = build(kafka.bootstrap, unique, (topic, other), seen, on_moved=moved.append)
        async with running(app):
            await until(lambda: app.consumer._committed_offset[TP(topic, 0)] == 10)
            await asyncio.to_thread(admin.make_anew, topic)
            await produce(kafka, topic, range(1000, 1000 + again))
            await until(lambda: set(range(1000, 1000 + again)) <= set(seen.times()))
            await until(lambda: app.consumer._committed_offset[TP(topic, 0)] == again)
            await produce(kafka, other, [5])
            await until(lambda: 5 in seen.times())
        assert await committed(kafka, unique, topic) == [again]
        assert [m.lost for m in moved] == [0]

    asyncio.run(scenario())


def test_a_topic_that_was_away_in_a_rebalance_is_read_when_it_is_there(
    kafka: KafkaBroker, admin: Admin, unique: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        topic, other, seen = f"{unique}.calls", f"{unique}.surveys", Seen()
        create(kafka, 1, other)
        await produce(kafka, other, [1])
        app, lane = build(kafka.bootstrap, unique, (topic, other), seen)
        async with running(app):
            await until(lambda: seen.times() == [1])
            assert lane.left_out == {topic}
            await asyncio.to_thread(create, kafka, 1, topic)
            await produce(kafka, topic, [2, 3])
            await until(lambda: {2, 3} <= set(seen.times()))
            assert not lane.left_out

    asyncio.run(scenario())
    said = capsys.readouterr().out
    assert "the brokers do not know them" in said
    assert "another worker" not in said


def test_what_retention_removes_under_a_running_reader_is_counted(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """The reader stands at its first run and holds 4,500 records; 300 more come, and retention removes the first 200 of those."""

    async def scenario() -> None:
        topic, gate, seen, moved = f"{unique}.calls", asyncio.Event(), Seen(), list[Moved]()
        create(kafka, 1, topic)
        await produce(kafka, topic, range(4_500))

        async def wait(micro_batch: MicroBatch) -> None:
            await gate.wait()
            await seen(micro_batch)

        app, lane = build(
            kafka.bootstrap, unique, (topic,), wait, max_buffer_bytes=64 * 1024, on_moved=moved.append
        )
        async with running(app):
            await until(lambda: lane.busy)
            await produce(kafka, topic, range(4_500, 4_800))
            await asyncio.to_thread(admin.remove_before, topic, 4_700)
            gate.set()
            await until(lambda: 4_799 in seen.times())
        assert seen.times() == [*range(4_500), *range(4_700, 4_800)]
        assert moved == [Moved(TP(topic, 0), 4_500, 4_700, 4_800)]
        assert moved[0].lost == 200
        assert await committed(kafka, unique, topic) == [4_800]

    asyncio.run(scenario())


def test_what_was_lost_is_counted_once_although_nothing_follows(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    async def scenario() -> None:
        topic, moved = f"{unique}.calls", list[Moved]()
        create(kafka, 1, topic)
        await produce(kafka, topic, range(30))
        admin.commit(unique, {(topic, 0): 10})
        admin.remove_before(topic, 30)
        for _ in range(2):
            app, _ = build(kafka.bootstrap, unique, (topic,), Seen(), on_moved=moved.append)
            async with running(app):
                await until(lambda: app.consumer._committed_offset.get(TP(topic, 0)) == 30)  # noqa: B023
        assert [m.lost for m in moved] == [20]

    asyncio.run(scenario())


def test_a_topic_made_anew_while_nobody_reads_is_read_from_its_beginning(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """Kafka drops what a group committed of a topic that is deleted; a restored group has it back."""

    async def scenario() -> None:
        topic, moved = f"{unique}.calls", list[Moved]()
        create(kafka, 1, topic)
        await produce(kafka, topic, range(10))
        app, _ = build(kafka.bootstrap, unique, (topic,), Seen(), on_moved=moved.append)
        async with running(app):
            await until(lambda: app.consumer._committed_offset.get(TP(topic, 0)) == 10)
        left = admin.committed(unique)
        admin.make_anew(topic)
        await produce(kafka, topic, range(100, 140))
        admin.restore(unique, left)

        seen = Seen()
        app, _ = build(kafka.bootstrap, unique, (topic,), seen, on_moved=moved.append)
        await read_all(app, seen, 40)
        assert seen.times() == list(range(100, 140))
        assert moved == [Moved(TP(topic, 0), 10, 0, 40, anew=True)]

    asyncio.run(scenario())


def test_markers_and_what_was_taken_back_are_no_loss_when_retention_removes_them(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    """The log ends in a marker and in an aborted transaction: what follows the last record is passed, and committed."""

    async def scenario() -> None:
        topic, seen, moved = f"{unique}.calls", Seen(), list[Moved]()
        create(kafka, 1, topic)
        async with transactional(kafka, unique) as producer:
            async with producer.transaction():
                await producer.send(topic, b"1", partition=0)
            await producer.begin_transaction()
            for _ in range(5):
                await producer.send(topic, b"666", partition=0)
            await producer.abort_transaction()
        end = 8  # record, marker, five records, marker
        for _ in range(2):
            app, lane = build(kafka.bootstrap, unique, (topic,), seen, on_moved=moved.append)
            async with running(app):
                await until(lambda: app.consumer._committed_offset.get(TP(topic, 0)) == end)  # noqa: B023
                await until(lambda: lane.lag()[TP(topic, 0)].records == 0)  # noqa: B023
            admin.remove_before(topic, end)
        app, _ = build(kafka.bootstrap, unique, (topic,), seen, on_moved=moved.append)
        async with running(app):
            await produce(kafka, topic, [2])
            await until(lambda: seen.times() == [1, 2])
        assert moved == []

    asyncio.run(scenario())


@pytest.mark.slow
def test_gaps_of_compaction_are_no_loss(kafka: KafkaBroker, admin: Admin, unique: str) -> None:
    async def scenario() -> None:
        settings, seen, moved = settings_of(kafka, unique, partitions=1), Seen(), list[Moved]()
        topic = settings.topic(topics.PROFILES)
        compacted = {
            "cleanup.policy": "compact",
            "segment.ms": "100",
            "min.cleanable.dirty.ratio": "0.001",
            "min.compaction.lag.ms": "0",
        }
        options = {"num_partitions": 1, "replication_factor": 1, "configs": compacted}
        admin(lambda client: client.create_topics({topic: options}, wait_for_metadata=True))
        await produce(kafka, topic, range(50))  # all of one key
        async with asyncio.timeout(60):
            while len((await read_records(settings, topics.PROFILES))[topics.PROFILES]) > 3:
                await asyncio.sleep(0.5)
                await produce(kafka, topic, [50])  # a new segment, which lets the one before be compacted
        admin.commit(unique, {(topic, 0): 5})
        app, _ = build(kafka.bootstrap, unique, (topic,), seen, on_moved=moved.append)
        async with running(app):
            await until(lambda: seen.count() > 0)
        first = seen.places()[0][2]
        assert first > 5, "what was committed is gone by compaction"
        assert moved == []

    asyncio.run(scenario())


def prepared_with_calls(
    kafka: KafkaBroker, prefix: str, clickhouse: EmbeddedClickHouse, name: str
) -> tuple[Settings, list[str], str]:
    """Settings with ten calls of one customer in partition 0, the worker's arguments, and its group."""
    settings = prepared(kafka, prefix, partitions=1, clickhouse_dsn=clickhouse.dsn)
    asyncio.run(produce_events(settings, [call("customer-1", number, number) for number in range(10)]))
    arguments = [name, "--no-idle-timers"] if name == "signals" else [name]
    return settings, arguments, settings.topic(SIGNALS_GROUP if name == "signals" else SINK_GROUP)


def told(process: Process, text: str) -> dict[str, Any]:
    lines = [line for line in process.lines() if text in json.dumps(line)]
    assert len(lines) == 1, process.log()
    assert lines[0]["level"] == "error"
    return lines[0]


@pytest.mark.parametrize("name", ["signals", "sink"])
def test_a_worker_tells_of_a_commit_beyond_the_end_and_goes_on(
    kafka: KafkaBroker, admin: Admin, clickhouse: EmbeddedClickHouse, unique: str, name: str
) -> None:
    settings, arguments, group = prepared_with_calls(kafka, unique, clickhouse, name)
    calls = settings.topic(topics.CALLS)
    admin.commit(group, {(calls, 0): 1_000_000})
    with worker(settings, *arguments) as process:
        asyncio.run(until_said(process, "it ends before what was committed"))
        restarts = 'behoudlijn_log_restarts_total{partition="0",topic="contact.calls"} 1.0\n'
        asyncio.run(until_true(process, lambda: restarts in process.metrics()))
        asyncio.run(until_committed(kafka, group, calls, 10))
        line = told(process, "it ends before what was committed")
        assert process.stop() == 0, process.log()
    assert (line["topic"], line["partition"]) == (calls, 0)
    assert (line["committed"], line["end"], line["first"]) == (1_000_000, 10, 0)


@pytest.mark.parametrize("name", ["signals", "sink"])
def test_a_worker_outlives_a_topic_that_is_made_anew_and_tells(
    kafka: KafkaBroker, admin: Admin, clickhouse: EmbeddedClickHouse, unique: str, name: str
) -> None:
    settings, arguments, group = prepared_with_calls(kafka, unique, clickhouse, name)
    calls = settings.topic(topics.CALLS)
    with worker(settings, *arguments) as process:
        asyncio.run(until_committed(kafka, group, calls, 10))
        admin.make_anew(calls)
        more = [call("customer-1", number, number) for number in range(100, 125)]
        asyncio.run(produce_events(settings, more))
        asyncio.run(until_said(process, "the topic was deleted and made anew"))
        asyncio.run(until_committed(kafka, group, calls, 25))
        told(process, "the topic was deleted and made anew")
        assert process.stop() == 0, process.log()


@pytest.mark.parametrize("name", ["signals", "sink"])
def test_a_worker_counts_what_retention_removed_before_it_was_read(
    kafka: KafkaBroker, admin: Admin, clickhouse: EmbeddedClickHouse, unique: str, name: str
) -> None:
    settings, arguments, group = prepared_with_calls(kafka, unique, clickhouse, name)
    calls = settings.topic(topics.CALLS)
    with worker(settings, *arguments) as process:  # of which there are states, then
        asyncio.run(until_committed(kafka, group, calls, 10))
        assert process.stop() == 0, process.log()
    admin.commit(group, {(calls, 0): 3})
    admin.remove_before(calls, 7)
    with worker(settings, *arguments) as process:
        lost = 'behoudlijn_records_lost_total{partition="0",topic="contact.calls"} 4.0\n'
        asyncio.run(until_said(process, "removed by retention"))
        asyncio.run(until_true(process, lambda: lost in process.metrics()))
        asyncio.run(until_committed(kafka, group, calls, 10))
        line = told(process, "removed by retention")
        assert process.stop() == 0, process.log()
    assert (line["lost"], line["committed"], line["first"], line["end"]) == (4, 3, 7, 10)
