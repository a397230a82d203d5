"""Users and their limits, TLS, and the questions that BI tools open with."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
import requests
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.embedded.clickhouse.process import EmbeddedClickHouse

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedClickHouse]:
    """A server with a writer and a reader, each with a password."""
    password = tmp_path_factory.mktemp("guarded") / "reader"
    password.write_text("look\n")
    arguments = ["--reader", "bi", "--reader-password-file", str(password)]
    with EmbeddedClickHouse(arguments=arguments, user="sink", password="s3cret:é") as running:
        yield running


def test_each_way_to_name_the_user(guarded: EmbeddedClickHouse) -> None:
    ways = [
        {"headers": {"X-ClickHouse-User": b"sink", "X-ClickHouse-Key": "s3cret:é".encode()}},
        {"auth": (b"sink", "s3cret:é".encode())},
        {"params": {"user": "sink", "password": "s3cret:é"}},
    ]
    for way in ways:
        assert requests.post(guarded.url, data="SELECT 1", timeout=5, **way).text == "1\n"  # type: ignore[arg-type]
    with clickhouse_connect.get_client(dsn=guarded.dsn) as client:
        assert client.command("SELECT 1") == 1
    assert requests.get(f"{guarded.url}/ping", timeout=5).text == "Ok.\n"


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"params": {"user": "sink", "password": "guess"}},
        {"params": {"user": "nobody", "password": "s3cret:é"}},
        {"auth": ("sink", "")},
        {"auth": ("bi", "look"), "params": {"user": "bi", "password": "look"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Authorization": "Basic !!"}},
        {"headers": {"X-ClickHouse-Key": "look"}},
    ],
)
def test_the_wrong_user_is_refused(guarded: EmbeddedClickHouse, way: dict[str, dict[str, str]]) -> None:
    answer = requests.post(guarded.url, data="SELECT 1", timeout=5, **way)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")
    assert "s3cret" not in answer.text


def test_the_client_sees_the_refusal(guarded: EmbeddedClickHouse) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(host=guarded.host, port=guarded.port, username="sink", password="guess")
    assert caught.value.code == 516


def test_the_reader_reads(guarded: EmbeddedClickHouse) -> None:
    with clickhouse_connect.get_client(dsn=guarded.dsn) as writer:
        writer.command("CREATE OR REPLACE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a")
        writer.insert("t", [[1]], column_names=["a"])
    with clickhouse_connect.get_client(
        host=guarded.host, port=guarded.port, username="bi", password="look", database="behoudlijn"
    ) as reader:
        assert reader.query("SELECT a FROM t", settings={"max_threads": 1}).result_rows == [(1,)]
        for attempt in (
            "INSERT INTO t VALUES (2)",
            "DROP TABLE t",
            "CREATE TABLE u (a Int8) ENGINE = Memory",
        ):
            with pytest.raises(DatabaseError) as caught:
                reader.command(attempt)
            assert caught.value.code == 164
        with pytest.raises(DatabaseError):
            reader.command("SET readonly = 0")
        with pytest.raises(DatabaseError):
            reader.query("SELECT 1", settings={"readonly": 0})
        assert reader.query("SELECT a FROM t").result_rows == [(1,)]


def ask_as_reader(server: EmbeddedClickHouse, sql: str, **settings: str) -> requests.Response:
    params = {"user": "bi", "password": "look", "database": "behoudlijn", **settings}
    return requests.post(server.url, params=params, data=sql, timeout=60)


def test_the_reader_has_the_limits_of_production(guarded: EmbeddedClickHouse) -> None:
    profile = ET.parse(ROOT / "deploy/clickhouse/users.xml").find("profiles/behoudlijn_bi")
    assert profile is not None
    limits = {each.tag: each.text for each in profile if each.tag != "constraints"}
    assert set(limits) >= {"readonly", "max_execution_time", "max_memory_usage", "max_result_rows"}
    for name, value in limits.items():
        assert ask_as_reader(guarded, f"SELECT getSetting('{name}')").text == f"{value}\n"


@pytest.mark.parametrize("value", ["0", "DEFAULT", "9999999999"])
@pytest.mark.parametrize("name", ["max_execution_time", "max_memory_usage", "max_result_rows"])
def test_the_reader_does_not_get_rid_of_a_limit(guarded: EmbeddedClickHouse, name: str, value: str) -> None:
    ask = f"SELECT getSetting('{name}')"
    held = int(ask_as_reader(guarded, ask).text)
    attempts = [
        ask_as_reader(guarded, f"{ask} SETTINGS {name} = {value}"),
        ask_as_reader(guarded, f"{ask} SETTINGS profile = 'default', {name} = {value}"),
        ask_as_reader(guarded, f"SELECT * FROM ({ask} SETTINGS {name} = {value})"),
        ask_as_reader(guarded, ask, **{name: value}),
        ask_as_reader(guarded, ask, profile="default"),
        ask_as_reader(guarded, ask, profile="default", **{name: value}),
    ]
    # In a subquery the engine takes the nearest value that is allowed.
    assert all(1 <= int(answer.text) <= held for answer in attempts if answer.status_code == 200)
    assert attempts[0].headers["X-ClickHouse-Exception-Code"] == "452"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT number FROM numbers(1000001)", "396"),
        ("SELECT number FROM numbers(1000001) FORMAT JSON", "396"),
        (
            "SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 1, max_block_size = 1",
            "159",
        ),
        ("SELECT length(groupArray(number)) FROM numbers(1000000000)", "241"),
    ],
)
def test_a_limit_ends_the_readers_query(guarded: EmbeddedClickHouse, sql: str, code: str) -> None:
    answer = ask_as_reader(guarded, sql, wait_end_of_query="1")
    assert answer.headers["X-ClickHouse-Exception-Code"] == code


def test_the_reader_may_ask_for_less_and_for_what_has_no_limit(guarded: EmbeddedClickHouse) -> None:
    asked = "SELECT getSetting('max_execution_time')"
    assert ask_as_reader(guarded, asked, max_execution_time="5").text == "5\n"
    many = "SELECT max(number) FROM numbers(3000000)"
    assert ask_as_reader(guarded, many, max_threads="1").text == "2999999\n"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], capture_output=True, check=True)
    with EmbeddedClickHouse(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)]) as running:
        client = clickhouse_connect.get_client(dsn=running.dsn, secure=True, ca_cert=str(certificate))
        assert client.command("SELECT 1") == 1
        client.close()


def test_the_questions_of_bi_tools(client: Client, database: str) -> None:
    client.command(
        "CREATE TABLE dim (id String COMMENT 'who', n Nullable(Int32)) ENGINE = MergeTree ORDER BY id"
    )
    client.command("CREATE VIEW v_dim AS SELECT id FROM dim")
    assert database in str(client.command("SHOW DATABASES"))
    assert client.command("SELECT timezone()") == "UTC"
    assert client.command("SELECT currentUser()") == "default"
    assert client.command("SELECT currentDatabase()") == database
    assert client.command("SELECT version()") == client.server_version
    tables = "SELECT name, engine FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    assert client.query(tables).result_rows == [("dim", "MergeTree"), ("v_dim", "View")]
    columns = "SELECT name, type, comment FROM system.columns WHERE database = {db:String} AND table = 'dim'"
    expected = [("id", "String", "who"), ("n", "Nullable(Int32)", "")]
    assert client.query(columns, parameters={"db": database}).result_rows == expected
    assert client.query("SHOW TABLES").result_rows == [("dim",), ("v_dim",)]
    assert client.query("DESCRIBE TABLE dim").result_rows[0][:2] == ("id", "String")
    assert client.command("EXISTS TABLE dim") == 1
    assert (
        client.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = currentDatabase()"
        ).row_count
        == 2
    )
    assert client.query("EXPLAIN SELECT * FROM dim").row_count > 0
    assert client.query("SELECT * FROM dim LIMIT 0").column_names == ("id", "n")
