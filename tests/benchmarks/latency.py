"""From event produced to trigger readable, at a quarter and at half of each one's saturated rate, ours and peers.

Owns rates and order; `programs.load` sends, reads and takes the time, on the core that the measured process has not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from deploy.embedded.process import ChildProcess
from streams.settings import Settings
from tests.benchmarks import child
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Results
from tests.benchmarks.throughput import ONCE, PEERS, peer_arguments
from tests.benchmarks.workers import alive, until_recovered, worker

_SHARES: Final = {"1/4": 0.25, "1/2": 0.5}
_SETTLE = 2.0
"""Seconds after the start of a peer, whose readiness nothing tells."""
_ENOUGH_FOR_P999 = 10_000


def measure(
    bench: Bench,
    results: Results,
    states: dict[int, tuple[dict[str, bytes], int]],
    name: str,
    saturated: float,
) -> None:
    """One system at both rates, running on from one to the other; `saturated`: events a second that it has just done."""
    if name in ONCE:
        return
    # No event is sent twice: a repeat would be dropped early, and cost less than an event does.
    enough = bench.size.events / (saturated * sum(_SHARES.values()))
    seconds = min(bench.size.latency_seconds, enough)
    with bench.may_fail(f"latency {name}"):
        _one(bench, results, name, saturated, seconds, states)


def _one(
    bench: Bench,
    results: Results,
    name: str,
    saturated: float,
    seconds: float,
    states: dict[int, tuple[dict[str, bytes], int]],
) -> None:
    settings = bench.prepared([], states)
    with _running(bench, settings, name) as (process, out_prefix):
        skip = 0
        for share, factor in _SHARES.items():
            rate = saturated * factor
            bench.say(f"latency: {name} at {rate:,.0f} events/s, {share} of its saturated rate")
            _phase(bench, results, settings, out_prefix, Phase(name, share, rate, seconds, skip))
            alive(process)
            skip += int(rate * seconds)
        process.kill()


class Phase(NamedTuple):
    """One system at one rate."""

    name: str
    share: str
    rate: float
    """Events a second."""
    seconds: float
    skip: int
    """Events of the workload that were sent before."""


def _phase(bench: Bench, results: Results, settings: Settings, out_prefix: str, phase: Phase) -> None:
    name, share, rate, seconds, skip = phase
    given = {
        "name": f"{name}-{share.replace('/', '')}",
        "bootstrap": bench.bootstrap,
        "prefix": settings.topic_prefix,
        "out_prefix": out_prefix,
        "partitions": settings.partitions,
        "directory": str(bench.workload.directory),
        "rate": rate,
        "seconds": seconds,
        "skip": skip,
    }
    command = [sys.executable, "-m", "tests.benchmarks.programs.load", json.dumps(given)]
    with ChildProcess(command, name="load", cwd=child.ROOT, log=bench.log(f"load-{name}")) as load:
        found = load.wait_line(
            lambda line: child.message(line, "result"), 10 * bench.size.latency_seconds + 120
        )
    if not found["triggers"]:
        bench.say(f"latency: {name} is so slow that no trigger was asked for at this rate")
        return
    note = f"{found['triggers']:,} triggers at {rate:,.0f} events/s; sender at most {found['late_ms']:.0f} ms late"
    if found["missing"]:
        note += f"; {found['missing']:,} triggers did not come in time and count with the time they were waited for"
    for percentile in ("p50", "p99", "p99.9"):
        if percentile != "p99.9" or found["triggers"] >= _ENOUGH_FOR_P999:
            results.add(f"latency {name} {share} {percentile}", "ms", found[percentile], note)


@contextmanager
def _running(bench: Bench, settings: Settings, name: str) -> Iterator[tuple[ChildProcess, str]]:
    """The system, ready for events, and the prefix of the topics that it publishes to."""
    if name == "ours":
        with worker(bench, settings, "signals") as process:
            until_recovered(process)
            yield process, settings.topic_prefix
        return
    with TemporaryDirectory(prefix="behoudlijn-bench-") as scratch:
        given = peer_arguments(bench, settings, scratch, tail=True, seconds=1e9)
        with child.program(PEERS[name][0], given, bench.log(f"latency-{name}")) as process:
            process.wait_line(lambda line: child.message(line, "started"), 120)
            time.sleep(_SETTLE)
            yield process, given["out_prefix"]
