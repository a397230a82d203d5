"""What a run found: rows of repeated measurements, facts about the run, and the file that keeps both."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.child import SOURCE

RESULTS: Final = SOURCE / "tests" / "benchmarks" / "results"


@dataclass(slots=True)
class Row:
    """One thing that was measured once a round."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is to be known of each round."""

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    @property
    def note(self) -> str:
        """That of the round in the middle."""
        middle = sorted(self.values)[len(self.values) // 2]
        return self.notes[self.values.index(middle)]

    def summary(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "unit": self.unit,
            "min": _rounded(min(self.values)),
            "median": _rounded(self.median),
            "max": _rounded(max(self.values)),
            "rounds": [_rounded(value) for value in self.values],
            "note": self.note,
            "notes": self.notes if len(set(self.notes)) > 1 else [],
        }


@dataclass(slots=True)
class Results:
    """All rows of one run by name, in the order of their first measurement."""

    size: str
    machine: dict[str, Any]
    versions: dict[str, str]
    workload: dict[str, Any]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    rows: dict[str, Row] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    targets: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, name: str, unit: str, value: float, note: str = "") -> None:
        """One measurement of a row."""
        row = self.rows.setdefault(name, Row(name, unit))
        row.values.append(value)
        row.notes.append(note)

    def median(self, name: str) -> float | None:
        """The row's median, None when it was not measured."""
        row = self.rows.get(name)
        return row.median if row is not None and row.values else None

    def save(self, directory: Path = RESULTS) -> Path:
        """Write the file and return its path."""
        path = directory / f"{self.began:%Y-%m-%dT%H%M}-{self.size}.json"
        content = {
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "size": self.size,
            "machine": self.machine,
            "versions": self.versions,
            "workload": self.workload,
            "rows": {name: row.summary() for name, row in self.rows.items()},
            "ratios": {name: round(value, 4) for name, value in self.ratios.items()},
            "targets": self.targets,
        }
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return path


def _rounded(value: float) -> float:
    return round(value, 1) if abs(value) >= 100 else round(value, 4)
