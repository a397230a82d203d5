"""A worker whose log nobody takes: it works, and a stop ends it with 0."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress

import pytest
import requests

from deploy.embedded.ports import free_port
from schemas import topics
from streams.settings import SIGNALS_GROUP, Settings
from streams.telemetry.exit_codes import ExitCode
from tests.integration.conftest import Broker
from tests.integration.worker_events import call
from tests.integration.worker_program import committed, prepared, produce
from tests.worker_environment import environment

pytestmark = pytest.mark.slow

HOW = {
    "stderr closed": "2>&-",
    "stderr full": "2>/dev/full",
    "stderr gone": "2> >(:)",
    "both closed": ">&- 2>&-",
    "both full": ">/dev/full 2>/dev/full",
    "all closed": "<&- >&- 2>&-",
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", ["signals", "sink"])
def test_a_stop_ends_with_0_whoever_takes_the_log(broker: Broker, unique: str, kind: str, how: str) -> None:
    settings = prepared(
        broker, unique, metrics_port=free_port(), partitions=1, clickhouse_dsn="clickhouse://127.0.0.1:1/none"
    )
    _works_and_ends(settings, kind, HOW[how], None)


@pytest.mark.parametrize("kind", ["signals", "sink"])
def test_a_log_that_somebody_holds_and_does_not_read_holds_nobody_up(
    broker: Broker, unique: str, kind: str
) -> None:
    settings = prepared(
        broker, unique, metrics_port=free_port(), partitions=1, clickhouse_dsn="clickhouse://127.0.0.1:1/none"
    )
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"full\n" * 800)
    os.set_blocking(writer, True)
    try:
        _works_and_ends(settings, kind, "", writer)
    finally:
        os.close(reader)
        os.close(writer)


def _works_and_ends(settings: Settings, kind: str, how: str, log: int | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        child = subprocess.Popen(
            ["bash", "-c", f'exec "{sys.executable}" -m streams worker {kind} {how}'],
            env=environment(settings),
            cwd=directory,
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + 60
            while not _reads(settings.metrics_port):
                assert child.poll() is None, "it ended by itself"
                assert time.monotonic() < deadline
                time.sleep(0.1)
            child.send_signal(signal.SIGUSR1)  # asked what it waits for, it has much to say
            if kind == "signals":
                asyncio.run(_worked_through(settings))
            child.terminate()
            assert child.wait(40) == ExitCode.DONE
        finally:
            child.kill()
            child.wait()


def _reads(port: int) -> bool:
    try:
        return "behoudlijn_lag_records{" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except requests.RequestException:
        return False


async def _worked_through(settings: Settings) -> None:
    await produce(settings, [call("c1", number, number) for number in range(3)])
    async with asyncio.timeout(60):
        while await committed(settings, SIGNALS_GROUP, [topics.CALLS]) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
