"""One server for all tests of this folder, and a database of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from deploy.embedded.clickhouse.process import EmbeddedClickHouse


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedClickHouse]:
    """A server with the default user and a temporary directory."""
    with EmbeddedClickHouse(arguments=["--exit-with-parent"]) as running:
        yield running


@pytest.fixture
def database(server: EmbeddedClickHouse) -> Iterator[str]:
    """The name of a fresh database, dropped afterwards."""
    name = f"t_{uuid.uuid4().hex[:10]}"
    client = clickhouse_connect.get_client(dsn=server.dsn)
    client.command(f"CREATE DATABASE {name}")
    yield name
    client.command(f"DROP DATABASE {name}")
    client.close()


@pytest.fixture
def client(server: EmbeddedClickHouse, database: str) -> Iterator[Client]:
    """The real client, in that database."""
    made = clickhouse_connect.get_client(dsn=server.dsn, database=database)
    yield made
    made.close()
