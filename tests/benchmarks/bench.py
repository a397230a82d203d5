"""What every section of a run needs: the size, the broker, the workload, names that nobody else uses, a place for logs.

Owns the settings of all rows. A section must not start a broker or choose settings of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError

from deploy.embedded.process import ChildError
from schemas import topics
from streams.cluster.topics import TopicsError, ensure
from streams.operations.migration import write_states
from streams.settings import Settings, load_settings
from tests.benchmarks.commits import Commits
from tests.benchmarks.prefill import fill_inputs
from tests.benchmarks.size import PARTITIONS, Size
from tests.benchmarks.workload import Event, Workload

INPUTS = tuple(topics.INPUTS)


@dataclass(slots=True)
class Bench:
    """One run. `say` tells a person what is being done."""

    size: Size
    bootstrap: str
    workload: Workload
    commits: Commits
    logs: Path
    say: Callable[[str], None]
    failures: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    def settings(self, **more: Any) -> Settings:
        """Settings under a prefix of their own; the defaults, but for commits every 0.2 s: the clock ends with the last one."""
        values: dict[str, Any] = {
            "kafka_bootstrap": self.bootstrap,
            "topic_prefix": f"bench{next(self._numbers)}.",
            "partitions": PARTITIONS,
            "metrics_port": 0,
            "commit_interval_s": 0.2,
        }
        return load_settings(**(values | more))

    def prepared(
        self, events: list[Event], states: dict[int, tuple[dict[str, bytes], int]], **more: Any
    ) -> Settings:
        """Topics that hold `events` and a changelog of `states`, with their settings."""
        settings = self.settings(**more)
        ensure(settings)
        self.run(fill_inputs(settings, events))
        self.run(write_states(settings, states))
        return settings

    @contextmanager
    def may_fail(self, row: str) -> Iterator[None]:
        """One row that fails is told and noted; the others are still measured."""
        try:
            yield
        except (ChildError, TimeoutError, KafkaError, TopicsError, OSError) as error:
            self.failures.append(f"{row}: {error}")
            self.say(f"FAILED {row}: {error}")

    def log(self, name: str) -> Path:
        """A file for what a process writes."""
        return self.logs / f"{next(self._numbers):03d}-{name}.log"

    @staticmethod
    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine, in a loop of its own."""
        return asyncio.run(coroutine)


def inputs_of(settings: Settings) -> list[str]:
    """Full names of the input topics."""
    return [settings.topic(name) for name in INPUTS]
