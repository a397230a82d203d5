"""How large a run is. Owns the numbers; a row must not choose its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

PARTITIONS: Final = 4
"""Of every topic; up to four workers can share them."""


@dataclass(frozen=True, slots=True)
class Size:
    """One size of the whole table. Seconds are upper bounds: what is slower is measured on fewer events."""

    name: str
    customers: int
    """Simulated customers, whose state is warm."""
    events: int
    """Events that are measured, after those that warm the state."""
    rounds: int
    row_seconds: float
    """The longest that one row of one round may take; its rate is that of what was done by then."""
    latency_seconds: float
    """How long events are sent at one rate."""
    slow_rounds: int
    """Rounds of the rows that take long to prepare or to run: latency, customers, facts and workers."""
    recovered: int
    """Customers of the recovery and memory rows."""
    scale_customers: tuple[int, ...]
    scale_facts: tuple[int, ...]
    scale_events: int
    facts_customers: int
    """Customers in the rows that differ in the number of facts."""
    file_lines: tuple[int, int]
    """Lines of the files over which memory is measured: more must not take more."""
    disk_gb: int
    """Free disk that a run asks for: the logs of the broker are removed at its end only. The full run was seen to use 31 GB."""

    @property
    def warm_days(self) -> int:
        """Days of simulated life before the measured events: about six facts a customer."""
        return 68

    @property
    def days(self) -> int:
        """Days to simulate; the simulator writes about 0.113 events a customer and day."""
        return self.warm_days + int(self.events / (self.customers * 0.105)) + 3


FULL: Final = Size(
    "full",
    customers=200_000,
    events=1_000_000,
    rounds=3,
    row_seconds=100.0,
    latency_seconds=20.0,
    slow_rounds=3,
    recovered=1_000_000,
    scale_customers=(10_000, 100_000, 1_000_000),
    scale_facts=(1, 10, 50, 200),
    scale_events=200_000,
    facts_customers=100_000,
    file_lines=(200_000, 1_000_000),
    disk_gb=40,
)
SHORT: Final = Size(
    "short",
    customers=20_000,
    events=100_000,
    rounds=3,
    row_seconds=5.0,
    latency_seconds=3.0,
    slow_rounds=1,
    recovered=100_000,
    scale_customers=(1_000, 10_000, 100_000),
    scale_facts=(1, 10, 50, 200),
    scale_events=10_000,
    facts_customers=10_000,
    file_lines=(200_000, 500_000),
    disk_gb=5,
)
SMOKE: Final = Size(
    "smoke",
    customers=1_000,
    events=4_000,
    rounds=1,
    row_seconds=3.0,
    latency_seconds=2.0,
    slow_rounds=1,
    recovered=5_000,
    scale_customers=(500, 1_000, 5_000),
    scale_facts=(1, 200),
    scale_events=1_000,
    facts_customers=500,
    file_lines=(5_000, 10_000),
    disk_gb=1,
)
AGAINST: Final = replace(
    SHORT, name="against", customers=50_000, events=250_000, rounds=10, row_seconds=60.0, disk_gb=12
)
"""Of `tests.benchmarks.against`, which measures the worker's rate only: some ten seconds a worker, compiled or not."""
SIZES: Final = {size.name: size for size in (FULL, SHORT, SMOKE, AGAINST)}
