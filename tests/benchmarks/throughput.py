"""Events a second, a row after another in each round: reading alone, core, changelog, ours, the peers.

Owns the order of a round. Every row of a round reads the same topics, with the same states warm.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.benchmarks import child
from tests.benchmarks.bench import Bench, inputs_of
from tests.benchmarks.child import ROOT, SOURCE
from tests.benchmarks.results import Results
from tests.benchmarks.targets import READING
from tests.benchmarks.worker_rate import work_of
from tests.benchmarks.workers import alive
from tests.benchmarks.workload import POLICY, WarmPartition

PEERS: Final = {
    "faust": (
        "faust_agent",
        "one event at a time; Table in memory, changelog on; outputs flushed before a commit",
    ),
    "faust, awaited": ("faust_agent", "the same; each output awaited, so that none can be lost"),
    "bytewax": (
        "bytewax_flow",
        "a state per key; no changelog in Kafka: recovery is a local SQLite; timers' states not durable",
    ),
    "quixstreams": (
        "quix_app",
        "a state per key in RocksDB, changelog topic on; timers' states not durable",
    ),
}

Then = Callable[[str, float], None]
"""Takes a system, and the events a second that it has just done."""
ONCE: Final = frozenset({"faust, awaited"})
"""Measured in the first round only, and not for latency: it is there to tell what the certainty costs."""
_COMMITS_SECONDS: Final = 30.0
"""In a row that is shorter, awaited Faust commits next to nothing (docs/benchmarks.md)."""


def states_of(warm: list[WarmPartition]) -> dict[int, tuple[dict[str, bytes], int]]:
    """The warm partitions as `Bench.prepared` takes them."""
    return {number: (part.states, part.clock) for number, part in enumerate(warm)}


def round_of(bench: Bench, results: Results, settings: Settings, then: Then = lambda *_: None) -> None:
    """One round over topics that are prepared. `then` is told of each system and its rate, at once: the pace of a machine
    that others share changes within minutes."""
    for row in (_reading, _core):
        with bench.may_fail(row.__name__.strip("_")):
            row(bench, results, settings)
    with bench.may_fail("ours"):
        then("ours", _ours(bench, results, settings))
    for name in PEERS:
        if name in ONCE and (results.median(name) is not None or bench.size.row_seconds < _COMMITS_SECONDS):
            continue
        with bench.may_fail(name):
            then(name, peer(bench, results, settings, name))


def peer_arguments(bench: Bench, settings: Settings, scratch: str, **more: Any) -> dict[str, Any]:
    """What every peer program is given; `more` overrides."""
    outputs = bench.settings()
    ensure(outputs)  # not into the topics that our own sink reads
    return {
        "bootstrap": bench.bootstrap,
        "prefix": settings.topic_prefix,
        "out_prefix": outputs.topic_prefix,
        "partitions": settings.partitions,
        "directory": str(bench.workload.directory),
        "policy": POLICY,
        "group": f"{outputs.topic_prefix}peer",
        "scratch": scratch,
        "seconds": bench.size.row_seconds,
        "start": "earliest",
        "tail": False,
        "await_each": False,
    } | more


def _reading(bench: Bench, results: Results, settings: Settings) -> None:
    given = {
        "bootstrap": bench.bootstrap,
        "prefix": settings.topic_prefix,
        "partitions": settings.partitions,
        "count": bench.size.events,
    }
    for row, program, note in (
        (READING, "aiokafka_pydantic", "aiokafka getmany + pydantic validation"),
        ("librdkafka + pydantic", "librdkafka_pydantic", "confluent-kafka consume + the same validation"),
    ):
        bench.say(f"{row}: reading and validation alone")
        found = child.run(program, given, bench.log(program), _patience(bench))
        results.add(row, "events/s", found["events"] / found["seconds"], note)


def _core(bench: Bench, results: Results, settings: Settings) -> None:
    bench.say("core and changelog, each alone")
    scratch = bench.settings()
    ensure(scratch)
    given = {
        "bootstrap": bench.bootstrap,
        "prefix": scratch.topic_prefix,
        "partitions": settings.partitions,
        "directory": str(bench.workload.directory),
        "policy": POLICY,
        "max_batch": settings.max_batch,
        "seconds": bench.size.row_seconds,
    }
    found = child.run("core", given, bench.log("core"), _patience(bench))
    how = "compiled" if found["compiled"] else "plain Python"
    note = f"process_batch of {settings.max_batch} decoded events, from memory, {how}{_part(bench, found['events'])}"
    results.add("core", "events/s", found["events"] / found["core_seconds"], note)
    if results.median("core, not compiled") is None:
        plain = child.run(
            "core", given | {"changelog": False}, bench.log("core-plain"), _patience(bench), SOURCE
        )
        rate = plain["events"] / plain["core_seconds"]
        results.add("core, not compiled", "events/s", rate, "the same in plain Python; one round")
    note = f"awaited batch writes of the same {found['states']:,} states"
    results.add("changelog", "events/s", found["events"] / found["changelog_seconds"], note)
    results.add(
        "changelog written",
        "bytes/event",
        found["bytes"] / found["events"],
        "keys and states, without outboxes",
    )


def plain(bench: Bench, results: Results, settings: Settings) -> None:
    """The signals worker as `make env` and the pure wheel install it, over topics that are prepared and that nobody has read."""
    with bench.may_fail("ours, not compiled"):
        _worker(
            bench,
            results,
            settings,
            "ours, not compiled",
            SOURCE,
            "ours in plain Python, as `make env` and the pure wheel install it; one round",
        )


def _ours(bench: Bench, results: Results, settings: Settings) -> float:
    note = "behoudlijn worker signals, from its states ready to the last commit"
    return _worker(bench, results, settings, "ours", ROOT, note)


def _worker(bench: Bench, results: Results, settings: Settings, row: str, cwd: Path, note: str) -> float:
    bench.say(f"{row}: the signals worker")
    work = work_of(bench, settings, cwd)
    results.add(row, "events/s", work.rate, note + _part(bench, work.events))
    return work.rate


def peer(bench: Bench, results: Results, settings: Settings, name: str) -> float:
    """One peer over the topics of the round: its events a second."""
    bench.say(f"peer: {name}")
    module, note = PEERS[name]
    with TemporaryDirectory(prefix="behoudlijn-bench-") as scratch:
        given = peer_arguments(bench, settings, scratch, await_each=name in ONCE)
        process = child.program(module, given, bench.log(name))
        with process:
            process.wait_line(lambda line: child.message(line, "started"), 120)
            if name == "bytewax":
                found = process.wait_line(lambda line: child.message(line, "result"), _patience(bench))
                events, seconds = found["events"], found["seconds"]
            else:
                first = process.wait_line(lambda line: child.message(line, "first"), 120)["at"]
                last = bench.commits.until(
                    given["group"],
                    inputs_of(settings),
                    bench.size.events,
                    began=first,
                    seconds=bench.size.row_seconds,
                    alive=lambda: alive(process),
                )
                events, seconds = last.committed, last.at - first
                process.kill()
    once = "; one round" if name in ONCE else ""
    results.add(name, "events/s", events / seconds, note + once + _part(bench, events))
    return float(events / seconds)


def _part(bench: Bench, events: int) -> str:
    """A word for the note when a row was too slow for all events."""
    if events >= bench.size.events:
        return ""
    return f"; {events:,} events within {bench.size.row_seconds:.0f} s"


def _patience(bench: Bench) -> float:
    return 4 * bench.size.row_seconds + 300
