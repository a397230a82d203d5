"""curl, as the documentation of ClickHouse shows it: whatever it prints there it prints here."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")


class Curl:
    """curl with the user and password in its configuration, in a database of the test's own."""

    def __init__(self, server: EmbeddedClickHouse, database: str, folder: Path) -> None:
        self.url = f"{server.url}/?database={database}"
        self._config = folder / "curlrc"
        self._config.write_text(f'user = "{server.user}:{server.password}"\nsilent\nmax-time = 30\n')

    def raw(self, *arguments: str, data: bytes = b"", more: str = "") -> bytes:
        """What it prints."""
        command = ["curl", "--config", str(self._config), *arguments, self.url + more]
        return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout

    def __call__(self, *arguments: str, data: bytes = b"", more: str = "") -> str:
        return self.raw(*arguments, data=data, more=more).decode()


@pytest.fixture
def curl(server: EmbeddedClickHouse, database: str, tmp_path: Path) -> Curl:
    made = Curl(server, database, tmp_path)
    assert made("--data-binary", "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n") == ""
    assert made("--data-binary", "INSERT INTO t VALUES (1, 'één'), (2, 'b;c')") == ""
    return made


def test_get_and_post(curl: Curl) -> None:
    asked = "SELECT s FROM t ORDER BY n"
    assert curl("--get", "--data-urlencode", f"query={asked}") == "één\nb;c\n"
    assert curl("--data-binary", asked) == "één\nb;c\n"
    assert curl("--data-binary", "@-", data=asked.encode()) == "één\nb;c\n"
    assert curl("--head").startswith("HTTP/1.1 200 OK")
    assert "Code: 164" in curl("--get", "--data-urlencode", "query=INSERT INTO t VALUES (3, '')")


def test_parameters_and_settings(curl: Curl) -> None:
    more = "&param_least=2&param_of=b%3Bc&max_threads=1"
    asked = "SELECT n, getSetting('max_threads') FROM t WHERE n >= {least:UInt8} AND s = {of:String}"
    assert curl("--data-binary", asked, more=more) == "2\t1\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CSVWithNames", '"n","s"\n1,"één"\n2,"b;c"\n'),
        ("JSONEachRow", '{"n":1,"s":"één"}\n{"n":2,"s":"b;c"}\n'),
        ("TSKV", "n=1\ts=één\nn=2\ts=b;c\n"),
        ("Values", "(1,'één'),(2,'b;c')"),
    ],
)
def test_formats(curl: Curl, name: str, expected: str) -> None:
    asked = "SELECT * FROM t ORDER BY n"
    assert curl("--data-binary", f"{asked} FORMAT {name}") == expected
    assert curl("--data-binary", asked, more=f"&default_format={name}") == expected
    assert curl("--header", f"X-ClickHouse-Format: {name}", "--data-binary", asked) == expected


def test_json_has_its_types(curl: Curl) -> None:
    found = json.loads(curl("--data-binary", "SELECT * FROM t ORDER BY n FORMAT JSON"))
    assert [column["type"] for column in found["meta"]] == ["UInt64", "String"]
    assert (found["rows"], found["data"][0]["s"]) == (2, "één")


def test_a_file_is_inserted_plain_and_compressed(curl: Curl, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"3,c\n4,d\n")
    into = "&query=INSERT%20INTO%20t%20FORMAT%20CSV"
    assert curl("--data-binary", f"@{file}", more=into) == ""
    assert curl("--upload-file", "-", "--request", "POST", data=b"5,e\n", more=into) == ""
    zipped = gzip.compress(b"6,f\n")
    assert curl("--header", "Content-Encoding: gzip", "--data-binary", "@-", data=zipped, more=into) == ""
    assert curl("--data-binary", "SELECT sum(n), count() FROM t") == "21\t6\n"


def test_answers_are_compressed_when_asked(curl: Curl) -> None:
    asked = ("--data-binary", "SELECT number FROM numbers(100000)")
    plain = curl.raw(*asked)
    packed = curl.raw("--header", "Accept-Encoding: gzip", *asked, more="&enable_http_compression=1")
    assert len(packed) < len(plain) / 2
    assert gzip.decompress(packed) == plain
    assert curl.raw("--compressed", *asked, more="&enable_http_compression=1") == plain


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", "400", 62),
        ("SELECT * FROM nowhere", "404", 60),
        ("SELECT * FROM url('http://127.0.0.1/', CSV)", "403", 497),
        ("SELECT throwIf(1)", "500", 395),
    ],
)
def test_an_error_has_its_code_and_status(curl: Curl, sql: str, status: str, code: int) -> None:
    said = curl("--write-out", "%{http_code} %header{x-clickhouse-exception-code}", "--data-binary", sql)
    assert said.startswith(f"Code: {code}. DB::Exception: ")
    assert said.endswith(f"\n{status} {code}")


def test_an_answer_that_breaks_off_is_an_error_of_curl(curl: Curl) -> None:
    sql = "SELECT number, throwIf(number = 900000) FROM numbers(1000000)"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        curl("--data-binary", sql)
    assert caught.value.returncode == 18  # a part of the answer only
    assert b"Code: 395" in caught.value.stdout


def test_without_a_password_it_is_refused(server: EmbeddedClickHouse) -> None:
    command = ["curl", "--silent", "--fail", "--max-time", "30", f"{server.url}/?query=SELECT%201"]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 22
