"""Both brokers, real and embedded: what the pipeline needs of a broker, and what only real Kafka gives."""

from __future__ import annotations

import asyncio
import signal
import sys

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, UnknownError
from kafka.admin import KafkaAdminClient

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.process import ChildError, ChildProcess
from tests.integration.conftest import Broker
from tests.kafka.broker import KafkaBroker
from tests.kafka.choice import chosen
from tests.kafka.wipe import wipe


def create(bootstrap: str, topic: str, partitions: int = 3, copies: int = 1) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        options = {"num_partitions": partitions, "replication_factor": copies}
        admin.create_topics({topic: options}, wait_for_metadata=True)
    finally:
        admin.close()


def topics(bootstrap: str) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return set(admin.list_topics())
    finally:
        admin.close()


async def produce(bootstrap: str, topic: str, values: list[bytes], partitions: int = 3) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        sent = [
            await producer.send(topic, value, key=b"k", partition=i % partitions)
            for i, value in enumerate(values)
        ]
        await asyncio.gather(*sent)


async def read(bootstrap: str, topic: str, count: int, partitions: int = 3) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    async with consumer:
        consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
        values: list[bytes] = []
        while len(values) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
        return values


async def consume_in_group(bootstrap: str, topic: str, group: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        # The embedded broker takes half of the one for each join, and waits the other for those who left.
        rebalance_timeout_ms=1000,
        session_timeout_ms=2000,
        heartbeat_interval_ms=300,
    )
    async with consumer:
        values: list[bytes] = []
        while len(values) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
        await consumer.commit()
        return values


VALUES = [b"event %d" % i for i in range(100)]


def test_the_header_names_the_broker_that_the_tests_get(broker: Broker) -> None:
    assert broker.kind == chosen().kind


def test_what_was_produced_is_read_back(broker: Broker, unique: str) -> None:
    create(broker.bootstrap, unique)
    asyncio.run(produce(broker.bootstrap, unique, VALUES))
    assert sorted(asyncio.run(read(broker.bootstrap, unique, len(VALUES)))) == sorted(VALUES)


def test_the_embedded_broker_serves_the_same_calls(embedded: EmbeddedBroker, unique: str) -> None:
    create(embedded.bootstrap, unique)
    asyncio.run(produce(embedded.bootstrap, unique, VALUES))
    assert sorted(asyncio.run(read(embedded.bootstrap, unique, len(VALUES)))) == sorted(VALUES)


def test_the_embedded_broker_serves_librdkafka(embedded: EmbeddedBroker, unique: str) -> None:
    """The page says from which version on (docs/architecture.md); older ones cannot read its first answer."""
    assert tuple(map(int, confluent_kafka.libversion()[0].split("."))) >= (2, 2)
    failed: list[object] = []
    producer = confluent_kafka.Producer({"bootstrap.servers": embedded.bootstrap})
    create(embedded.bootstrap, unique, partitions=1)
    for value in VALUES:
        producer.produce(unique, value, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(30) == 0
    assert not failed
    consumer = confluent_kafka.Consumer({"bootstrap.servers": embedded.bootstrap, "group.id": unique})
    consumer.assign([confluent_kafka.TopicPartition(unique, 0, 0)])
    found = consumer.consume(len(VALUES), timeout=30)
    consumer.close()
    assert [message.value() for message in found] == VALUES


def test_a_group_reads_everything_once_and_goes_on_where_it_committed(broker: Broker, unique: str) -> None:
    create(broker.bootstrap, unique)
    asyncio.run(produce(broker.bootstrap, unique, VALUES))
    first = asyncio.run(consume_in_group(broker.bootstrap, unique, f"group-{unique}", len(VALUES)))
    assert sorted(first) == sorted(VALUES)
    asyncio.run(produce(broker.bootstrap, unique, [b"one more"]))
    assert asyncio.run(consume_in_group(broker.bootstrap, unique, f"group-{unique}", 1)) == [b"one more"]


def test_fresh_means_empty(fresh_broker: Broker) -> None:
    assert {topic for topic in topics(fresh_broker.bootstrap) if not topic.startswith("__")} == set()


def test_an_embedded_broker_forgets_and_frees_its_port() -> None:
    with EmbeddedBroker() as first:
        create(first.bootstrap, "contact.calls")
        port = int(first.bootstrap.rpartition(":")[2])
    assert not first.running
    with EmbeddedBroker(port=port) as second:
        assert second.bootstrap == first.bootstrap
        assert topics(second.bootstrap) == set()


def test_a_taken_port_is_explained(embedded: EmbeddedBroker) -> None:
    port = int(embedded.bootstrap.rpartition(":")[2])
    with pytest.raises(ChildError, match=f"port {port} of 127.0.0.1 is taken"):
        EmbeddedBroker(port=port).start()


async def produce_idempotently(bootstrap: str, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"x")
    finally:
        await producer.stop()


def test_an_idempotent_producer_works_where_the_broker_says_so(broker: Broker, unique: str) -> None:
    create(broker.bootstrap, unique)
    if broker.idempotence:
        asyncio.run(produce_idempotently(broker.bootstrap, unique))
        assert asyncio.run(read(broker.bootstrap, unique, 1)) == [b"x"]


def test_the_embedded_broker_still_refuses_idempotence(embedded: EmbeddedBroker, unique: str) -> None:
    create(embedded.bootstrap, unique)
    assert not embedded.idempotence
    with pytest.raises(UnknownError):  # should this pass one day, set EmbeddedBroker.idempotence
        asyncio.run(produce_idempotently(embedded.bootstrap, unique))


@pytest.mark.kafka
def test_kafka_creates_no_topic_by_itself(kafka: KafkaBroker, unique: str) -> None:
    async def produce_one() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, request_timeout_ms=500) as producer:
            await producer.send_and_wait(unique, b"x")

    with pytest.raises(KafkaError):
        asyncio.run(produce_one())
    assert unique not in topics(kafka.bootstrap)


