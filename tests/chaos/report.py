"""The report of a run: a table for people, JSON for machines.

Owns what is shown. It must not decide whether a run is good: it is handed differences.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.fleet import Fleet
from tests.chaos.recovery import Tally
from tests.chaos.verifier import Difference


@dataclass(slots=True)
class Report:
    """What became of one run (equality or invariants)."""

    name: str
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)
    """By phase."""
    figures: dict[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    checks: list[str] = field(default_factory=list)
    """What was compared and found equal, in words."""
    differences: list[Difference] = field(default_factory=list)

    def check(self, what: str, found: list[Difference]) -> None:
        """Notes a comparison."""
        if found:
            self.differences += found
        else:
            self.checks.append(what)

    def seen(self, fleets: dict[str, Fleet]) -> None:
        """Takes what was seen of the workers from outside."""
        for group, fleet in fleets.items():
            self.figures[f"{group}: processes"] = len(fleet.lives)
            self.figures[f"{group}: exit codes"] = {str(code): n for code, n in sorted(fleet.ends.items())}
            peak = max((life.peak_kib for life in fleet.lives), default=0)
            self.figures[f"{group}: peak memory, MiB"] = round(peak / 1024)
        if "sink" in fleets:
            self.figures["requests to ClickHouse tried again"] = int(
                sum(life.retries for life in fleets["sink"].lives)
            )

    def seen_of_replays(self, fleet: Fleet) -> None:
        """Takes what the signals workers have counted so far; a process that is killed takes its last two seconds with it."""
        self.figures["replays seen (events that a state knew, planted duplicates included)"] = int(
            sum(life.duplicates for life in fleet.lives)
        )
        self.figures["outputs resent at recovery"] = int(sum(life.resent for life in fleet.lives))

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "run": self.name,
            "seed": self.seed,
            "seconds": {phase: round(took, 1) for phase, took in self.seconds.items()},
            "faults": dict(self.tally.injected),
            "kills": self.tally.kills,
            "joins": self.tally.joins,
            "leaves": self.tally.leaves,
            "recovery_seconds": {
                name: [round(s, 2) for s in each] for name, each in self.tally.recovered.items()
            },
            "not_recovered_in_time": dict(self.tally.late),
            "figures": self.figures,
            "equal": self.checks,
            "differences": [difference._asdict() for difference in self.differences],
        }

    def show(self, console: Console) -> None:
        """For people."""
        faults = Table(title=f"{self.name}, seed {self.seed}: faults", title_justify="left")
        for heading in ("fault", "times", "recovery p50, s", "p99, s", "over a minute"):
            faults.add_column(heading, justify="left" if heading == "fault" else "right")
        tally = self.tally
        for name in sorted({*tally.injected, *tally.recovered, *tally.late}):
            times = tally.recovered.get(name, [])
            faults.add_row(
                name,
                str(tally.injected.get(name, "")),
                f"{percentile(times, 50):.1f}" if times else "",
                f"{percentile(times, 99):.1f}" if times else "",
                str(tally.late.get(name, "")),
            )
        every = [seconds for each in tally.recovered.values() for seconds in each]
        if every:
            faults.add_section()
            faults.add_row(
                f"all ({tally.kills} kills, {tally.joins} joins, {tally.leaves} leaves)",
                str(sum(tally.injected.values())),
                f"{percentile(every, 50):.1f}",
                f"{percentile(every, 99):.1f}",
                str(sum(tally.late.values()) or ""),
            )
        console.print(faults)
        figures = Table(title=f"{self.name}: seen", title_justify="left", show_header=False)
        for name, value in self.figures.items():
            figures.add_row(name, str(value))
        figures.add_row("seconds", ", ".join(f"{phase} {took:.0f}" for phase, took in self.seconds.items()))
        console.print(figures)
        for check in self.checks:
            console.print(f"  equal      {check}", highlight=False)
        for difference in self.differences:
            console.print(f"  DIFFERENT  {difference}", highlight=False, style="bold red")


def percentile(values: list[float], percent: float) -> float:
    """The value at or above `percent` of the sorted values (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def write(path: Path, reports: list[Report]) -> None:
    """All reports as one JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([report.as_json() for report in reports], indent=2) + "\n", encoding="utf-8")
