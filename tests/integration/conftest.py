"""Brokers for the integration tests, and ClickHouse for those of the workers.

`broker` is the one of this run, Kafka or embedded, shared by the session; `fresh_broker` is the same kind,
empty. `kafka` is real Kafka or a skip (an error when CI=true). `embedded` is the embedded one in any case.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from tests.integration.administration import Admin
from tests.kafka.broker import KafkaBroker
from tests.kafka.choice import chosen, kafka_problem
from tests.kafka.wipe import wipe

Broker = KafkaBroker | EmbeddedBroker


@pytest.fixture
def unique() -> str:
    """Eight characters that no other test has, for a topic prefix or a group of its own."""
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
def shared_kafka() -> Iterator[KafkaBroker]:
    """One node for the session; ask for `kafka` or `broker` instead."""
    with KafkaBroker() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def any_kafka(request: pytest.FixtureRequest) -> KafkaBroker:
    """Real Apache Kafka for fixtures that outlive a test; a test asks for `kafka`."""
    problem = kafka_problem()
    if problem is not None:
        if chosen().required:
            pytest.fail(f"real Kafka is required here (CI=true) but cannot run: {problem}", pytrace=False)
        pytest.skip(f"no real Kafka: {problem}")
    cluster: KafkaBroker = request.getfixturevalue("shared_kafka")
    return cluster


@pytest.fixture
def kafka(any_kafka: KafkaBroker) -> KafkaBroker:
    """Real Apache Kafka, shared by the session and running: a test may kill it."""
    return any_kafka.start()  # a no-op unless the test before left it down


@pytest.fixture
def admin(kafka: KafkaBroker) -> Admin:
    """What happens to the topics of `kafka`."""
    return Admin(kafka)


@pytest.fixture
def clickhouse(tmp_path: Path) -> Iterator[EmbeddedClickHouse]:
    """A server whose data, in `tmp_path`, lasts over a restart, with our tables."""
    with EmbeddedClickHouse(path=tmp_path / "data", arguments=["--exit-with-parent"]) as server:
        store = ClickHouse(server.dsn)
        migrate(store)
        store.close()
        yield server


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    """An embedded broker of the test's own, empty."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Broker:
    """The broker of this run, shared: topics of other tests may be there, so use `unique` names."""
    choice = chosen()
    if choice.required or choice.kind == "kafka":
        return request.getfixturevalue("kafka")  # type: ignore[no-any-return]
    return request.getfixturevalue("shared_embedded")  # type: ignore[no-any-return]


@pytest.fixture
def fresh_broker(request: pytest.FixtureRequest) -> Broker:
    """The broker of this run without any topic or group."""
    choice = chosen()
    if choice.required or choice.kind == "kafka":
        cluster: KafkaBroker = request.getfixturevalue("kafka")
        wipe(cluster.bootstrap)
        return cluster
    return request.getfixturevalue("embedded")  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def shared_embedded() -> Iterator[EmbeddedBroker]:
    """One embedded broker for the session; ask for `broker` instead."""
    with EmbeddedBroker() as broker:
        yield broker
