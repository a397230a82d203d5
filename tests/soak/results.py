"""What a soak found: the table for a terminal and for `docs/benchmarks.md`, and the file that keeps it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import machine, versions
from tests.benchmarks.results import RESULTS

HEAD = (
    *("scenario", "others: p50, p99 before, s", "p50, p99 beside, s", "pause, s", "lost", "doubled"),
    *("memory before, peak, after, MiB", "back after, min", ""),
)


def line(row: dict[str, Any]) -> list[str]:
    """Return the cells of a row, by `HEAD`."""
    before, beside, memory = row["before"], row["beside"], row["memory_mib"]
    back = row["back_minutes"]
    return [
        row["scenario"],
        f"{before['p50']:.2f}, {before['p99']:.2f}",
        f"{beside['p50']:.2f}, {beside['p99']:.2f}",
        f"{beside['pause']:.1f}",
        str(row["lost"]),
        str(row["doubled"]),
        ", ".join(f"{memory[key]:.0f}" for key in ("before", "peak", "after")),
        "not in the run" if back is None else f"{back:.1f}",
        "; ".join((row["says"], *row["notes"], f"{row['repeated']:,} triggers repeated, equal")),
    ]


def table(content: dict[str, Any], source: str) -> str:
    """Return the table of a results file, in Markdown."""
    about = content["machine"]
    lines = [
        (
            f"`{source}`: {about['processor']}, {about['cores']} cores, commit {content['versions']['behoudlijn']}; "
            f"each strikes for {content['seconds']:g} s or as long as it lasts.\n"
        ),
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(line(row))} |" for row in content["rows"]),
    ]
    return "\n".join(lines) + "\n"


def content_of(rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what is kept."""
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": seconds,
        "machine": machine(),
        "versions": versions(),
        "rows": rows,
    }


def save(content: dict[str, Any], directory: Path = RESULTS) -> Path:
    """Write the file and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{datetime.now(UTC):%Y-%m-%dT%H%M}-soak.json"
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path
