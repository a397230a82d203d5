"""Back-pressure: `python -m tests.chaos.backpressure --seconds 60`; a flood that a throttled worker cannot follow.

Owns the scenario and its verdicts: resident memory stays bounded however much waits in Kafka, the other partitions of the
same worker are not starved, and a customer with half of the flood costs no more than the policy's limit of facts. The bounds are
relative to what was fed, never a speed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.console import Console

from deploy.embedded.process import ChildProcess
from schemas import topics
from streams.cluster.topics import ensure
from streams.core import state as st
from streams.policies import load_policy
from streams.settings import Settings
from tests.chaos.equality import states_of
from tests.chaos.flood import HOT, Flood
from tests.chaos.progress import Progress
from tests.chaos.report import percentile
from tests.kafka.broker import KafkaBroker
from tests.worker_environment import ROOT, environment

THROTTLE: Final = 2_000
TRICKLE: Final = 10
_ALLOWANCE_MIB: Final = 200
"""What the worker may grow by under any flood: its buffers (4 MiB a partition of a topic), the client's, states, garbage."""

console = Console(width=120, soft_wrap=True)


class Seen(NamedTuple):
    """What was measured."""

    fed: int
    fed_mib: float
    base_mib: float
    peak_mib: float
    trickle: list[float]
    """Seconds from acknowledged to committed, per record of the trickle; unfinished ones count as waiting until now."""
    backlog: int
    """Records of the hot partition that were not committed at the end."""
    hot_facts: int
    most_facts: int


def verdicts(seen: Seen) -> list[tuple[bool, str]]:
    """Whether each promise held, in words."""
    backlog_seconds = seen.backlog / THROTTLE
    usual, slowest = percentile(seen.trickle, 50), percentile(seen.trickle, 99)
    memory = (
        f"memory: {seen.base_mib:.0f} MiB before, {seen.peak_mib:.0f} MiB at most, "
        f"while {seen.fed_mib:.0f} MiB came"
    )
    others = (
        f"other partitions: committed after {usual:.1f} s (p50), {slowest:.1f} s (p99), "
        f"while the flooded one is {backlog_seconds:.0f} s behind"
    )
    hot = f"hot customer: {seen.hot_facts} facts kept of half of the flood (at most {seen.most_facts})"
    return [
        (seen.peak_mib - seen.base_mib <= _ALLOWANCE_MIB, memory),
        (slowest <= backlog_seconds / 2, others),
        (0 < seen.hot_facts <= seen.most_facts, hot),
    ]


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    seconds: Annotated[float, typer.Option(help="How long the flood lasts.")] = 60,
    rate: Annotated[int, typer.Option(help="Events a second on the flooded partition.")] = 40_000,
) -> None:
    """Flood one partition of a worker that is throttled to 2,000 events a second."""
    with tempfile.TemporaryDirectory(prefix="behoudlijn-flood-") as directory, KafkaBroker() as broker:
        seen = asyncio.run(_measure(broker.bootstrap, Path(directory), seconds, rate))
    console.print(
        f"backpressure: {seen.fed:,} events in about {seconds:.0f} s to a worker of {THROTTLE:,} events/s",
        highlight=False,
    )
    results = verdicts(seen)
    for good, text in results:
        console.print(
            f"  {'holds ' if good else 'BROKEN'}  {text}", style="" if good else "bold red", highlight=False
        )
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    about = seen._asdict() | {
        "trickle": {"p50": percentile(seen.trickle, 50), "p99": percentile(seen.trickle, 99)}
    }
    (build / "backpressure.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    if not all(good for good, _ in results):
        raise typer.Exit(1)


async def _measure(bootstrap: str, directory: Path, seconds: float, rate: int) -> Seen:
    settings = Settings(
        kafka_bootstrap=bootstrap, topic_prefix="flood.", partitions=4, metrics_port=0, commit_interval_s=0.3
    )
    await asyncio.to_thread(ensure, settings)
    child = ChildProcess(
        [sys.executable, "-m", "tests.chaos.throttled", str(THROTTLE)],
        name="throttled worker",
        env=environment(settings),
        cwd=ROOT,
        log=directory / "worker.log",
    )
    await asyncio.to_thread(child.start)
    progress, flood = Progress(settings), Flood(settings, rate, TRICKLE)
    asking = asyncio.create_task(progress.ask_forever())
    watch = _Watch(progress, settings, flood, child.pid)
    try:
        await asyncio.to_thread(child.wait_line, lambda line: "customer states recovered" in line or None, 90)
        base = watch.resident()
        looking = asyncio.create_task(watch.look_forever())
        await flood.pour(seconds)
        await watch.until_hot_customer_is_done()
        looking.cancel()
        if not child.running:
            raise RuntimeError(f"the worker ended under the flood: {child.tail(5)}")
        states = await states_of(settings)
        hot = states.get(flood.hot_customer())
        return Seen(
            flood.sent,
            flood.sent_bytes / 2**20,
            base,
            watch.peak,
            watch.latencies(),
            flood.sent - progress.committed("signals").get((settings.topic(topics.CALLS), HOT), 0),
            0 if hot is None else len(st.decode(hot).facts),
            load_policy(settings.policy).parameters.keep,
        )
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.to_thread(child.kill)


class _Watch:
    """Memory of the worker, and when each record of the trickle was committed."""

    def __init__(self, progress: Progress, settings: Settings, flood: Flood, pid: int) -> None:
        self._progress = progress
        self._topic = settings.topic(topics.CALLS)
        self._flood = flood
        self._pid = pid
        self._done: list[float] = []
        self.peak = 0.0

    def resident(self) -> float:
        """MiB now."""
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    async def look_forever(self) -> None:
        """Five times a second."""
        while True:
            with contextlib.suppress(OSError):
                self.peak = max(self.peak, self.resident())
            committed: Any = self._progress.committed("signals")
            now, left = time.monotonic(), []
            for number, offset, at in self._flood.trickled:
                if committed.get((self._topic, number), 0) > offset:
                    self._done.append(now - at)
                else:
                    left.append((number, offset, at))
            self._flood.trickled[:] = left
            await asyncio.sleep(0.2)

    async def until_hot_customer_is_done(self) -> None:
        """Until the beginning of the flood, where the hot customer's events lie, is committed."""
        async with asyncio.timeout(120):
            while self._progress.committed("signals").get((self._topic, HOT), 0) < 10_000:  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    def latencies(self) -> list[float]:
        """All so far; what still waits counts with the time it has waited."""
        now = time.monotonic()
        return [*self._done, *(now - at for _, _, at in self._flood.trickled)]


if __name__ == "__main__":
    app()
