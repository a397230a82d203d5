"""`behoudlijn up` as its user sees it: addresses, a password for each start, data that lasts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from sinks.clickhouse.connection import ClickHouse

ROOT = Path(__file__).resolve().parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    """`behoudlijn up`, whose output can be read line by line."""
    return subprocess.Popen(
        [sys.executable, "-m", "streams", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(process: subprocess.Popen[str], text: str) -> str:
    """What is printed up to a line that holds `text`."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


@contextmanager
def up(data: Path) -> Iterator[str]:
    """A stack that is up, and what it has printed."""
    process = start("--data", str(data))
    assert process.stdout is not None
    try:
        yield until(process, "BEHOUDLIJN_METRICS_PORT")  # the last that is printed
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


@pytest.mark.slow
def test_a_second_start_has_the_data_and_another_password(tmp_path: Path) -> None:
    passwords = set()
    for number in range(2):
        with up(tmp_path / "data") as said:
            address, password = re.findall(
                r"ClickHouse +(\S+)  \(user default, password (\S+), database", said
            )[0]
            passwords.add(password)
            assert "not confined" not in said
            assert requests.get(address, params={"query": "SELECT 1"}, timeout=5).status_code == 403
            (dsn,) = re.findall(r"export BEHOUDLIJN_CLICKHOUSE_DSN=(\S+)", said)
            assert password in dsn
            store = ClickHouse(dsn)
            if number == 0:
                store.command("CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT 7")
            assert store.query("SELECT n FROM kept") == [(7,)]
            store.close()
    assert len(passwords) == 2


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """The ids of a stack's processes, by a word of their commands."""
    found = {}
    threads = Path(f"/proc/{process.pid}/task").glob("*/children")
    for number in " ".join(each.read_text() for each in threads).split():
        command = Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
        for name in ("worker signals", "worker sink", "tansu broker", "deploy.embedded.clickhouse"):
            if name in command:
                found[name] = int(number)
    return found


@pytest.mark.slow
def test_a_worker_that_is_killed_is_started_again_and_a_broker_that_is_killed_ends_the_stack() -> None:
    process = start()
    assert process.stdout is not None
    try:
        until(process, "Ctrl-C ends it")
        before = children(process)
        for name in ("signals", "sink"):
            os.kill(before[f"worker {name}"], signal.SIGKILL)
            until(process, f"The {name} worker was ended by SIGKILL: it is started again.")
            until(process, f"The {name} worker is ready again.")
        after = children(process)
        assert after["worker signals"] != before["worker signals"]
        assert {before[name] == after[name] for name in ("tansu broker", "deploy.embedded.clickhouse")} == {
            True
        }
        os.kill(after["tansu broker"], signal.SIGKILL)
        assert "what it held in memory is gone" in until(process, "embedded broker has ended")
        assert process.wait(60) == 69
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
