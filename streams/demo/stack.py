"""The embedded stack: broker, ClickHouse and both workers as child processes on free ports of 127.0.0.1.

Owns their start, order and end. What runs here is what runs in production, but for the broker, the ClickHouse server and
the settings below. Needs the extra `embedded`.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.ports import free_port
from deploy.embedded.process import ChildError, ChildProcess
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster import topics
from streams.demo.kept_running import KeptRunning
from streams.settings import Settings, load_settings
from streams.variables import PREFIX

START_SECONDS = 60.0
MEMORY_ONLY: Final[dict[str, Any]] = {
    "idempotence": False,  # the embedded broker knows no producer ids
    "session_timeout_s": 6.0,
    "heartbeat_s": 1.0,
    "drain_s": 4.0,
    "request_timeout_s": 20.0,
    "rebalance_timeout_s": 2.0,  # its group join takes half of this
    "merge_idle_ms": 500,  # topics that are fed side by side stay merged by event time
    "metrics_port": 0,
}

_ERASURE_KEY = "embedded-stack-no-secret"
"""Its markers end with the broker's memory, and a second `up --data` must know the first one's table of erasures."""


class Stack:
    """Everything, started in order; a context manager. After the start the addresses are known."""

    def __init__(
        self,
        *,
        mode: str = "live",
        policy: str = "default",
        partitions: int = 4,
        idle_timers: bool = False,
        data: Path | None = None,
        unconfined: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what the stack needs, and start nothing yet.

        `data`: a directory for ClickHouse that lasts, else all is gone at the end. `unconfined`: its server runs without the kernel's
        confinement. `say` hears what is being done.
        """
        self._mode, self._policy, self._partitions, self._data = mode, policy, partitions, data
        self._idle_timers = idle_timers
        self._clickhouse_options = ("--unconfined",) if unconfined else ()
        self._say = say
        self._stack = ExitStack()
        self._stores: list[ChildProcess] = []
        self._kept: list[KeptRunning] = []
        self.workers: dict[str, ChildProcess] = {}
        self.health: dict[str, str] = {}
        """URL of each worker's pages."""
        self.settings: Settings
        self.clickhouse_url = self.clickhouse_password = ""
        """Of user `default`; the password is another one at each start."""
        self.clickhouse_confined = False
        self.clickhouse_stayed: list[str] = []
        """Views that a former version left in the database `default`, and that could not be moved."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            logs = Path(stack.enter_context(TemporaryDirectory(prefix="behoudlijn-")))
            self._say("starting the broker")
            broker = stack.enter_context(EmbeddedBroker(log=logs / "broker.log"))
            self._say("starting ClickHouse")
            clickhouse = stack.enter_context(
                EmbeddedClickHouse(
                    path=self._data, log=logs / "clickhouse.log", arguments=self._clickhouse_options
                )
            )
            self._stores = [broker.process, clickhouse.child]
            self.clickhouse_url, self.clickhouse_password = clickhouse.url, clickhouse.password
            self.clickhouse_confined, self.clickhouse_stayed = clickhouse.confined, clickhouse.stayed
            self.settings = load_settings(
                kafka_bootstrap=broker.bootstrap,
                partitions=self._partitions,
                clickhouse_dsn=clickhouse.dsn,
                policy=self._policy,
                mode=self._mode,
                erasure_key=_ERASURE_KEY,
                **MEMORY_ONLY,
            )
            self._say("creating topics and tables")
            topics.ensure(self.settings)
            migrate(self.store())
            self._say("starting the workers")
            timers = "--idle-timers" if self._idle_timers else "--no-idle-timers"
            self._start(stack, logs, "signals", timers)
            self._start(stack, logs, "sink")
            for name, worker in self.workers.items():
                ready = partial(_ready, self.health[name])
                worker.wait_until(ready, START_SECONDS)
                self._kept.append(KeptRunning(worker, ready, self._say))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def store(self) -> ClickHouse:
        """Return a new connection to the stack's ClickHouse."""
        return ClickHouse(self.settings.clickhouse_dsn.get_secret_value(), timeout=60.0)

    def check(self) -> None:
        """Raise `ChildError` with the last output of a worker that has ended."""
        for worker in self.workers.values():
            if not worker.running:
                worker.wait_until(lambda: False, 0.1)

    def keep_up(self) -> None:
        """Start workers again that have ended. Raises `ChildError` when that would not help, and when broker or ClickHouse has ended:
        what those held is gone.
        """
        for store in self._stores:
            if not store.running:
                raise ChildError(
                    f"the {store.name} has ended, and what it held in memory is gone, so all of the stack ends; start it "
                    f"again; its last output:\n{store.tail() or '(none)'}"
                )
        for worker in self._kept:
            worker.look()

    def environment(self) -> dict[str, str]:
        """Return the variables with which any command of ours speaks to this stack."""
        s = self.settings
        given = {
            "kafka_bootstrap": s.kafka_bootstrap,
            "partitions": s.partitions,
            "clickhouse_dsn": s.clickhouse_dsn.get_secret_value(),
            "policy": s.policy,
            "mode": s.mode,
            "erasure_key": s.erasure_key.get_secret_value(),
            **{name: getattr(s, name) for name in MEMORY_ONLY},
        }
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}

    def _start(self, stack: ExitStack, logs: Path, name: str, *options: str) -> None:
        port = free_port("127.0.0.1")
        command = [sys.executable, "-m", "streams", "worker", name, *options, "--metrics-port", str(port)]
        worker = ChildProcess(
            command,
            name=f"{name} worker",
            env={**os.environ, **self.environment()},
            cwd=Path(__file__).resolve().parents[2],
            log=logs / f"{name}.log",
            grace=20.0,
        )
        stack.callback(worker.stop)
        worker.start()
        self.workers[name] = worker
        self.health[name] = f"http://127.0.0.1:{port}"


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
