"""What a run stands on: a machine that is fit, the workload, a broker, and an observer of commits.

Owns everything before the first measurement, and that nothing is left running after the last. It must not measure.
"""

from __future__ import annotations

import logging
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from deploy.embedded.process import ChildError, ChildProcess
from streams.settings import load_settings
from streams.telemetry import log
from tests.benchmarks.bench import Bench
from tests.benchmarks.commits import Commits
from tests.benchmarks.cores import CoresError, keep_off_the_worker_core
from tests.benchmarks.size import PARTITIONS, Size
from tests.benchmarks.workload import ROOT, Workload, cached, directory_of
from tests.kafka.broker import KafkaBroker
from tests.kafka.choice import kafka_problem

_BUILD_SECONDS = 3_600


class StageError(RuntimeError):
    """The machine lacks what a run needs; the text says what, and what to do."""


def enter(size: Size) -> None:
    """Make this process fit to measure: off the measured core, quiet, ended by SIGTERM. Raises `StageError`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended and removed
    log.configure("console", "error")
    # It tells each try until a new topic has a leader.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        keep_off_the_worker_core()
    except CoresError as error:
        raise StageError(str(error)) from None
    problem = kafka_problem()
    if problem is not None:
        raise StageError(f"it needs real Kafka: {problem}")
    free = shutil.disk_usage(gettempdir()).free // 10**9
    if free < size.disk_gb:
        raise StageError(
            f"a run asks for {size.disk_gb} GB of disk for the broker's logs, and {gettempdir()} has {free} GB free: "
            "make room, or set TMPDIR"
        )


@contextmanager
def staged(size: Size, logs: Path, say: Callable[[str], None]) -> Iterator[Bench]:
    """A bench with its workload, a broker of its own and an observer; all of it ends with the block."""
    workload = _workload(size, say)
    say("starting Kafka")
    with (
        KafkaBroker() as kafka,
        Commits(load_settings(kafka_bootstrap=kafka.bootstrap, partitions=PARTITIONS)) as commits,
    ):
        yield Bench(size, kafka.bootstrap, workload, commits, logs, say)


def _workload(size: Size, say: Callable[[str], None]) -> Workload:
    found = cached(size)
    if found is None:
        say(f"simulating {size.customers:,} customers and warming their states (kept for the next run)")
        command = [sys.executable, "-m", "tests.benchmarks.programs.build_workload", size.name]
        with ChildProcess(command, name="workload", cwd=ROOT) as child:
            code = child.wait(_BUILD_SECONDS)
            if code != 0:
                raise ChildError(f"the workload could not be made (code {code}):\n{child.tail()}")
        found = cached(size)
    if found is None:
        raise RuntimeError(f"the workload was made but is not in {directory_of(size)}")
    return found
