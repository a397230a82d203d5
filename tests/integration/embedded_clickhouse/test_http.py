"""The HTTP interface as curl, browsers and other programs use it, without a ClickHouse client."""

from __future__ import annotations

import gzip
import json
import socket

import lz4.frame
import pytest
import requests

from deploy.embedded.clickhouse.process import EmbeddedClickHouse


@pytest.fixture
def url(server: EmbeddedClickHouse, database: str) -> str:
    return f"{server.url}/?database={database}&user={server.user}&password={server.password}"


def post(url: str, body: str | bytes, **options: object) -> requests.Response:
    return requests.post(url, data=body, timeout=30, **options)  # type: ignore[arg-type]


def test_health_and_unknown_paths(server: EmbeddedClickHouse) -> None:
    assert requests.get(f"{server.url}/ping", timeout=5).text == "Ok.\n"
    assert requests.get(server.url, timeout=5).text == "Ok.\n"
    assert requests.head(f"{server.url}/ping", timeout=5).status_code == 200
    unknown = requests.get(f"{server.url}/play/x", timeout=5)
    assert (unknown.status_code, "There is no handle /play/x" in unknown.text) == (404, True)


def test_get_reads_and_does_not_write(url: str) -> None:
    answer = requests.get(
        url, params={"query": "SELECT 1 AS a, 'x' AS b", "default_format": "JSONEachRow"}, timeout=5
    )
    assert (answer.text, answer.headers["X-ClickHouse-Format"]) == ('{"a":1,"b":"x"}\n', "JSONEachRow")
    assert answer.headers["Content-Type"] == "application/x-ndjson; charset=UTF-8"
    for sql in (
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "WITH 1 AS x INSERT INTO t SELECT x",
        "KILL QUERY WHERE 0",
        "/* /* */ SELECT */ CREATE TABLE t (a Int8) ENGINE = Memory",
    ):
        refused = requests.get(url, params={"query": sql}, timeout=5)
        assert (refused.status_code, refused.headers["X-ClickHouse-Exception-Code"]) == (500, "164")


def test_headers_of_an_answer(url: str) -> None:
    answer = post(f"{url}&query_id=my-id", "SELECT number FROM numbers(10)")
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-id"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["X-ClickHouse-Format"] == "TabSeparated"
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["read_bytes"], summary["result_rows"]) == ("10", "80", "10")
    empty = json.loads(post(url, "SELECT 1 WHERE 0").headers["X-ClickHouse-Summary"])
    assert set(empty) == {"result_rows", "result_bytes", "elapsed_ns"}  # no piece, no counts of the engine
    whole = json.loads(post(f"{url}&wait_end_of_query=1", "SELECT 1 WHERE 0").headers["X-ClickHouse-Summary"])
    assert whole["result_rows"] == "0"
    assert "read_rows" in whole
    no_result = post(url, "CREATE TABLE t (a Int8) ENGINE = Memory")
    assert (no_result.status_code, no_result.content) == (200, b"")
    assert "X-ClickHouse-Format" not in no_result.headers


def test_headers_of_an_error(url: str) -> None:
    answer = post(f"{url}&query_id=my-id", "SELECT * FROM nowhere")
    assert answer.status_code == 404
    assert answer.headers["X-ClickHouse-Exception-Code"] == "60"
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-id"
    assert answer.text.startswith("Code: 60. DB::Exception: ")
    assert "(UNKNOWN_TABLE) (version " in answer.text
    assert answer.text.endswith(")\n")


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing", ";"])
def test_an_empty_query_is_an_error(url: str, sql: str) -> None:
    answer = post(url, sql)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (400, "62")


