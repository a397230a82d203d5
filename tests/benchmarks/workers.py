"""Our workers as the benchmark starts them: the real command, on the measured core.

Owns how a worker is started and when it counts as ready: its own log says so.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from deploy.embedded.process import ChildError, ChildProcess
from streams.settings import Settings
from streams.variables import PREFIX
from tests.benchmarks.bench import Bench
from tests.benchmarks.child import ROOT
from tests.benchmarks.cores import on_all_cores, on_worker_core

_READY_SECONDS = 300.0


class Recovered(NamedTuple):
    """A worker's word that its states are there: when (seconds since the epoch), and how long it took."""

    at: float
    seconds: float
    customers: int


@contextmanager
def worker(
    bench: Bench,
    settings: Settings,
    kind: str,
    *,
    shared_cores: bool = False,
    cwd: Path = ROOT,
    **environment: str,
) -> Iterator[ChildProcess]:
    """`behoudlijn worker KIND` of the project in `cwd`, with these settings, stopped when the block is left."""
    options = ["--no-idle-timers"] if kind == "signals" else []
    command = [sys.executable, "-m", "streams", "worker", kind, *options]
    place = on_all_cores if shared_cores else on_worker_core
    child = ChildProcess(
        place(command),
        name=f"{kind} worker",
        # A killed worker cannot remove its own temporary directory.
        env={**os.environ, "TMPDIR": str(bench.logs), **_variables(settings), **environment},
        cwd=cwd,
        log=bench.log(f"worker-{kind}"),
        grace=30.0,
    )
    with child:
        yield child


def until_recovered(child: ChildProcess) -> Recovered:
    """Wait until a signals worker has its states. Raises `ChildError` when it ends or takes minutes."""
    return child.wait_line(_recovered, _READY_SECONDS)


def alive(child: ChildProcess) -> None:
    """Raises `ChildError` with the last output when the process has ended."""
    if not child.running:
        raise ChildError(f"{child.name} ended with code {child.returncode}; its last output:\n{child.tail()}")


def _recovered(line: str) -> Recovered | None:
    if "customer states recovered" not in line:
        return None
    said = json.loads(line)
    return Recovered(
        datetime.fromisoformat(said["timestamp"]).timestamp(), said["seconds"], said["customers"]
    )


def _variables(settings: Settings) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in settings.model_dump(exclude_unset=True).items():
        plain: Any = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        found[f"{PREFIX}{name.upper()}"] = str(plain)
    return found


def until_partitions(child: ChildProcess, count: int, timeout: float) -> None:
    """Wait until a signals worker has recovered exactly `count` partitions."""

    def has(line: str) -> bool | None:
        return (
            True if "customer states recovered" in line and json.loads(line)["partitions"] == count else None
        )

    child.wait_line(has, timeout)
