"""One, two and four workers on the same topics: do they split the partitions, and what do they do together?

All workers and the broker share every core of this machine, so the sum says what this machine can do, not what as many
machines could.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from functools import partial
from typing import Final

from deploy.embedded.process import ChildProcess
from streams.settings import SIGNALS_GROUP, Settings
from tests.benchmarks.bench import Bench, inputs_of
from tests.benchmarks.prefill import fill_inputs
from tests.benchmarks.results import Results
from tests.benchmarks.workers import alive, until_partitions, worker
from tests.benchmarks.workload import Event

_WORKERS: Final = (1, 2, 4)
_SPLIT_SECONDS: Final = 120.0


def measure(
    bench: Bench, results: Results, events: list[Event], states: dict[int, tuple[dict[str, bytes], int]]
) -> None:
    """One row for each number of workers, which take turns."""
    for count in _WORKERS * bench.size.slow_rounds:
        bench.say(f"scale out: {count} workers")
        with bench.may_fail(f"workers {count}"):
            # A longer session, since the workers are stopped while the topics are filled.
            settings = bench.prepared([], states, session_timeout_s=120.0, request_timeout_s=130.0)
            _one(bench, results, settings, count, events)


def _one(bench: Bench, results: Results, settings: Settings, count: int, events: list[Event]) -> None:
    with ExitStack() as stack:
        workers = [
            stack.enter_context(worker(bench, settings, "signals", shared_cores=True)) for _ in range(count)
        ]
        share = settings.partitions // count
        for each in workers:
            until_partitions(each, share, _SPLIT_SECONDS)
        # The clock starts with every worker ready and every event there.
        _signal(workers, signal.SIGSTOP)
        bench.run(fill_inputs(settings, events))
        began = time.time()
        _signal(workers, signal.SIGCONT)
        last = bench.commits.until(
            settings.topic(SIGNALS_GROUP),
            inputs_of(settings),
            len(events),
            began=began,
            seconds=bench.size.row_seconds,
            alive=partial(_all_alive, workers),
        )
        for each in workers:
            each.kill()
        note = f"{share} of {settings.partitions} partitions each, on all cores beside the broker"
        results.add(f"workers {count}", "events/s", last.committed / (last.at - began), note)


def _all_alive(workers: list[ChildProcess]) -> None:
    for each in workers:
        alive(each)


def _signal(workers: list[ChildProcess], number: int) -> None:
    _all_alive(workers)
    for each in workers:
        each.signal(number)
