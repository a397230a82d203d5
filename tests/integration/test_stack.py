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


@contextmanager
def up(data: Path) -> Iterator[str]:
    """A stack that is up, and what it has printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streams", "up", "--data", str(data)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if "BEHOUDLIJN_METRICS_PORT" in line:  # the last that is printed
                break
        yield said
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
