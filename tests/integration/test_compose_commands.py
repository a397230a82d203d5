"""What docker-compose.yml runs, run outside a container: the one-shots, the workers, their health check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.ports import free_port
from tests.integration.conftest import Broker

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PROGRAM = str(Path(sys.executable).with_name("behoudlijn"))


def command_of(service: str) -> list[str]:
    return [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in SERVICES[service]["command"]]


@contextmanager
def clickhouse(folder: Path) -> Iterator[str]:
    """An embedded ClickHouse for this test; its DSN."""
    with EmbeddedClickHouse(path=folder) as server:
        yield server.dsn


@contextmanager
def worker(service: str, environment: dict[str, str], log: Path) -> Iterator[str]:
    """The service's process; the address of its pages."""
    port = free_port("127.0.0.1")
    given = {**environment, "BEHOUDLIJN_METRICS_PORT": str(port)}
    with (
        log.open("wb") as output,
        subprocess.Popen([PROGRAM, *command_of(service)], env=given, stderr=output, cwd=log.parent) as child,
    ):
        try:
            yield f"http://127.0.0.1:{port}"
            child.terminate()
            assert child.wait(40) == 0, log.read_text()
        finally:
            if child.poll() is None:
                child.kill()


def wait_ready(url: str, log: Path) -> None:
    for _ in range(300):
        try:
            if requests.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    pytest.fail(f"not ready: {log.read_text()}")


@pytest.mark.slow
def test_the_services_come_up_in_compose_s_order_and_stop_cleanly(
    broker: Broker, unique: str, tmp_path: Path
) -> None:
    with clickhouse(tmp_path / "clickhouse") as dsn:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BEHOUDLIJN_")},
            "BEHOUDLIJN_KAFKA_BOOTSTRAP": broker.bootstrap,
            "BEHOUDLIJN_TOPIC_PREFIX": f"{unique}.",
            "BEHOUDLIJN_PARTITIONS": "2",
            "BEHOUDLIJN_IDEMPOTENCE": str(broker.idempotence).lower(),
            "BEHOUDLIJN_REBALANCE_TIMEOUT_S": "6",
            "BEHOUDLIJN_CLICKHOUSE_DSN": dsn,
        }
        for service in ("topics", "migrate"):
            for _ in range(2):  # a restart of a one-shot changes nothing
                done = subprocess.run(
                    [PROGRAM, *command_of(service)],
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout + done.stderr
        with ExitStack() as stack:
            logs = {service: tmp_path / f"{service}.log" for service in ("signals", "sink")}
            urls = {
                service: stack.enter_context(worker(service, environment, log))
                for service, log in logs.items()
            }
            for service, url in urls.items():
                wait_ready(url, logs[service])
                check = SERVICES[service]["healthcheck"]["test"]
                code = check[3].replace("127.0.0.1:9108", url.removeprefix("http://"))
                subprocess.run([sys.executable, "-c", code], check=True)
                page = requests.get(f"{url}/metrics", timeout=5).text
                assert "behoudlijn_heartbeat_age_seconds" in page
