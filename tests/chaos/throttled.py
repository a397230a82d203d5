"""A signals worker that decides no more than so many events a second: `python -m tests.chaos.throttled RATE`.

Owns the brake, and nothing else: it is the worker itself, which waits before each run.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from functools import partial
from typing import ClassVar

from streams.core.records import Decoded
from streams.lane.micro_batch import MicroBatch
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.settings import load_settings
from streams.telemetry import log
from streams.telemetry.metrics import Metrics
from streams.workers.process import run
from streams.workers.signals import SignalsWorker


class ThrottledWorker(SignalsWorker):
    """`events_per_second` at most, over all of its partitions."""

    events_per_second: ClassVar[float] = 2_000

    async def handle(self, micro_batch: MicroBatch[Decoded]) -> None:
        """Waits, then handles the micro-batch as ever."""
        await asyncio.sleep(len(micro_batch.records) / self.events_per_second)
        await super().handle(micro_batch)


def main() -> int:
    """The exit code of the worker."""
    ThrottledWorker.events_per_second = float(sys.argv[1])
    settings = load_settings()
    log.configure(settings.log_format, settings.log_level)
    metrics = Metrics()
    with tempfile.TemporaryDirectory(prefix="behoudlijn-") as directory:
        build = partial(
            ThrottledWorker,
            settings,
            load_policy(settings.policy),
            load_phrases(settings.language, settings.phrases),
            metrics,
            data_dir=directory,
            idle_timers=False,
        )
        return run(build, settings, metrics)


if __name__ == "__main__":
    sys.exit(main())
