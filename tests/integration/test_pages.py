"""The commands of docs/upgrade.md and docs/backup.md, one after another: on real Kafka, the embedded ClickHouse and real workers.

What is not ours is done here as it would be there: `systemctl` starts and ends processes, `rsync` copies directories, and
`kafka-consumer-groups.sh` sets offsets. A command that this file does not know fails the test.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.ports import free_port
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster.topic_reader import TopicReader
from streams.cluster.topics import ensure
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from tests.integration.worker_events import history
from tests.integration.worker_program import committed, produce, read_all
from tests.kafka.broker import KafkaBroker
from tests.kafka.choice import kafka_problem
from tests.worker_environment import ROOT, environment

INPUTS = tuple(topics.INPUTS)
EVERY = (*INPUTS, *topics.OUTPUTS)
ERASED = "customer-3"
_BLOCK = re.compile(r"^ *```sh walk\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.kafka,
    pytest.mark.skipif(kafka_problem() is not None, reason="no real Kafka"),
]


def blocks(page: str) -> dict[str, list[str]]:
    """The commands of a page by their section."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE)[
        1:
    ]:
        title, body = section.split("\n", 1)
        commands = [
            line.strip() for block in _BLOCK.findall(body) for line in block.splitlines() if line.strip()
        ]
        if commands:
            found[title] = commands
    return found


