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


@pytest.fixture(scope="session")
def migrated(server_dsn: str) -> Iterator[str]:
    """DSN of a migrated database, which the tests that only write and read share one after the other."""
    name = f"sink_{uuid.uuid4().hex[:10]}"
    made = ClickHouse(urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}")))
    made.create_database()
    migrate(made)
    made.close()
    yield urlunsplit(urlsplit(server_dsn)._replace(path=f"/{name}"))
    admin = ClickHouse(server_dsn)
    admin.command(f"DROP DATABASE IF EXISTS {name}")
    admin.close()


@pytest.fixture
def store(migrated: str) -> Iterator[ClickHouse]:
    """A connection to a migrated database, empty but for the record of its migrations."""
    made = ClickHouse(migrated)
    used = made.query(
        "SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND table != 'schema_migrations'"
    )
    for (name,) in used:  # not truncated: the table would still know the tokens of what was written
        made.command(f"CREATE TABLE {name}__fresh AS {name}")
        made.command(f"EXCHANGE TABLES {name} AND {name}__fresh")
        made.command(f"DROP TABLE {name}__fresh")
    yield made
    made.close()


@pytest.fixture
def own_database(dsn: str) -> Iterator[ClickHouse]:
    """A migrated database that a test may change."""
    made = ClickHouse(dsn)
    made.create_database()
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def sink(store: ClickHouse) -> ClickHouseSink:
    """A sink that gives up soon."""
    return ClickHouseSink(store, attempts=2, retry_seconds=5, wait_initial=0.01)
