"""The table of a run, for a terminal. Owns its looks only."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.benchmarks.results import Results

_COLOURS = {"met": "green", "not met": "red", "not measured": "yellow"}


def show(results: Results, console: Console) -> None:
    """Print workload, rows and targets."""
    about = results.workload
    console.print(
        f"\n[bold]{about['events']:,} events[/] of {about['bytes_per_event']:.0f} bytes, "
        f"{about['customers_warm']:,} customers warm ({about['state_bytes_mean']:.0f} bytes a state, "
        f"{about['facts_mean']} facts in the mean); the top 1% of customers make "
        f"{about['top_1_percent_share_of_calls']:.0%} of the calls"
    )
    console.print(
        "facts a customer, by quantile: "
        + ", ".join(f"{float(q):.0%}: {n}" for q, n in about["facts_quantiles"].items())
    )
    rows = Table(title=f"{results.size}: min / median / max of the rounds", title_justify="left")
    for column in ("row", "unit"):
        rows.add_column(column, no_wrap=True)
    for column in ("min", "median", "max"):
        rows.add_column(column, justify="right", no_wrap=True)
    rows.add_column("what", overflow="fold")
    for row in results.rows.values():
        rows.add_row(
            row.name,
            row.unit,
            _figure(min(row.values)),
            _figure(row.median),
            _figure(max(row.values)),
            row.note,
        )
    console.print(rows)
    targets = Table(title="targets, as ratios of the medians of this run", title_justify="left")
    for column in ("target", "bound", "value", "verdict", "aim"):
        targets.add_column(column)
    for target in results.targets:
        colour = _COLOURS[target["verdict"]]
        value = target["value"]
        targets.add_row(
            f"{target['name']}: {target['says']}",
            target["bound"],
            "" if value is None else f"{value:.2f}",
            f"[{colour}]{target['verdict']}[/]",
            "" if target["aim"] is None else f"{target['aim']:g}",
        )
    console.print(targets)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
