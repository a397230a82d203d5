"""The sink over TLS: rows arrive, and a server that cannot prove who it is gets none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink
from sinks.contract import SinkRefused, SinkUnavailable
from tests.authority import Authority
from tests.builders import START, call

PASSWORD = "sink-password-3"


class Guarded:
    """A server with a certificate for 127.0.0.1 and a password, and DSNs for it."""

    def __init__(self, server: EmbeddedClickHouse, authority: Authority) -> None:
        self._server = server
        self.authority = authority

    def dsn(self, host: str, ca: Path) -> str:
        """How to get there by `host`, trusting `ca`."""
        return f"clickhouse://sink:{PASSWORD}@{host}:{self._server.port}/default?secure=true&ca_cert={ca}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    certificate, key = authority.issue("server", "127.0.0.1")
    arguments = ["--exit-with-parent", "--tls-cert", str(certificate), "--tls-key", str(key)]
    with EmbeddedClickHouse(arguments=arguments, user="sink", password=PASSWORD) as server:
        yield Guarded(server, authority)


def test_rows_arrive(guarded: Guarded) -> None:
    store = ClickHouse(guarded.dsn("127.0.0.1", guarded.authority.certificate))
    migrate(store)
    sink = ClickHouseSink(store)
    decoded = call(START)
    assert decoded.event is not None
    sink.add(*row_of_event(decoded.event, decoded.record))
    sink.flush()
    assert store.query("SELECT count() FROM v_calls") == [(1,)]
    store.close()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("option", ["server_host_name=127.0.0.1", "verify=false"])
def test_an_option_of_the_dsn_lets_in_a_server_of_another_name(guarded: Guarded, option: str) -> None:
    store = ClickHouse(f"{guarded.dsn('localhost', guarded.authority.certificate)}&{option}")
    assert store.query("SELECT 1") == [(1,)]
    store.close()


def test_a_port_that_speaks_no_tls_is_told_as_that() -> None:
    with EmbeddedClickHouse(arguments=["--exit-with-parent"]) as plain:
        store = ClickHouse(f"{plain.dsn}?secure=true")
        with pytest.raises(SinkUnavailable, match="no TLS connection could be made") as caught:
            store.query("SELECT 1")
        assert caught.value.reason == "tls"
        store.close()


@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_a_server_that_cannot_prove_who_it_is_is_refused(
    guarded: Guarded, tmp_path: Path, wrong: str
) -> None:
    authority = guarded.authority if wrong == "host" else Authority(tmp_path)
    host = "localhost" if wrong == "host" else "127.0.0.1"
    store = ClickHouse(guarded.dsn(host, authority.certificate))
    with pytest.raises(SinkRefused) as caught:
        store.query("SELECT 1")
    said = str(caught.value)
    assert "certificate was refused" in said
    assert "ca_cert" in said
    assert PASSWORD not in said
    assert caught.value.__cause__ is None
