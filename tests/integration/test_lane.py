"""The lane on a real broker: what is committed, what is read again, who reads what, how much is held."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.lane.micro_batch import TP, Assignment, MicroBatch, Moved
from tests.integration.administration import Admin
from tests.integration.conftest import Broker
from tests.integration.lane_app import build, running
from tests.kafka.broker import KafkaBroker

PROGRAM = Path(__file__).with_name("lane_app.py")


def create(broker: Broker, partitions: int, *topics: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        options = {"num_partitions": partitions, "replication_factor": 1}
        admin.create_topics(dict.fromkeys(topics, options), wait_for_metadata=True)
    finally:
        admin.close()


async def produce(broker: Broker, topic: str, times: Sequence[int], partition: int = 0) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, max_batch_size=256 * 1024) as producer:
        sent = [await producer.send(topic, str(at).encode(), key=b"k", partition=partition) for at in times]
        await asyncio.gather(*sent)


async def committed(broker: Broker, group: str, *topics: str, partition: int = 0) -> list[int | None]:
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group) as consumer:
        return [await consumer.committed(TopicPartition(topic, partition)) for topic in topics]


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (what is waited for lies in another process or service)
            await asyncio.sleep(0.02)


class Seen:
    """A handler that notes what it was given."""

    def __init__(self) -> None:
        self.micro_batches: list[MicroBatch] = []

    async def __call__(self, micro_batch: MicroBatch) -> None:
        self.micro_batches.append(micro_batch)

    def places(self) -> list[tuple[str, int, int]]:
        return [
            (i.record.topic, i.record.partition, i.record.offset)
            for r in self.micro_batches
            for i in r.records
        ]

    def times(self) -> list[int]:
        return [item.at for micro_batch in self.micro_batches for item in micro_batch.records]

    def count(self) -> int:
        return sum(len(micro_batch.records) for micro_batch in self.micro_batches)


async def read_all(app: faust.App, seen: Seen, count: int) -> None:
    async with running(app):
        await until(lambda: seen.count() >= count)


def test_a_first_fetch_of_one_record_is_committed(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, seen = f"{unique}.calls", Seen()
        create(broker, 1, topic)
        await produce(broker, topic, [5])
        app, _ = build(broker.bootstrap, unique, (topic,), seen)
        async with running(app):
            await until(lambda: seen.count() == 1)
            await until(
                lambda: app.consumer._committed_offset[TP(topic, 0)] == 1
            )  # by the interval, before a stop
            await produce(broker, topic, [6, 7])
            await until(lambda: seen.count() == 3)
        assert await committed(broker, unique, topic) == [3]
        assert seen.places() == [(topic, 0, 0), (topic, 0, 1), (topic, 0, 2)]

    asyncio.run(scenario())


def test_many_runs_between_two_commits_are_committed_whole(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, idle, seen = f"{unique}.calls", f"{unique}.surveys", Seen()
        create(broker, 2, topic, idle)
        for partition in range(2):
            await produce(broker, topic, range(30_000), partition)
        app, _ = build(broker.bootstrap, unique, (topic, idle), seen, max_batch=250, commit_seconds=60)
        await read_all(app, seen, 60_000)
        assert len(seen.micro_batches) >= 240
        assert len(set(seen.places())) == seen.count() == 60_000
        assert await committed(broker, unique, topic, idle) == [
            30_000,
            None,
        ]  # nothing delivered, nothing committed
        assert await committed(broker, unique, topic, partition=1) == [30_000]

        again = Seen()
        app, _ = build(broker.bootstrap, unique, (topic, idle), again)
        async with running(app):
            await produce(broker, idle, [1])
            await until(lambda: again.count() > 0)
        assert again.places() == [(idle, 0, 0)]
        assert await committed(broker, unique, topic, idle) == [30_000, 1]

    asyncio.run(scenario())


def test_topics_of_a_partition_number_arrive_in_event_order(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topics, seen = (f"{unique}.calls", f"{unique}.surveys", f"{unique}.outcomes"), Seen()
        create(broker, 1, *topics)
        for rank, topic in enumerate(topics):
            await produce(broker, topic, range(rank, 9_000, 3))
        app, _ = build(broker.bootstrap, unique, topics, seen, max_batch=1000)
        await read_all(app, seen, 9_000)
        assert seen.times() == list(range(9_000))
        assert await committed(broker, unique, *topics) == [3_000, 3_000, 3_000]

    asyncio.run(scenario())


def test_what_was_not_acknowledged_at_a_stop_is_read_again(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, given = f"{unique}.calls", list[MicroBatch]()
        create(broker, 1, topic)
        await produce(broker, topic, range(30))

        async def stuck(micro_batch: MicroBatch) -> None:
            given.append(micro_batch)
            if len(given) == 2:
                await asyncio.sleep(3600)

        app, _ = build(broker.bootstrap, unique, (topic,), stuck, max_batch=10, drain_seconds=0.2)
        async with running(app):
            await until(lambda: len(given) == 2)
        assert await committed(broker, unique, topic) == [10]

        seen = Seen()
        app, _ = build(broker.bootstrap, unique, (topic,), seen)
        await read_all(app, seen, 20)
        assert seen.times() == list(range(10, 30))

    asyncio.run(scenario())


def start_program(broker: Broker, group: str, topic: str, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), broker.bootstrap, group, topic, mode]
    environment = {"PYTHONPATH": str(PROGRAM.parents[2]), "PATH": ""}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def test_a_killed_worker_has_committed_only_what_it_acknowledged(broker: Broker, unique: str) -> None:
    topic = f"{unique}.calls"
    create(broker, 1, topic)
    asyncio.run(produce(broker, topic, range(30)))
    with start_program(broker, unique, topic, "hang") as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().endswith("run 1: 10 records\n")  # after Faust's terminal codes
            assert worker.stdout.readline() == "run 2: 10 records\n"
            asyncio.run(until_committed(broker, unique, topic, 10))
        finally:
            worker.send_signal(signal.SIGKILL)
    assert asyncio.run(committed(broker, unique, topic)) == [10]


async def until_committed(broker: Broker, group: str, topic: str, offset: int) -> None:
    async with asyncio.timeout(60):
        while await committed(broker, group, topic) != [offset]:  # noqa: ASYNC110  (the broker tells no one)
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("mode", "expected"), [("raise", {None, 10}), ("decoder", {None})])
def test_a_bug_ends_the_worker_with_its_run_unacknowledged(
    broker: Broker, unique: str, mode: str, expected: set[int | None]
) -> None:
    topic = f"{unique}.calls"
    create(broker, 1, topic)
    asyncio.run(produce(broker, topic, range(30)))
    with start_program(broker, unique, topic, mode) as worker:
        output, _ = worker.communicate(timeout=60)
    assert worker.returncode != 0
    assert "run 3" not in output
    assert asyncio.run(committed(broker, unique, topic))[0] in expected


def test_two_workers_share_the_partition_numbers_of_all_topics(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topics = (f"{unique}.calls", f"{unique}.surveys", f"{unique}.outcomes")
        create(broker, 4, *topics)
        for topic in topics:
            for partition in range(4):
                await produce(broker, topic, range(50), partition)
        first, second = Seen(), Seen()
        one, lane_one = build(broker.bootstrap, unique, topics, first)
        two, lane_two = build(broker.bootstrap, unique, topics, second)
        async with running(one):
            await until(lambda: lane_one.assignment.partitions == (0, 1, 2, 3))
            async with running(two):
                await until(
                    lambda: len(lane_one.assignment.partitions) == len(lane_two.assignment.partitions) == 2
                )
                shared = sorted(lane_one.assignment.partitions + lane_two.assignment.partitions)
                assert shared == [0, 1, 2, 3]
                for lane in (lane_one, lane_two):
                    read = {(topic, number) for topic in topics for number in lane.assignment.partitions}
                    assert set(lane.assignment.committed) == read
                await until(lambda: len(set(first.places() + second.places())) == 600)
            await until(lambda: len(lane_one.assignment.partitions) == 4)  # the other one left

    asyncio.run(scenario())


def test_a_rebalance_in_mid_flight_loses_nothing_and_drops_late_acknowledgements(
    broker: Broker, unique: str
) -> None:
    async def scenario() -> None:
        topic, other = f"{unique}.calls", f"{unique}.surveys"
        create(broker, 2, topic, other)
        for partition in range(2):
            await produce(broker, topic, range(0, 200, 2), partition)
            await produce(broker, other, range(1, 201, 2), partition)
        release, started, late = asyncio.Event(), asyncio.Event(), list[bool]()
        done: list[tuple[str, int, int]] = []

        async def slow(micro_batch: MicroBatch) -> None:
            started.set()
            await release.wait()
            late.append(lane_one.current(micro_batch))
            if lane_one.current(micro_batch):
                done.extend(
                    (i.record.topic, i.record.partition, i.record.offset) for i in micro_batch.records
                )

        second = Seen()
        one, lane_one = build(broker.bootstrap, unique, (topic, other), slow, max_batch=30, drain_seconds=0.5)
        two, lane_two = build(broker.bootstrap, unique, (topic, other), second, max_batch=30)
        async with running(one):
            await started.wait()
            async with running(two):
                await until(lambda: len(lane_two.assignment.partitions) == 1)
                await until(lambda: len(lane_one.assignment.partitions) == 1)
                assert await committed(
                    broker, unique, topic, partition=lane_one.assignment.partitions[0]
                ) == [None]
                release.set()
                await until(lambda: len(set(done + second.places())) == 400)
                await until(lambda: not lane_one.busy and not lane_two.busy)
        stale = late.count(False)
        assert 1 <= stale <= 2, "of each partition at most the micro-batch that was under work"
        assert not any(late[:stale])
        assert (
            len(done + second.places()) == 400
        )  # the stale micro-batch was dropped by its handler, so nothing came twice
        for partition in range(2):
            assert await committed(broker, unique, topic, other, partition=partition) == [100, 100]

    asyncio.run(scenario())


def test_a_full_buffer_pauses_its_partition_and_memory_stays_bounded(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, other = f"{unique}.calls", f"{unique}.surveys"
        create(broker, 1, topic, other)
        for start in range(0, 40_000, 5_000):
            await produce(broker, topic, range(start, start + 5_000))
        await produce(broker, other, [20_000])
        held: list[int] = []
        paused: list[bool] = []
        seen = Seen()

        async def watched(micro_batch: MicroBatch) -> None:
            await asyncio.sleep(0.01)  # slower than the fetches
            await seen(micro_batch)
            held.append(lane.buffered_bytes())
            paused.append(TP(topic, 0) in lane.full())

        app, lane = build(
            broker.bootstrap, unique, (topic, other), watched, max_batch=500, max_buffer_bytes=1024 * 1024
        )
        async with running(app):
            await until(lambda: seen.count() == 40_001)
        look = 2_000 * (512 + 6)  # what one look at the client's buffer may add
        assert max(held) <= 1024 * 1024 + look
        assert any(paused)
        assert not paused[-1]
        assert seen.times() == sorted(seen.times())
        assert await committed(broker, unique, topic, other) == [40_000, 1]

    asyncio.run(scenario())


def test_recovery_comes_before_the_first_run_and_again_after_a_rebalance(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic = f"{unique}.calls"
        create(broker, 2, topic)
        await produce(broker, topic, range(10), 0)
        order: list[str] = []
        assignments: list[Assignment] = []

        async def recover(assignment: Assignment) -> None:
            assignments.append(assignment)
            order.append("recovery begins")
            await asyncio.sleep(0.3)
            order.append("recovered")

        async def handle(micro_batch: MicroBatch) -> None:
            order.append("run")

        app, lane = build(
            broker.bootstrap,
            unique,
            (topic,),
            handle,
            on_assigned=recover,
            on_revoked=lambda: order.append("revoked"),
        )
        async with running(app):
            await until(lambda: "run" in order)
            assert app.consumer.prepared
            assert order == ["recovery begins", "recovered", "run"]
            assert assignments == [Assignment((0, 1), {TP(topic, 0): None, TP(topic, 1): None})]
            await until(lambda: app.consumer._committed_offset[TP(topic, 0)] == 10)
            other, _ = build(broker.bootstrap, unique, (topic,), handle)
            async with running(other):
                await until(lambda: len(lane.assignment.partitions) == 1 and order[-1] == "recovered")
        assert order[3:5] == ["revoked", "recovery begins"]
        assert order.count("run") == 1

    asyncio.run(scenario())


def test_lag_counts_down_to_nothing(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, gate = f"{unique}.calls", asyncio.Event()
        create(broker, 1, topic)
        await produce(broker, topic, range(100))

        async def wait(micro_batch: MicroBatch) -> None:
            await gate.wait()

        app, lane = build(broker.bootstrap, unique, (topic,), wait, max_batch=40)
        async with running(app):
            await until(lambda: lane.busy)
            lag = lane.lag()[TP(topic, 0)]
            assert lag.records == 100
            assert lag.oldest_at is not None
            assert lag.newest_at is not None
            assert lag.oldest_at <= lag.newest_at
            gate.set()
            await until(lambda: lane.lag()[TP(topic, 0)].records == 0)
            assert lane.lag()[TP(topic, 0)].oldest_at is None

    asyncio.run(scenario())


@asynccontextmanager
async def transactional(kafka: KafkaBroker, name: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=name)
    async with producer:
        yield producer


@pytest.mark.kafka
def test_gaps_of_transaction_markers_do_not_stall_commits(kafka: KafkaBroker, unique: str) -> None:
    async def scenario() -> None:
        topic, seen = f"{unique}.calls", Seen()
        create(kafka, 1, topic)
        async with transactional(kafka, unique) as producer:
            for at in range(5):
                async with producer.transaction():
                    await producer.send(topic, str(at).encode(), partition=0)
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"666", partition=0)
            await producer.abort_transaction()
        app, lane = build(kafka.bootstrap, unique, (topic,), seen, max_batch=2)
        async with running(app):
            await until(lambda: seen.count() == 5)
            await until(lambda: lane.lag()[TP(topic, 0)].records == 0)
            await until(lambda: lane.acked[TP(topic, 0)] == 12)  # past the markers and what was taken back
        assert [place[2] for place in seen.places()] == [0, 2, 4, 6, 8]
        assert await committed(kafka, unique, topic) == [12]

    asyncio.run(scenario())


@pytest.mark.kafka
def test_what_retention_removed_is_told_and_reading_goes_on(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    async def scenario() -> None:
        topic, seen = f"{unique}.calls", Seen()
        create(kafka, 1, topic)
        await produce(kafka, topic, range(10))
        app, _ = build(kafka.bootstrap, unique, (topic,), seen)
        await read_all(app, seen, 10)
        await produce(kafka, topic, range(10, 30))
        admin.remove_before(topic, 25)

        told, rest = list[Moved](), Seen()
        app, _ = build(kafka.bootstrap, unique, (topic,), rest, on_moved=told.append)
        await read_all(app, rest, 5)
        assert told == [Moved(TP(topic, 0), 10, 25, 30)]
        assert told[0].lost == 15
        assert rest.times() == list(range(25, 30))
        assert await committed(kafka, unique, topic) == [30]

    asyncio.run(scenario())


def test_heartbeats_are_confirmed_while_the_worker_runs(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topic, seen = f"{unique}.calls", Seen()
        create(broker, 1, topic)
        await produce(broker, topic, [1])
        app, _ = build(broker.bootstrap, unique, (topic,), seen)
        async with running(app):
            await until(lambda: seen.count() == 1)
            sent_at = app.consumer._thread.heartbeat_at
            await until(lambda: app.consumer._thread.heartbeat_at > sent_at)
            assert app.consumer.heartbeat_age < 6.0

    asyncio.run(scenario())


def test_a_sink_reads_topics_of_unequal_partitions_each_on_its_own(broker: Broker, unique: str) -> None:
    async def scenario() -> None:
        topics, seen = (f"{unique}.triggers", f"{unique}.dead"), Seen()
        create(broker, 3, topics[0])
        create(broker, 1, topics[1])
        for partition in range(3):
            await produce(broker, topics[0], range(20), partition)
        await produce(broker, topics[1], range(20))
        app, _ = build(broker.bootstrap, unique, topics, seen, merged=False, max_batch=7)
        await read_all(app, seen, 80)
        assert len(set(seen.places())) == 80
        assert all(
            len({item.record.topic for item in micro_batch.records}) == 1
            for micro_batch in seen.micro_batches
        )
        assert await committed(broker, unique, *topics) == [20, 20]

    asyncio.run(scenario())
