"""How fast the signals worker is over topics that are prepared: from its states ready to the last commit that Kafka confirms.

Owns when that clock starts and stops. Which code the worker runs is its caller's choice.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from streams.settings import SIGNALS_GROUP, Settings
from tests.benchmarks import child
from tests.benchmarks.bench import Bench, inputs_of
from tests.benchmarks.child import ROOT
from tests.benchmarks.workers import alive, until_recovered, worker


class Work(NamedTuple):
    """What a worker did: events committed, the seconds that they took, and the processor's seconds in the whole process."""

    events: int
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def processor_us(self) -> float:
        """Microseconds of processor time an event."""
        return self.processor_seconds / self.events * 1e6


def work_of(bench: Bench, settings: Settings, cwd: Path = ROOT) -> Work:
    """Let the worker of the project in `cwd` commit every event, or as many as a row may take. Raises `ChildError`, `TimeoutError`."""
    with worker(bench, settings, "signals", cwd=cwd) as process:
        recovered = until_recovered(process)
        spent = child.processor_seconds(process.pid)
        last = bench.commits.until(
            settings.topic(SIGNALS_GROUP),
            inputs_of(settings),
            bench.size.events,
            began=recovered.at,
            seconds=bench.size.row_seconds,
            alive=lambda: alive(process),
        )
        spent = child.processor_seconds(process.pid) - spent
        process.kill()  # what was measured is committed; draining the rest would only take time
    return Work(last.committed, last.at - recovered.at, spent)
