"""From the figures of one run to what a large installation needs. Owns the arithmetic of `docs/scaling.md`.

Pure: figures in, figures out. What is assumed beside the measurements is a field of `Plan`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """What an installation must carry, and how much room is left."""

    customers: int = 10_000_000
    events_per_second: float = 20_000.0
    utilisation: float = 0.5
    """Of a worker at the highest load: the rest is for catching up, and keeps the latency of the half rate."""
    failover_seconds: float = 60.0
    """The longest that a worker's customers may wait for its successor to read their states."""
    unnoticed_seconds: float = 30.0
    """Of that, until a lost worker is noticed: the session time-out."""
    worker_memory_gib: float = 4.0
    memory_utilisation: float = 0.5
    """Of a worker's memory: the rest is for the customers of a lost one."""
    partitions_per_worker: int = 4
    """So that the number of workers can grow without another migration."""
    replication: int = 3
    changelog_slack: float = 2.0
    """A compacted changelog holds old values too, until they are cleaned."""


@dataclass(frozen=True, slots=True)
class Need:
    """A line of the arithmetic: what, how much, and how it comes about."""

    what: str
    value: str
    how: str


def needs(results: dict[str, Any], plan: Plan) -> list[Need]:
    """The lines, from a results file. Raises KeyError when a row that they need was not measured."""
    rows = {name: row["median"] for name, row in results["rows"].items()}
    about = results["workload"]
    ours, memory_kb = rows["ours"], rows["memory per customer"]
    recovered = _customers(results) / rows["recovery ours"]
    by_load = math.ceil(plan.events_per_second / (plan.utilisation * ours))
    resident = plan.customers * memory_kb / 1024**2
    by_memory = math.ceil(resident / (plan.memory_utilisation * plan.worker_memory_gib))
    recovering = plan.customers * plan.changelog_slack / recovered
    reading_seconds = plan.failover_seconds - plan.unnoticed_seconds
    by_failover = math.ceil(recovering / reading_seconds)
    workers = max(by_load, by_memory, by_failover, 2)
    partitions = workers * plan.partitions_per_worker
    reasons = {"load": by_load, "memory": by_memory, "failover": by_failover}
    reason = " and ".join(name for name, number in reasons.items() if number == workers) or "a spare"
    event, changelog = about["bytes_per_event"], rows["changelog written"]
    state = about["state_bytes_mean"] + 30
    rate = plan.events_per_second
    sink, insert = rows["sink"], rows["insert"]
    stored = rate * _rows(results) / about["events"]
    sinks = math.ceil(stored / (plan.utilisation * sink))
    return [
        Need(
            "workers, by load",
            f"{by_load}",
            f"{rate:,.0f} / ({plan.utilisation:.0%} of {ours:,.0f} events/s)",
        ),
        *_not_compiled(rows, plan),
        Need(
            "workers, by memory",
            f"{by_memory}",
            f"{plan.customers:,} × {memory_kb:.2f} KB = {resident:.1f} GiB / "
            f"({plan.memory_utilisation:.0%} of {plan.worker_memory_gib:g} GiB)",
        ),
        Need(
            "workers, by failover",
            f"{by_failover}",
            f"{plan.customers:,} × {plan.changelog_slack:g} values / {recovered:,.0f} a second, within "
            f"{reading_seconds:.0f} s",
        ),
        Need("**signals workers**", f"**{workers}**", f"the largest of these ({reason}); one core each"),
        Need("**partitions**", f"**{partitions}**", f"{plan.partitions_per_worker} a worker, of every topic"),
        Need(
            "customers a partition",
            f"{plan.customers / partitions:,.0f}",
            f"{plan.customers / partitions * memory_kb / 1024:,.0f} MB resident",
        ),
        Need(
            "changelog on disk",
            f"{plan.customers * state * plan.changelog_slack * plan.replication / 1024**3:,.0f} GiB",
            f"{state:.0f} bytes a customer × {plan.changelog_slack:g} until it is cleaned × {plan.replication} replicas",
        ),
        Need(
            "all workers start at once",
            f"{recovering / workers:,.0f} s",
            "each reads its own partitions; the brokers must serve all of them together",
        ),
        Need(
            "into the brokers",
            f"{rate * (event + changelog) * plan.replication / 1e6:,.0f} MB/s",
            f"{event:.0f} bytes of event and {changelog:.0f} of changelog each × {plan.replication} replicas; outputs, "
            f"{stored / rate - 1:.2f} an event, come on top",
        ),
        Need(
            "out of the brokers",
            f"{rate * (event * 2 + (event + changelog) * (plan.replication - 1)) / 1e6:,.0f} MB/s",
            "events to the signals and the sink workers, and what replicas fetch; outputs and recoveries come on top",
        ),
        Need(
            "**sink workers**",
            f"**{sinks}**",
            f"{stored:,.0f} rows/s, outputs included / ({plan.utilisation:.0%} of {sink:,.0f} rows/s)",
        ),
        Need(
            "ClickHouse",
            f"{stored / insert:.0%} of one",
            f"{stored:,.0f} rows/s where one insert stream into the embedded engine took {insert:,.0f}",
        ),
    ]


def _not_compiled(rows: dict[str, float], plan: Plan) -> list[Need]:
    """Nothing where the plain worker was not measured, as in the first runs."""
    plain = rows.get("ours, not compiled")
    if plain is None:
        return []
    rate = plan.events_per_second
    return [
        Need(
            "the same, not compiled",
            f"{math.ceil(rate / (plan.utilisation * plain))}",
            f"{rate:,.0f} / ({plan.utilisation:.0%} of {plain:,.0f} events/s)",
        )
    ]


def _rows(results: dict[str, Any]) -> int:
    note: str = results["rows"]["insert"]["note"]
    return int(note.split(" the same ")[1].split(" ")[0].replace(",", ""))


def _customers(results: dict[str, Any]) -> int:
    note: str = results["rows"]["recovery plain read"]["note"]
    return int(note.split("; ")[1].split(" ")[0].replace(",", ""))