class Installation:
    """One broker, one ClickHouse, and the units that run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kafka = KafkaBroker(directory=directory / "kafka").start()
        self.port = free_port("127.0.0.1")
        self.clickhouse = self._clickhouse().start()
        self.units: dict[str, subprocess.Popen[bytes]] = {}
        self.settings = Settings(
            kafka_bootstrap=self.kafka.bootstrap,
            clickhouse_dsn=self.clickhouse.dsn,
            partitions=2,
            session_timeout_s=6,
            heartbeat_s=0.5,
            rebalance_timeout_s=4,
            request_timeout_s=15,
            commit_interval_s=0.3,
            drain_s=4,
            metrics_port=0,
            sink_batch_s=0.2,
            erasure_key="the key of this test",
        )
        self.directories = {
            "/var/lib/kafka/": directory / "kafka",
            "/var/lib/clickhouse/": directory / "clickhouse",
            "/backup/kafka/": directory / "backup-kafka",
            "/backup/clickhouse/": directory / "backup-clickhouse",
        }

    def _clickhouse(self) -> EmbeddedClickHouse:
        return EmbeddedClickHouse(path=self.directory / "clickhouse", port=self.port, password="of this test")

    def walk(self, commands: list[str]) -> None:
        """Run commands in their order. AssertionError at the first that fails."""
        for text in commands:
            name, *arguments = shlex.split(text)
            {
                "behoudlijn": self._behoudlijn,
                "systemctl": self._systemctl,
                "rsync": self._rsync,
                "kafka-consumer-groups.sh": self._groups,
            }[name](*arguments)

    def _behoudlijn(self, *arguments: str) -> None:
        given = ["--wait", "120"] if arguments[0] == "erase" else []
        done = subprocess.run(
            [sys.executable, "-m", "streams", *(ERASED if a == "c-000123" else a for a in arguments), *given],
            env=environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)

    def _systemctl(self, verb: str, *patterns: str) -> None:
        for pattern in patterns:
            if pattern == "kafka":
                self.kafka.stop() if verb == "stop" else self.kafka.start()
            elif pattern == "clickhouse-server":
                if verb == "stop":
                    self.clickhouse.stop()
                else:
                    self.clickhouse = self._clickhouse().start()
            else:
                if verb in ("stop", "restart"):
                    self._stop(pattern.removesuffix("*"))
                if verb in ("start", "restart"):
                    self._start(pattern)

    def _stop(self, beginning: str) -> None:
        for name in [name for name in self.units if name.startswith(beginning)]:
            unit = self.units.pop(name)
            assert unit.poll() is None, self.log(name)
            unit.terminate()
            assert unit.wait(60) == 0, self.log(name)

    def _start(self, name: str) -> None:
        kind = re.fullmatch(r"behoudlijn-(signals|sink)@\d+", name)
        assert kind is not None, name
        with (self.directory / f"{name}.log").open("wb") as log:
            self.units[name] = subprocess.Popen(
                [sys.executable, "-m", "streams", "worker", kind[1]],
                env=environment(self.settings),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while "worker starts" not in self.log(name) and time.monotonic() < deadline:
            assert self.units[name].poll() is None, self.log(name)
            time.sleep(0.1)

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8")

    def _rsync(self, *arguments: str) -> None:
        assert arguments[:2] == ("-a", "--delete")
        source, target = (self.directories[each] for each in arguments[2:])
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, symlinks=True)

    def _groups(self, *arguments: str) -> None:
        group = arguments[arguments.index("--group") + 1]
        assert arguments[-4:] == ("--reset-offsets", "--to-earliest", "--all-topics", "--execute")
        consumer = KafkaConsumer(
            group_id=group, enable_auto_commit=False, **self.settings.kafka_python_options()
        )
        places = [TopicPartition(name, number) for name in EVERY for number in range(2)]
        consumer.assign(places)
        first = consumer.beginning_offsets(places)
        consumer.commit({place: OffsetAndMetadata(first[place], "", -1) for place in places})
        consumer.close()

    def until_done(self) -> None:
        """Wait until both workers have committed all that there is."""
        for group, names in ((SIGNALS_GROUP, INPUTS), (SINK_GROUP, EVERY)):
            deadline = time.monotonic() + 120
            while True:
                with TopicReader(self.settings) as reader:
                    ends = sum(reader.ends(map(self.settings.topic, names)).values())
                if asyncio.run(committed(self.settings, group, names)) >= ends:
                    break
                assert time.monotonic() < deadline, [self.log(name) for name in self.units]
                assert all(unit.poll() is None for unit in self.units.values())
                time.sleep(0.5)

    def rows(self) -> dict[str, int]:
        """How many calls each customer has in ClickHouse."""
        store = ClickHouse(self.clickhouse.dsn)
        found = store.query("SELECT customer_id, count() FROM v_calls GROUP BY customer_id")
        store.close()
        return {str(customer): int(number) for customer, number in found}

    def triggers(self) -> set[str]:
        """The ids of all triggers that were recorded."""
        found = asyncio.run(read_all(self.settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]
        return {
            each.group(1).decode()
            for record in found
            if (each := re.search(rb'"trigger_id":"([^"]+)"', record.value or b"")) is not None
        }

    def close(self) -> None:
        for unit in self.units.values():
            unit.kill()
            unit.wait()
        self.clickhouse.stop()
        self.kafka.close()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    try:
        ensure(made.settings)
        store = ClickHouse(made.clickhouse.dsn)
        migrate(store)
        store.close()
        yield made
    finally:
        made.close()


def send(installation: Installation, events: list[Any]) -> None:
    asyncio.run(produce(installation.settings, events))


def test_upgrade(installation: Installation) -> None:
    everything = history(9)
    installation.walk(
        ["systemctl start behoudlijn-sink@9208 behoudlijn-signals@9108 behoudlijn-signals@9109"]
    )
    send(installation, everything[:20])
    for commands in blocks("upgrade.md").values():
        installation.walk(commands)
    send(installation, everything[20:])
    installation.until_done()
    assert installation.rows() == {f"customer-{n}": 6 for n in range(9)}


def test_backup_and_restore(installation: Installation) -> None:
    page = blocks("backup.md")
    assert list(page) == [
        "What there is to keep",
        "ClickHouse alone is lost",
        "Kafka is lost, or both",
        "Who was erased since",
    ]
    everything = history(9)
    half = len(everything) // 2
    installation.walk(["systemctl start behoudlijn-sink@9208 behoudlijn-signals@9108"])
    send(installation, everything[:half])
    installation.until_done()
    before = installation.rows()
    installation.walk(page["What there is to keep"])

    send(installation, everything[half:])
    installation.until_done()
    full, known = installation.rows(), installation.triggers()
    assert full == {f"customer-{n}": 6 for n in range(9)}
    assert known, "or the last word would say nothing"
    installation.walk(page["Who was erased since"])
    installation.until_done()
    rest = {customer: number for customer, number in full.items() if customer != ERASED}
    assert installation.rows() == rest

    installation.walk(page["ClickHouse alone is lost"])
    installation.walk(page["Who was erased since"])
    installation.until_done()
    assert installation.rows() == rest

    installation.walk(page["Kafka is lost, or both"])
    installation.until_done()
    assert installation.rows() == before, "the erased one is back, as of the backup"
    installation.walk(page["Who was erased since"])
    send(installation, everything[half:])
    installation.until_done()
    assert installation.rows() == rest
    assert installation.triggers() <= known, "an episode that is opened once more has its id of before"
