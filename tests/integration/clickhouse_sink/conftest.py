"""The server of BEHOUDLIJN_TEST_CLICKHOUSE_DSN, or an embedded one over the engine of `--engine`; a fresh database for
each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.writer import ClickHouseSink
from tests.engines.choice import program

DSN_VARIABLE = "BEHOUDLIJN_TEST_CLICKHOUSE_DSN"


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Sequence[str]:
    """The program of an embedded server over the engine of `--engine`."""
    return program(pytestconfig.getoption("engine"))


@pytest.fixture(scope="session")
def server_dsn(engine: Sequence[str]) -> Iterator[str]:
    """DSN of a server where databases may be made."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        yield given
        return
    with EmbeddedClickHouse(arguments=["--exit-with-parent"], program=engine) as running:
        yield running.dsn


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """DSN with a database of the test's own, which does not exist yet."""
    name = f"sink_{uuid.uuid4().hex[:10]}"
    yield urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))
    admin = ClickHouse(server_dsn)
    admin.command(f"DROP DATABASE IF EXISTS {name}")
    admin.close()


@pytest.fixture
def store(dsn: str) -> Iterator[ClickHouse]:
    """A connection to a migrated database."""
    made = ClickHouse(dsn)
    made.create_database()
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def sink(store: ClickHouse) -> ClickHouseSink:
    """A sink that gives up soon."""
    return ClickHouseSink(store, attempts=2, retry_seconds=5, wait_initial=0.01)
