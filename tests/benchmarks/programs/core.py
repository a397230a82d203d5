"""The core and the changelog, each alone: `process_batch` from memory, then awaited writes of the states it made."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import uvloop

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core import engine
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.records import Decoded, Record
from streams.policies import load_policy
from streams.settings import load_settings
from streams.state.delivery import Deliveries
from streams.state.fencing import Change, FencedChangelog
from streams.state.recovery import ChangelogReader
from streams.state.store import SignalsStore
from streams.workers.interpreter import tune
from tests.benchmarks.say import arguments, say
from tests.benchmarks.workload import Workload

Written = tuple[int, dict[str, Change | None], int]
"""Partition, changes, partition time."""


def _batches(workload: Workload, partitions: int, size: int) -> list[tuple[int, list[Decoded]]]:
    """The events as the worker gets them: by partition, in the order of time, decoded; partitions take turns."""
    now = time.time_ns() // 1_000_000
    filling: list[list[Decoded]] = [[] for _ in range(partitions)]
    full: list[tuple[int, list[Decoded]]] = []
    for offset, (topic, key, routing, value) in enumerate(workload.events()):
        number = partition_of(routing, partitions)
        filling[number].append(decode(Record(topic, number, offset, now, key, value)))
        if len(filling[number]) == size:
            full.append((number, filling[number]))
            filling[number] = []
    return full + [(number, batch) for number, batch in enumerate(filling) if batch]


def _core(given: dict[str, Any]) -> tuple[int, float, list[Written]]:
    workload, policy = Workload(Path(given["directory"]), {}), load_policy(given["policy"])
    warm = workload.warm()
    stores = [part.states for part in warm]
    clocks = [Clock.restore(part.clock, part.states) for part in warm]
    batches = _batches(workload, len(warm), given["max_batch"])
    tune()
    written: list[Written] = []
    events, seconds = 0, 0.0
    for partition, batch in batches:
        states = stores[partition]
        began = time.perf_counter()
        result = process_batch(batch, states, policy, clocks[partition])
        seconds += time.perf_counter() - began
        events += len(batch)
        changes: dict[str, Change | None] = {}
        for customer, state in result.states.items():
            if state is None:
                states.pop(customer, None)
                changes[customer] = None
            else:
                states[customer] = state
                changes[customer] = Change(state, ())
        written.append((partition, changes, clocks[partition].now))
        if seconds > given["seconds"]:
            break
    return events, seconds, written


async def _changelog(given: dict[str, Any], written: list[Written]) -> float:
    settings = load_settings(
        kafka_bootstrap=given["bootstrap"], topic_prefix=given["prefix"], partitions=given["partitions"]
    )
    topic, label = settings.topic(topics.CHANGELOG), load_policy(given["policy"]).label
    deliveries = Deliveries(settings, lambda: None)
    fenced = FencedChangelog(topic, settings, deliveries)
    stores = [SignalsStore(number) for number in range(settings.partitions)]
    await deliveries.start()
    try:
        async with ChangelogReader(
            SignalsStore, topic, range(settings.partitions), settings.aiokafka_options()
        ) as reader:
            await reader.to_end()
            await fenced.claim(reader)
        began = time.perf_counter()
        for number, (partition, changes, clock) in enumerate(written, start=1):
            await fenced.write(stores[partition], changes, number, clock, label)
        return time.perf_counter() - began
    finally:
        await deliveries.stop()


if __name__ == "__main__":
    given = arguments()
    tune()
    events, seconds, written = _core(given)
    spent = 0.0
    if given.get("changelog", True):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            spent = runner.run(_changelog(given, written))
    states = sum(len(changes) for _, changes, _ in written)
    size = sum(
        len(c) + len(change.state) for _, changes, _ in written for c, change in changes.items() if change
    )
    say(
        "result",
        events=events,
        core_seconds=seconds,
        changelog_seconds=spent,
        states=states,
        bytes=size,
        compiled=engine.__file__.endswith(".so"),
    )
