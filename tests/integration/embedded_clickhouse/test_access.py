"""Users, TLS, and the tools of analysts: SQLAlchemy's dialect and the questions that BI tools open with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
import requests
import sqlalchemy
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.embedded.clickhouse.process import EmbeddedClickHouse


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
        host=guarded.host, port=guarded.port, username="bi", password="look"
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


def test_sqlalchemy(server: EmbeddedClickHouse, database: str, client: Client) -> None:
    client.command(
        "CREATE TABLE fct (day Date, reason LowCardinality(String), n UInt32) ENGINE = MergeTree ORDER BY day"
    )
    client.raw_insert("fct", ["day", "reason", "n"], "2025-01-01,billing,3\n2025-01-02,fault,4\n", fmt="CSV")
    engine = sqlalchemy.create_engine(
        f"clickhousedb://{server.user}:{server.password}@{server.host}:{server.port}/{database}"
    )
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT sum(n) FROM fct")).scalar() == 7
        found = sqlalchemy.inspect(engine)
        assert found.get_table_names(schema=database) == ["fct"]
        assert [column["name"] for column in found.get_columns("fct", schema=database)] == [
            "day",
            "reason",
            "n",
        ]
        table = sqlalchemy.Table("fct", sqlalchemy.MetaData(schema=database), autoload_with=engine)
        reasons = sqlalchemy.select(table.c.reason).where(table.c.n > 3)
        assert connection.execute(reasons).scalars().all() == ["fault"]
    engine.dispose()


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
