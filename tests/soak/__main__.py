"""`python -m tests.soak [SCENARIO …] [--seconds 20] [--keep]`: runs scenarios, prints their table, and keeps it where that is asked for.

Owns the order of a run. The exit code is 1 when anything was lost or doubled, whatever the latencies.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from streams.telemetry import log
from tests.soak import herd, hot, outage, rolling, storm
from tests.soak.results import HEAD, content_of, line, save
from tests.soak.run import run
from tests.soak.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    each.SCENARIO.name: each.SCENARIO for each in (hot, herd, storm, outage, rolling)
}
console = Console(width=150, soft_wrap=True, highlight=False)
app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help=f"{', '.join(SCENARIOS)}; all when left out")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long each strikes.")] = 20,
    keep: Annotated[bool, typer.Option(help="Keep the results for `make bench-pages`.")] = False,
) -> None:
    """Strike workers with the loads of a bad day, and tell what other customers notice."""
    if unknown := set(scenarios or ()) - SCENARIOS.keys():
        console.print(f"soak: no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
        raise typer.Exit(2)
    log.configure("console", "error")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of brokers that we have just killed
    began = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="behoudlijn-soak-"))

    def say(text: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {text}", markup=False)

    rows: list[dict[str, Any]] = []
    try:
        for name in scenarios or SCENARIOS:
            rows.append(asyncio.run(run(SCENARIOS[name], seconds, directory / name, say)))
            _show(rows[-1:])
    except BaseException:
        console.print(f"soak: broken off; logs are in {directory}", markup=False)
        raise
    if len(rows) > 1:
        _show(rows)
    if keep:
        say(f"results: {save(content_of(rows, seconds))}")
    if any(row["lost"] or row["doubled"] for row in rows):
        console.print(f"soak: something was lost or doubled; logs are in {directory}", markup=False)
        raise typer.Exit(1)
    shutil.rmtree(directory, ignore_errors=True)


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table()
    for name in HEAD:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*line(row))
    console.print(table)


if __name__ == "__main__":
    app()
