"""Seconds until a worker is ready with many customers, against a plain read of the same changelog; and its memory then."""

from __future__ import annotations

import time
from itertools import cycle, islice

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.state import decode
from tests.benchmarks import child
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Results
from tests.benchmarks.size import PARTITIONS
from tests.benchmarks.workers import until_recovered, worker

States = dict[int, tuple[dict[str, bytes], int]]


def many(states: States, customers: int) -> States:
    """The warm states again and again under new names, until there are `customers`."""
    originals = [state for number in sorted(states) for state in states[number][0].values()]
    found: States = {number: ({}, clock) for number, (_, clock) in states.items()}
    for index, state in enumerate(islice(cycle(originals), customers)):
        name = f"m{index:07d}"
        found[partition_of(name.encode(), PARTITIONS)][0][name] = state
    return found


def measure(bench: Bench, results: Results, warm: States) -> None:
    """Plain read and worker in turn, each as often as there are rounds."""
    customers = bench.size.recovered
    bench.say(f"recovery: filling a changelog with {customers:,} customers")
    states = many(warm, customers)
    sizes = [len(state) for part, _ in states.values() for state in part.values()]
    facts = [
        len(decode(state).facts) for part, _ in states.values() for state in islice(part.values(), 5_000)
    ]
    settings = bench.prepared([], states)
    del states
    about = f"{customers:,} customers, {sum(sizes) / len(sizes):.0f} bytes and {sum(facts) / len(facts):.1f} facts each"
    for _ in range(bench.size.rounds):
        bench.say("recovery: plain read")
        given = {
            "bootstrap": bench.bootstrap,
            "topic": settings.topic(topics.CHANGELOG),
            "partitions": settings.partitions,
        }
        found = child.run("plain_read", given, bench.log("plain-read"), 600)
        results.add("recovery plain read", "s", found["seconds"], f"aiokafka into a dict; {about}")
        bench.say("recovery: the signals worker")
        began = time.time()
        with worker(bench, settings, "signals") as process:
            ready = until_recovered(process)
            time.sleep(0.5)
            resident = child.resident_bytes(process.pid)
            process.stop()  # not killed: the next one would wait for its session to end
        if ready.customers != customers:
            raise RuntimeError(f"{ready.customers:,} customers were recovered, not {customers:,}")
        results.add(
            "recovery ours", "s", ready.seconds, "the worker, from its assignment to its states ready"
        )
        results.add(
            "recovery start to ready", "s", ready.at - began, "the same, from the start of the process"
        )
        results.add("memory per customer", "KB", resident / customers / 1024, f"whole process; {about}")
