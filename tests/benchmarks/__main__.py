"""`python -m tests.benchmarks`: lets each section measure, prints the table and keeps the results.

Owns the order of a run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

from rich.console import Console

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.process import ChildError
from tests.benchmarks import codecs, files, latency, recovery, report, scale, scale_out, sink, throughput
from tests.benchmarks.bench import Bench
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.results import Results
from tests.benchmarks.size import SIZES, Size
from tests.benchmarks.stage import StageError, enter, staged
from tests.benchmarks.targets import judge

_WIDTH = 170
"""Of the table where the output is a file."""
ON_REQUEST = ("codecs",)
"""Sections that a run leaves out unless they are asked for."""
SECTIONS = ("throughput", "sink", "latency", "recovery", "scale", "scale-out", "files")


def main() -> int:
    """Run the benchmark; 0 when every section was measured, whatever the figures."""
    options = _options()
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}", markup=False)

    size: Size = SIZES[options.size]
    try:
        enter(size)
    except StageError as error:
        console.print(f"bench: {error}")
        return 2
    before = machine()
    logs = Path(mkdtemp(prefix="behoudlijn-bench-logs-"))
    try:
        with ExitStack() as stack:
            bench = stack.enter_context(staged(size, logs, say))
            results = Results(size.name, before, versions(), bench.workload.about)
            _measure(bench, results, set(options.only or SECTIONS), stack)
    except (ChildError, TimeoutError) as error:
        console.print(f"bench: {error}\nThe logs of all rows are in {logs}", markup=False)
        return 1
    results.seconds = time.monotonic() - began
    judge(results, min(size.scale_customers), max(size.scale_customers))
    report.show(results, console)
    whole = not options.only and not bench.failures and size.name != "smoke"
    path = results.save() if whole else results.save(logs)
    say(f"results: {path}")
    if whole and not options.keep_logs:
        shutil.rmtree(logs, ignore_errors=True)
    else:
        say(f"logs of the rows: {logs}")
    for failure in bench.failures:
        console.print(f"bench: a row failed: {failure}", markup=False)
    return 1 if bench.failures else 0


def _measure(bench: Bench, results: Results, sections: set[str], stack: ExitStack) -> None:
    states = throughput.states_of(bench.workload.warm())
    events = bench.workload.events()
    clickhouse = stack.enter_context(EmbeddedClickHouse()) if "sink" in sections else None
    if sections & {"throughput", "sink", "latency"}:
        for number in range(bench.size.rounds):
            bench.say(f"round {number + 1} of {bench.size.rounds}: filling topics")

            def then(name: str, rate: float, number: int = number) -> None:
                if "latency" in sections and number < bench.size.slow_rounds:
                    latency.measure(bench, results, states, name, rate)

            with bench.may_fail(f"round {number + 1}"):
                settings = bench.prepared(events, states)
                throughput.round_of(bench, results, settings, then)
                if clickhouse is not None:
                    with bench.may_fail("sink"):
                        sink.round_of(bench, results, settings, clickhouse)
    if "throughput" in sections:
        bench.say("once more not compiled: filling topics")
        throughput.plain(bench, results, bench.prepared(events, states))
    if "scale-out" in sections:
        scale_out.measure(bench, results, events, states)
    if "codecs" in sections:
        codecs.measure(bench, results, events, states)
    if "files" in sections:
        files.measure(bench, results, events)
    del events
    if "recovery" in sections:
        with bench.may_fail("recovery"):
            recovery.measure(bench, results, states)
    if "scale" in sections:
        scale.measure(bench, results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--size", choices=("full", "short", "smoke"), default="full")
    parser.add_argument(
        "--only",
        action="append",
        choices=(*SECTIONS, *ON_REQUEST),
        help="measure this section; may be repeated",
    )
    parser.add_argument(
        "--keep-logs", action="store_true", help="keep the logs of the rows, where all went well"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