@pytest.mark.parametrize(
    ("in_url", "body"),
    [
        ("", b"INSERT INTO t FORMAT CSV\n1,a\n2,b\n"),
        ("", b"INSERT INTO t (n, s) VALUES (1, 'a'), (1 + 1, 'b')"),
        ("INSERT INTO t FORMAT CSV", b"1,a\n2,b\n"),
        ("INSERT INTO t FORMAT CSV 1,a\n", b"2,b\n"),
        ("INSERT INTO t VALUES", b"(1, 'a'), (2, 'b')"),
        (
            "INSERT INTO t (n, s) SETTINGS async_insert = 0 FORMAT JSONEachRow",
            b'{"n":1,"s":"a"}{"n":2,"s":"b"}',
        ),
        ("INSERT INTO t", b"(1, 'a'), (2, 'b')"),
        ("INSERT INTO t SELECT number + 1, char(97 + number) FROM numbers(2)", b""),
        ("INSERT INTO t", b"SELECT number + 1, char(97 + number) FROM numbers(2)"),
    ],
)
def test_the_forms_of_an_insert(url: str, in_url: str, body: bytes) -> None:
    post(url, "CREATE TABLE t (n UInt8, s String) ENGINE = MergeTree ORDER BY n")
    answer = requests.post(url, params={"query": in_url} if in_url else {}, data=body, timeout=10)
    if in_url == "INSERT INTO t" and body.startswith(b"SELECT"):
        assert answer.status_code == 400  # an INSERT that is whole takes the body for data, and says so
        return
    assert (answer.status_code, answer.text) == (200, "")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert post(url, "SELECT * FROM t ORDER BY n").text == "1\ta\n2\tb\n"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("lz4", lz4.frame.compress),
        ("lz4", lambda body: lz4.frame.compress(body[:40]) + lz4.frame.compress(body[40:])),
        ("gzip", lambda body: gzip.compress(body[:40]) + gzip.compress(body[40:])),
    ],
)
def test_encoded_bodies_are_read_whole(url: str, encoding: str, encode: object) -> None:
    post(url, "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    body = b"INSERT INTO t FORMAT TSV\n" + b"\n".join(b"%d" % number for number in range(50_000))
    encoded = encode(body)  # type: ignore[operator]
    answer = post(url, encoded, headers={"Content-Encoding": encoding})
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "50000"
    damaged = post(url, encoded[:-20], headers={"Content-Encoding": encoding})
    assert (damaged.status_code, damaged.headers["X-ClickHouse-Exception-Code"]) == (500, "271")
    assert post(url, "SELECT count() FROM t").text == "50000\n"


def test_what_cannot_be_decoded_is_refused_by_name(url: str) -> None:
    answer = post(url, "SELECT 1", headers={"Content-Encoding": "snappy"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "89"
    assert "'snappy'" in answer.text


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
@pytest.mark.parametrize("rows", [1, 300_000])
def test_answers_are_encoded_when_asked(url: str, encoding: str, rows: int) -> None:
    sql = f"SELECT number FROM numbers({rows})"
    plain = post(f"{url}&enable_http_compression=0", sql, headers={"Accept-Encoding": encoding})
    assert "Content-Encoding" not in plain.headers
    encoded = post(
        f"{url}&enable_http_compression=1", sql, headers={"Accept-Encoding": encoding}, stream=True
    )
    assert encoded.headers["Content-Encoding"] == encoding
    if encoding == "lz4":
        assert lz4.frame.decompress(encoded.raw.read()) == plain.content
    else:
        assert encoded.content == plain.content


@pytest.mark.parametrize(
    "form", ["JSON", "JSONCompact", "CSVWithNames", "Parquet", "ArrowStream", "Pretty", "XML"]
)
def test_formats_with_a_head_come_whole(url: str, form: str) -> None:
    answer = post(url, f"SELECT number AS n FROM numbers(200000) FORMAT {form} SETTINGS max_threads = 1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Format"]) == (200, form)
    if form == "JSON":
        assert answer.json()["rows"] == 200_000


def test_one_connection_serves_many_requests_with_chunked_bodies(server: EmbeddedClickHouse) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as raw:
        stream = raw.makefile("rb")
        password = f"X-ClickHouse-User: {server.user}\r\nX-ClickHouse-Key: {server.password}\r\n".encode()
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\n" + password + b"Transfer-Encoding: chunked\r\n\r\n"
        for number in range(3):
            sql = b"SELECT %d" % number
            raw.sendall(head)
            raw.sendall(b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (3, sql[:3], len(sql) - 3, sql[3:]))
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
            size = 0
            while (line := stream.readline()) != b"\r\n":
                size = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else size
            assert stream.read(size) == b"%d\n" % number


def test_a_client_that_breaks_off_has_written_nothing(server: EmbeddedClickHouse, url: str) -> None:
    post(url, "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    with socket.create_connection((server.host, server.port), timeout=10) as raw:
        path = url.removeprefix(server.url)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        raw.sendall(head.encode() + b"INSERT INTO t FORMAT TSV\n1\n2\n3\n")
    assert post(url, "SELECT count() FROM t").text == "0\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SET max_threads = 3",
        "USE system",
        "CREATE TEMPORARY TABLE mine (a UInt8)",
        "create or replace temporary table mine (a UInt8)",
    ],
)
def test_what_only_a_lasting_session_could_give_is_refused(url: str, sql: str) -> None:
    refused = post(f"{url}&session_id=s1", sql)
    assert (refused.status_code, refused.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
    assert "keeps no sessions" in refused.text
    # As in ClickHouse without a session: it holds for its request.
    assert post(url, sql).status_code == 200


def test_requests_of_one_session_go_side_by_side(url: str) -> None:
    """Clients make up a name for each of their connections."""
    with post(f"{url}&session_id=s1", "SELECT number FROM numbers(100000000)", stream=True) as first:
        next(first.iter_content(10))
        assert post(f"{url}&session_id=s1&session_timeout=60", "SELECT 1").text == "1\n"


@pytest.mark.parametrize("param", ["role=admin", "session_check=1", "compress=1", "decompress=1"])
def test_what_is_not_supported_says_so(url: str, param: str) -> None:
    refused = post(f"{url}&{param}", "SELECT 1")
    assert (refused.status_code, refused.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
    assert param.partition("=")[0] in refused.text


def test_settings_and_parameters_in_the_url(url: str) -> None:
    assert post(f"{url}&max_threads=3", "SELECT getSetting('max_threads')").text == "3\n"
    unknown = post(f"{url}&no_such_setting=3", "SELECT 1")
    assert (unknown.status_code, unknown.headers["X-ClickHouse-Exception-Code"]) == (404, "115")
    odd = requests.post(url, params={"a = 1, b": "2"}, data="SELECT 1", timeout=5)
    assert odd.headers["X-ClickHouse-Exception-Code"] == "36"
    assert post(f"{url}&param_who=O%27Hara%5Ctx", "SELECT {who:String}").text == "O\\'Hara\\tx\n"
    assert (
        post(f"{url}&session_timezone=Asia/Tokyo", "SELECT timezone()").headers["X-ClickHouse-Timezone"]
        == "Asia/Tokyo"
    )


def test_a_form_is_refused(url: str) -> None:
    parts = {"query": (None, "SELECT 1"), "given": ("given.tsv", b"2\ty\n")}
    refused = requests.post(f"{url}&given_structure=a UInt8, b String", files=parts, timeout=5)
    assert (refused.status_code, refused.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
