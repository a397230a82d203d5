"""The life of the server's process: ready line, restarts, kill -9, its parent's death, the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import clickhouse_connect
import pytest
import requests
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.ports import accepts_connections
from deploy.embedded.process import ChildError

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "deploy.embedded.clickhouse", "--port", "0", "--password-file"]
TABLE = "CREATE TABLE t (batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY (batch, n)"


def asking(server: EmbeddedClickHouse) -> str:
    """Address with user and password, for a request by hand."""
    return f"{server.url}/?user={server.user}&password={server.password}"


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_ready_line_and_a_clean_end(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "password").write_text("s3cret")
    (tmp_path / "temporary").mkdir()
    temporary = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    command = [*COMMAND, str(tmp_path / "password")]
    process = subprocess.Popen(
        command, cwd=ROOT, env=temporary, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"ready", "host", "port", "version", "confined", "stayed"}
    asked = f"http://127.0.0.1:{ready['port']}/?password=s3cret&query=SELECT version()"
    assert requests.get(asked, timeout=5).text == ready["version"] + "\n"
    assert len(list((tmp_path / "temporary").glob("behoudlijn-clickhouse-*"))) == 1
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_it_ends_while_a_query_runs() -> None:
    with EmbeddedClickHouse(arguments=["--grace", "0.1"]) as running:
        endless = threading.Thread(
            target=_ignore_errors, args=(asking(running), "SELECT count() FROM numbers(1e13)")
        )
        endless.start()
        until(lambda: _count_processes(asking(running)) == 2, "the query does not run")
        assert running.stop() == 0
        endless.join()


def test_a_path_lasts_over_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        with (
            EmbeddedClickHouse(path=tmp_path / "data") as running,
            clickhouse_connect.get_client(dsn=running.dsn) as client,
        ):
            if number == 0:
                client.command("CREATE DATABASE reports")
                client.command(TABLE)
            client.insert("t", [[number, n] for n in range(1000)], column_names=["batch", "n"])
            assert client.command("SELECT count() FROM t") == 1000 * (number + 1)
            assert client.command("EXISTS DATABASE reports") == 1


def test_what_was_confirmed_survives_kill_minus_nine(tmp_path: Path) -> None:
    running = EmbeddedClickHouse(path=tmp_path / "data").start()
    confirmed: list[int] = []
    with clickhouse_connect.get_client(dsn=running.dsn) as client:
        client.command(TABLE)

    def insert() -> None:
        with clickhouse_connect.get_client(dsn=running.dsn) as client:
            for batch in range(100_000):
                try:
                    client.insert("t", [[batch, n] for n in range(100)], column_names=["batch", "n"])
                except ClickHouseError:
                    return
                confirmed.append(batch)

    inserting = threading.Thread(target=insert)
    inserting.start()
    until(lambda: len(confirmed) > 30, "nothing was inserted")
    running.child.kill()
    inserting.join()
    with (
        EmbeddedClickHouse(path=tmp_path / "data") as again,
        clickhouse_connect.get_client(dsn=again.dsn) as client,
    ):
        rows = client.query("SELECT batch, count() FROM t GROUP BY batch").result_rows
        assert {count for _, count in rows} == {100}  # whole batches only
        assert set(confirmed) <= {batch for batch, _ in rows}
        assert len(rows) <= len(confirmed) + 1


def test_the_temporary_directory_of_a_killed_server_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with EmbeddedClickHouse() as living:
        killed = EmbeddedClickHouse().start()
        killed.child.kill()
        assert len(list(tmp_path.iterdir())) == 2
        with EmbeddedClickHouse():
            assert len(list(tmp_path.iterdir())) == 2
        assert requests.get(f"{asking(living)}&query=SELECT 1", timeout=5).text == "1\n"
    assert list(tmp_path.iterdir()) == []


def test_the_default_database_of_an_older_server_is_found_again(tmp_path: Path) -> None:
    """Before the engine had rights, `default` was clickhouse-local's own, which is written down nowhere."""
    older = (
        "import chdb, sys; connection = chdb.connect(sys.argv[1])\n"
        "connection.query('CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n')\n"
        "connection.query('INSERT INTO kept VALUES (7)'); connection.close()\n"
    )
    subprocess.run([sys.executable, "-c", older, str(tmp_path / "data")], check=True, timeout=60)
    for _ in range(2):
        with EmbeddedClickHouse(path=tmp_path / "data") as running:
            assert requests.post(asking(running), data="SELECT n FROM kept", timeout=5).text == "7\n"


def test_a_name_is_served_on_its_address() -> None:
    with EmbeddedClickHouse(arguments=["--host", "localhost"]) as running:
        assert accepts_connections("localhost", running.port)


def test_two_servers_do_not_share_a_path(tmp_path: Path) -> None:
    refusal = pytest.raises(ChildError, match="Each server needs a --path of its own")
    with EmbeddedClickHouse(path=tmp_path / "data"), refusal:
        EmbeddedClickHouse(path=tmp_path / "data").start()


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with (
        EmbeddedClickHouse() as running,
        pytest.raises(ChildError, match=rf"cannot listen on .* port {running.port}: address already in use"),
    ):
        EmbeddedClickHouse(port=running.port).start()


def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """A parent that is killed cannot clean up; the child watches it."""
    (tmp_path / "password").write_text("s3cret")
    command = [*COMMAND, str(tmp_path / "password"), "--exit-with-parent"]
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen({command!r}, stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, _, ready = parent.stdout.readline().partition(" ")
    assert json.loads(ready)["ready"] is True
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not _alive(int(pid)), "the server outlives its parent")


def test_a_client_that_goes_takes_its_query_along() -> None:
    with EmbeddedClickHouse() as running:
        url = f"{asking(running)}&cancel_http_readonly_queries_on_client_close=1"
        with pytest.raises(requests.Timeout):
            requests.post(url, data="SELECT count() FROM numbers(1e13)", timeout=1)
        until(lambda: _count_processes(asking(running)) == 1, "the query still runs")


def _count_processes(url: str) -> int:
    return int(requests.post(url, data="SELECT count() FROM system.processes", timeout=10).text)


def _ignore_errors(url: str, sql: str) -> None:
    try:
        requests.post(url, data=sql, timeout=60)
    except requests.RequestException:
        return


def _alive(pid: int) -> bool:
    """Whether a process lives; one that ended and waits for its new parent to look does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
