"""`python -m tests.benchmarks.against REVISION`: the signals worker of an earlier revision and of this tree, in alternating rounds.

Owns the comparison. Both workers are driven by this tree's harness over topics filled alike, each with its own code; what counts
is the ratio within a round, since the pace of a machine that others share changes within minutes. No bound is judged but told.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

from deploy.embedded.process import ChildError
from tests.benchmarks.bench import Bench
from tests.benchmarks.interval import Interval, median_interval
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.results import RESULTS, Results
from tests.benchmarks.size import AGAINST
from tests.benchmarks.stage import StageError, enter, staged
from tests.benchmarks.throughput import states_of
from tests.benchmarks.trees import (
    TreeError,
    compile_core,
    copy_of_revision,
    copy_of_this_tree,
    require_own_core,
    revision_of,
)
from tests.benchmarks.worker_rate import Work, work_of

BOUND: Final = 0.97
"""The interval of the median ratio should reach it: more than 3% slower would then not be certain."""
WHOLE: Final = 6
"""Rounds from which on an interval of 95% exists; the results of fewer are not kept among the others."""
Trees = dict[str, Path]
"""`old` and `new`."""


def main() -> int:
    """Compare; 0 when every round was measured, whatever the figures."""
    options = _options()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)

    before = machine()
    logs = Path(mkdtemp(prefix="behoudlijn-bench-logs-"))
    try:
        revision = revision_of(options.revision)
        enter(AGAINST)
        with (
            TemporaryDirectory(prefix="behoudlijn-bench-trees-") as place,
            staged(AGAINST, logs, say) as bench,
        ):
            trees = _trees(Path(place).resolve(), revision, options.compiled, say)
            results = Results("against", before, versions(), bench.workload.about)
            results.versions |= {"old": revision, "core": "compiled" if options.compiled else "plain"}
            _compare(bench, results, trees, options.rounds)
    except (StageError, TreeError) as error:
        print(f"against: {error}", file=sys.stderr)
        return 2
    except (ChildError, TimeoutError) as error:
        print(f"against: {error}\nThe logs of the workers are in {logs}", file=sys.stderr)
        return 1
    if bench.failures:
        print(f"against: {len(bench.failures)} rounds failed; the logs are in {logs}", file=sys.stderr)
    if "new / old" not in results.rows:
        return 1
    _conclude(results, say)
    results.seconds = time.monotonic() - began
    whole = not bench.failures and options.rounds >= WHOLE
    say(f"results: {results.save(RESULTS if whole else logs)}")
    if whole:
        shutil.rmtree(logs, ignore_errors=True)
    return 1 if bench.failures else 0


def _trees(place: Path, revision: str, compiled: bool, say: Callable[[str], None]) -> Trees:
    say(f"copying {revision} and this tree{', and compiling both' if compiled else ''}")
    trees = {
        "old": copy_of_revision(revision, place / "old"),
        "new": copy_of_this_tree(place / "new"),
    }
    for tree in trees.values():
        if compiled:
            compile_core(tree)
        require_own_core(tree, compiled=compiled)
    return trees


def _compare(bench: Bench, results: Results, trees: Trees, rounds: int) -> None:
    states, events = states_of(bench.workload.warm()), bench.workload.events()
    for number in range(rounds):
        # Who begins takes turns too: the second finds a broker with more logs.
        order = ("old", "new") if number % 2 == 0 else ("new", "old")
        with bench.may_fail(f"round {number + 1}"):
            done = {name: work_of(bench, bench.prepared(events, states), trees[name]) for name in order}
            _note(results, done)
            old, new = done["old"], done["new"]
            bench.say(
                f"round {number + 1} of {rounds}: old {old.rate:,.0f}, new {new.rate:,.0f} events/s, ratio {new.rate / old.rate:.3f}; "
                f"processor time {old.processor_us:.1f} and {new.processor_us:.1f} us an event"
            )


def _note(results: Results, done: dict[str, Work]) -> None:
    for name, work in done.items():
        results.add(name, "events/s", work.rate, f"{work.events:,} events in {work.seconds:.1f} s")
        results.add(f"{name}, processor", "us/event", work.processor_us, "of the whole process")
    old, new = done["old"], done["new"]
    results.add("new / old", "ratio", new.rate / old.rate, "events a second, within a round")
    results.add(
        "old / new, processor", "ratio", old.processor_us / new.processor_us, "the same by processor time"
    )


def _conclude(results: Results, say: Callable[[str], None]) -> None:
    """Tell the intervals, and keep them with the ratios."""
    for row, name in (("new / old", "rate"), ("old / new, processor", "processor")):
        found = median_interval(results.rows[row].values)
        results.ratios |= {f"{name}_{field}": value for field, value in found._asdict().items()}
        say(f"{row}: {told(found)}")


def told(found: Interval) -> str:
    """One line about an interval of the ratio, and whether it reaches the bound."""
    reaches = "reaches" if found.high >= BOUND else "does not reach"
    return (
        f"median {found.median:.3f}, {found.confidence:.1%} interval {found.low:.3f} to {found.high:.3f}, which {reaches} {BOUND:g}"
        + (" and lies above it" if found.low >= BOUND else "")
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.against", description=__doc__)
    parser.add_argument("revision", help="the earlier revision, by any name that git knows")
    parser.add_argument("--rounds", type=int, default=AGAINST.rounds)
    parser.add_argument("--compiled", action="store_true", help="compile the core of both trees first")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