@pytest.mark.kafka
def test_kafka_keeps_what_it_acknowledged_before_a_kill(kafka: KafkaBroker, unique: str) -> None:
    create(kafka.bootstrap, unique)
    asyncio.run(produce(kafka.bootstrap, unique, VALUES))
    kafka.kill()
    assert not any(node.running for node in kafka.nodes)
    assert kafka.nodes[0].process.returncode == -signal.SIGKILL
    kafka.start()
    assert sorted(asyncio.run(read(kafka.bootstrap, unique, len(VALUES)))) == sorted(VALUES)


@pytest.mark.kafka
def test_a_clean_restart_keeps_address_and_data(kafka: KafkaBroker, unique: str) -> None:
    create(kafka.bootstrap, unique)
    asyncio.run(produce(kafka.bootstrap, unique, VALUES))
    kafka.restart()
    assert sorted(asyncio.run(read(kafka.bootstrap, unique, len(VALUES)))) == sorted(VALUES)


@pytest.mark.kafka
def test_wiped_names_of_topics_and_groups_can_be_used_again(kafka: KafkaBroker, unique: str) -> None:
    for _ in range(2):
        create(kafka.bootstrap, unique)
        asyncio.run(produce(kafka.bootstrap, unique, VALUES))
        read_back = asyncio.run(consume_in_group(kafka.bootstrap, unique, f"group-{unique}", len(VALUES)))
        assert sorted(read_back) == sorted(VALUES)
        wipe(kafka.bootstrap)
        assert unique not in topics(kafka.bootstrap)


KILLED_MEMBER = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer

async def main(bootstrap, topic, group):
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group):  # a session of 10 s
        print("joined", flush=True)
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.kafka
def test_wiping_does_not_wait_for_the_session_of_a_killed_member(kafka: KafkaBroker, unique: str) -> None:
    create(kafka.bootstrap, unique)
    command = [sys.executable, "-c", KILLED_MEMBER, kafka.bootstrap, unique, f"group-{unique}"]
    with ChildProcess(command, name="member") as member:
        member.wait_line(lambda line: line == "joined" or None, timeout=30)
        member.kill()
    wipe(kafka.bootstrap, timeout=20)
    assert unique not in topics(kafka.bootstrap)


@pytest.mark.kafka
@pytest.mark.slow
def test_three_nodes_survive_the_loss_of_one() -> None:
    if chosen().kind != "kafka":
        pytest.skip("no real Kafka")
    with KafkaBroker(nodes=3) as cluster:
        create(cluster.bootstrap, "contact.calls", copies=3)
        asyncio.run(produce(cluster.bootstrap, "contact.calls", VALUES[:50]))
        cluster.nodes[0].kill()
        rest = ",".join(node.address for node in cluster.nodes[1:])
        asyncio.run(produce(rest, "contact.calls", VALUES[50:]))
        cluster.start()
        assert sorted(asyncio.run(read(cluster.bootstrap, "contact.calls", len(VALUES)))) == sorted(VALUES)
