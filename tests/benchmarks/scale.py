"""Throughput and memory of ours as customers and facts grow, everything else being equal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, NamedTuple

from streams.policies import load_policy, policy_path
from streams.settings import SIGNALS_GROUP, Settings
from tests.benchmarks import child, synthetic
from tests.benchmarks.bench import Bench, inputs_of
from tests.benchmarks.prefill import fill_inputs
from tests.benchmarks.results import Results
from tests.benchmarks.workers import alive, until_recovered, worker
from tests.benchmarks.workload import POLICY

_FACTS: Final = 6


class _Row(NamedTuple):
    name: str
    customers: int
    facts: int
    """Of each customer."""


def measure(bench: Bench, results: Results) -> None:
    """By customers with six facts each, and by facts: in each round a row after another."""
    size = bench.size
    policy = _roomy_policy(bench.logs)
    rows = [_Row(f"customers {customers:,}", customers, _FACTS) for customers in size.scale_customers]
    rows += [_Row(f"facts {facts}", size.facts_customers, facts) for facts in size.scale_facts]
    prepared = {}
    for row in rows:
        bench.say(f"scale: filling a changelog with {row.customers:,} customers of {row.facts} facts")
        with bench.may_fail(row.name):
            prepared[row] = _prepared(bench, policy, row.customers, row.facts)
    for turn in range(size.slow_rounds):
        for row, settings in prepared.items():
            bench.say(f"scale: {row.name}")
            with bench.may_fail(row.name):
                _one(bench, results, settings, row, turn)


def _prepared(bench: Bench, policy: str, customers: int, facts: int) -> Settings:
    return bench.prepared([], synthetic.states(load_policy(policy), customers, facts), policy=policy)


def _one(bench: Bench, results: Results, settings: Settings, row: _Row, turn: int) -> None:
    name, customers, facts = row
    group, names, count = settings.topic(SIGNALS_GROUP), inputs_of(settings), bench.size.scale_events
    before = bench.commits.total(group, names)
    bench.run(fill_inputs(settings, synthetic.events(customers, facts, count, turn)))
    with worker(bench, settings, "signals") as process:
        ready = until_recovered(process)
        last = bench.commits.until(
            group,
            names,
            before + count,
            began=ready.at,
            seconds=4 * bench.size.row_seconds,
            alive=lambda: alive(process),
        )
        resident = child.resident_bytes(process.pid)
    note = f"{customers:,} customers, {facts} facts each, {count:,} corrections of facts"
    results.add(name, "events/s", (last.committed - before) / (last.at - ready.at), note)
    results.add(
        f"{name}: memory",
        "MB",
        resident / 2**20,
        f"resident; {resident / customers / 1024:.2f} KB a customer",
    )


def _roomy_policy(directory: Path) -> str:
    """The default policy with room for more facts than it keeps by itself."""
    text = policy_path(POLICY).read_text(encoding="utf-8")
    roomy = text.replace("max_facts: 100", "max_facts: 250")
    if roomy == text:
        raise RuntimeError("the default policy has another max_facts than 100: adapt the benchmark")
    path = directory / f"roomy-{time.time_ns()}.yaml"
    path.write_text(roomy, encoding="utf-8")
    return str(path)
