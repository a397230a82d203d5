"""The events and the warm states of a run: the project's simulator, its records cut in two by time.

Owns what is measured: the first part goes through the core (on every core of the machine, not timed) and leaves
the warm states, the second part is what every row processes. The result is kept under `.cache/`, by a digest of
the size and of the code that made it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.records import Record
from streams.core.state import decode as decode_state
from streams.policies import load_policy, policy_path
from streams.simulate import SimulationSettings, simulate
from streams.simulate.settings import DAY_MS
from tests.benchmarks.size import PARTITIONS, Size

ROOT: Final = Path(__file__).resolve().parents[2]
POLICY: Final = "default"
_CACHE: Final = ROOT / ".cache" / "benchmarks"
_CODE: Final = ("streams/core", "streams/simulate", "schemas")
_BATCH: Final = 2_000
_DECILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)

Event = tuple[str, bytes | None, bytes, bytes]
"""Topic without prefix, key, routing bytes, value."""


class WarmPartition(NamedTuple):
    """The states of a partition and its time (ms) when the measured events begin."""

    states: dict[str, bytes]
    clock: int


class Workload(NamedTuple):
    """What all rows of a run share; events and states lie in files, since each program loads its own."""

    directory: Path
    about: dict[str, Any]

    def events(self) -> list[Event]:
        """The measured events in the order of time."""
        found: list[Event] = pickle.loads((self.directory / "events").read_bytes())
        return found

    def warm(self) -> list[WarmPartition]:
        """The warm partitions, by number."""
        found: list[WarmPartition] = pickle.loads((self.directory / "states").read_bytes())
        return found


def directory_of(size: Size) -> Path:
    """Where the workload of a size is kept."""
    digest = hashlib.sha256(f"3 {size.customers} {size.events} {size.days} {PARTITIONS}".encode())
    paths = [path for part in _CODE for path in sorted((ROOT / part).rglob("*.py"))]
    for path in [*paths, policy_path(POLICY), Path(__file__)]:
        digest.update(path.read_bytes())
    return _CACHE / f"{size.name}-{digest.hexdigest()[:16]}"


def cached(size: Size) -> Workload | None:
    """The workload, when an earlier run made it."""
    directory = directory_of(size)
    about = directory / "about.json"
    return Workload(directory, json.loads(about.read_text(encoding="utf-8"))) if about.exists() else None


def build(size: Size) -> Workload:
    """Make the workload and keep it. Takes minutes and gigabytes at full size: run it in a process of its own."""
    quarter = simulate(SimulationSettings(customers=size.customers, days=size.days))
    cut = quarter.calendar.start + size.warm_days * DAY_MS
    events: list[Event] = []
    early: list[list[Event]] = [[] for _ in range(PARTITIONS)]
    for record in quarter.records:
        key = record.customer_id.encode() if record.customer_id else None
        event = (record.topic, key, record.routing, record.value)
        if record.at < cut:
            early[partition_of(record.routing, PARTITIONS)].append(event)
        elif len(events) < size.events:
            events.append(event)
    if len(events) < size.events:
        raise RuntimeError(
            f"the simulator wrote {len(events)} events after the warm-up, not {size.events}: raise Size.days"
        )
    quarter.records.clear()
    calls: Counter[bytes | None] = Counter(
        e[1] for e in events if e[0] == "contact.calls" and e[1] is not None
    )
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        warm = pool.map(_warm, early, chunksize=1)
    facts = sorted(len(decode_state(data).facts) for part in warm for data in part.states.values())
    top = sum(count for _, count in calls.most_common(max(1, size.customers // 100)))
    about = {
        "events": len(events),
        "bytes_per_event": round(sum(len(e[3]) for e in events) / len(events), 1),
        "by_topic": dict(Counter(e[0] for e in events)),
        "customers_warm": len(facts),
        "events_before": sum(map(len, early)),
        "facts_mean": round(sum(facts) / len(facts), 2),
        "facts_quantiles": {str(q): facts[min(len(facts) - 1, int(q * len(facts)))] for q in _DECILES},
        "top_1_percent_share_of_calls": round(top / max(1, calls.total()), 3),
        "state_bytes_mean": round(sum(len(d) for p in warm for d in p.states.values()) / len(facts), 1),
    }
    directory = directory_of(size)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "events").write_bytes(pickle.dumps(events, protocol=5))
    (directory / "states").write_bytes(pickle.dumps(warm, protocol=5))
    (directory / "about.json").write_text(json.dumps(about), encoding="utf-8")
    return Workload(directory, about)


def _warm(events: list[Event]) -> WarmPartition:
    policy, clock, states = load_policy(POLICY), Clock(), dict[str, bytes]()
    now = time.time_ns() // 1_000_000
    for start in range(0, len(events), _BATCH):
        records = [
            decode(Record(topic, 0, start + i, now, key, value))
            for i, (topic, key, _, value) in enumerate(events[start : start + _BATCH])
        ]
        for customer, state in process_batch(records, states, policy, clock).states.items():
            if state is None:
                states.pop(customer, None)
            else:
                states[customer] = bytes(state)
    return WarmPartition(states, clock.now)
