"""`python -m tests.chaos short|long`: both runs, the report, and the exit code.

Owns the life of cluster and store. Exit code 1 when anything differs; logs and data are then left for the post-mortem.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.chaos import equality, unordered
from tests.chaos.cluster import Cluster, Store
from tests.chaos.profile import LONG, SHORT, SMOKE, Profile, invariants_of
from tests.chaos.report import Report, write

BUILD = Path(__file__).parents[2] / "build"

console = Console(width=120, soft_wrap=True)


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def main(
    size: Annotated[str, typer.Argument(help="smoke, short or long")] = "short",
    seed: Annotated[int | None, typer.Option(help="Repeat the schedule and the events of a seed.")] = None,
    only: Annotated[str, typer.Option(help="equality or invariants; both when left out")] = "",
) -> None:
    """Feed events while faults happen, then compare with the oracle."""
    chosen = {"smoke": SMOKE, "short": SHORT, "long": LONG}.get(size)
    if chosen is None or only not in ("", "equality", "invariants"):
        console.print("usage: python -m tests.chaos smoke|short|long [--seed N] [--only equality|invariants]")
        raise typer.Exit(2)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console.print(f"{chosen.name}: seed {seed} (repeat it with SEED={seed} make {chosen.name})")
    directory = Path(tempfile.mkdtemp(prefix="behoudlijn-chaos-"))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of brokers that we have just killed
    began = time.monotonic()
    reports: list[Report] = []
    try:
        asyncio.run(_both(chosen, invariants_of(chosen), seed, directory, only, reports))
    except BaseException:
        console.print(f"[bold red]broken off[/] with seed {seed}; logs and data are in {directory}")
        raise
    finally:
        for report in reports:
            report.show(console)
        write(BUILD / f"{chosen.name}.json", reports)
    different = sum(len(report.differences) for report in reports)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    console.print(
        f"{chosen.name}, seed {seed}: {time.monotonic() - began:.0f} s, of processors {cpu:.0f} s; "
        f"{different} differences"
    )
    if different:
        console.print(f"logs and data are in {directory}")
        raise typer.Exit(1)
    shutil.rmtree(directory, ignore_errors=True)


async def _both(
    profile: Profile, second: Profile, seed: int, directory: Path, only: str, reports: list[Report]
) -> None:
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[{time.monotonic() - began:6.1f} s] {text}", highlight=False, markup=False)

    cluster, store = Cluster(directory / "kafka"), Store(directory / "clickhouse")
    try:
        await asyncio.gather(cluster.start(), store.start())
        say("three Kafka nodes and ClickHouse run")
        if only != "invariants":
            reports.append(await equality.run(profile, seed, cluster, store, directory, say))
        if only != "equality":
            reports.append(await unordered.run(second, seed, cluster, store, directory, say))
    finally:
        await store.close()
        await cluster.close()


if __name__ == "__main__":
    sys.path.insert(0, os.fspath(Path(__file__).parents[2]))
    app()
