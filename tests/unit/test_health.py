"""The three pages over a real socket, and what the logs withhold."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator

import aiohttp
import pytest
import structlog

from streams.telemetry.health import HealthError, HealthServer
from streams.telemetry.log import configure, withhold
from streams.telemetry.metrics import Metrics


async def fetch(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


def test_ready_says_what_is_missing_while_alive_says_only_that_the_loop_turns() -> None:
    async def scenario() -> None:
        missing = ["partitions", "states of partition 3"]
        async with HealthServer(Metrics().registry, lambda: missing) as server:
            status, body = await fetch(f"{server.url}/readyz")
            assert status == 503
            assert json.loads(body) == {"ready": False, "missing": missing, "warnings": []}
            assert (await fetch(f"{server.url}/healthz"))[0] == 200
            missing.clear()
            assert (await fetch(f"{server.url}/readyz"))[0] == 200
        said = ["a transaction has been open"]
        async with HealthServer(Metrics().registry, list, warnings=lambda: said) as server:
            status, body = await fetch(f"{server.url}/readyz")
            assert (status, json.loads(body)["warnings"]) == (200, said)

    asyncio.run(scenario())


def test_metrics_are_refreshed_before_each_scrape_and_survive_a_refresh_that_fails() -> None:
    async def scenario() -> None:
        metrics = Metrics()
        metrics.events.labels("call", "accepted").inc(7)
        calls = 0

        def refresh() -> None:
            nonlocal calls
            calls += 1
            metrics.lag_records.labels("contact.calls", "0").set(calls)
            if calls == 2:
                raise RuntimeError("no lag to be had")

        async with HealthServer(metrics.registry, list, refresh=refresh) as server:
            status, body = await fetch(f"{server.url}/metrics")
            assert status == 200
            assert 'behoudlijn_lag_records{partition="0",topic="contact.calls"} 1.0' in body
            status, body = await fetch(f"{server.url}/metrics")
            assert status == 200
            assert 'behoudlijn_events_total{result="accepted",type="call"} 7.0' in body

    asyncio.run(scenario())


def test_a_taken_port_is_explained_and_a_stopped_one_is_free_again() -> None:
    async def scenario() -> None:
        async with HealthServer(Metrics().registry, list) as first:
            port = int(first.url.rpartition(":")[2])
            with pytest.raises(HealthError, match="BEHOUDLIJN_METRICS_PORT"):
                await HealthServer(Metrics().registry, list, port=port).start()
        second = await HealthServer(Metrics().registry, list, port=port).start()
        await second.stop()
        await second.stop()

    asyncio.run(scenario())


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_restored")
def test_logs_are_json_lines_without_personal_data(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    structlog.get_logger("streams.test").info(
        "trigger published", customer_id="c-1", phone="+3161", partition=3
    )
    logging.getLogger("faust").info("chatter")
    logging.getLogger("faust").warning("rebalance")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["partition"], first["level"]) == ("trigger published", 3, "info")
    assert first["customer_id"] == first["phone"] == "[withheld]"
    assert (second["event"], second["logger"]) == ("rebalance", "faust")


def test_withholding_keeps_the_message() -> None:
    assert withhold(None, "info", {"event": "said", "comment": "private"}) == {
        "event": "said",
        "comment": "[withheld]",
    }


def test_a_thread_that_fails_is_a_line_of_the_log_and_quotes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(error: BaseException) -> None:
        raise error

    before = threading.excepthook
    try:
        configure("json")
        for error in (ValueError("customer-17"), asyncio.CancelledError()):
            thread = threading.Thread(target=fail, args=(error,), name="client")
            thread.start()
            thread.join()
    finally:
        threading.excepthook = before
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["event"], said["thread"], said["level"]) == ("a thread has failed", "client", "error")
    assert "ValueError" in said["exception"]
    assert "customer-17" not in line
