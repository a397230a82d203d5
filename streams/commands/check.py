"""`behoudlijn check`: what the workers would make of events in files, told before anything is sent."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from schemas.instants import to_datetime
from streams.commands.options import counted, one_line, spinner
from streams.files.census import Census, census_of
from streams.files.ndjson import read_lines
from streams.files.rejections import MOST_REJECTED

_TOO_MANY = 3


def register(app: typer.Typer) -> None:
    """Add `check` to the command line."""
    app.command()(check)


def check(
    files: Annotated[
        list[str], typer.Argument(help="NDJSON files of events, plain or gzip; `-` for standard input.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")] = False,
) -> None:
    """Tell what the workers would make of the events of files: counts, refusals with their lines, what looks wrong. Sends nothing.

    Ends with exit code 3 when more than 1% of the lines would be refused, or none is an event.

    Example: behoudlijn check events.ndjson.gz
    """
    now = time.time_ns() // 1_000_000
    with one_line("check"), spinner() as progress:
        found = census_of(counted(read_lines(files), progress, "lines read"), now)
    if as_json:
        sys.stdout.write(orjson.dumps(found.as_json()).decode() + "\n")
    else:
        console = Console()
        show(found, console)
        if found.accepted and not found.fit:
            console.print(
                f"more than {MOST_REJECTED:.0%} of the lines would become dead letters: repair them before sending",
                soft_wrap=True,
            )
    if not found.fit:
        raise typer.Exit(_TOO_MANY)


def show(census: Census, console: Console) -> None:
    """Print a census, and what somebody should look at."""
    table = Table("what", "figure", title="Events in files", title_justify="left")
    table.add_row("lines", f"{census.lines:,}")
    for kind, count in sorted(census.events.items()):
        table.add_row(f"  {kind}", f"{count:,}")
    table.add_row("  rejected", f"{census.rejected:,} ({census.rejected_share:.1%})")
    table.add_row("customers", f"{census.customers:,}")
    share = census.nobody / census.accepted if census.accepted else 0.0
    table.add_row("events of nobody in particular", f"{census.nobody:,} ({share:.1%})")
    table.add_row("duplicates: the same once more", f"{census.duplicates:,}")
    table.add_row("corrections: other content", f"{census.corrections:,}")
    if census.first >= 0:
        span = " to ".join(
            to_datetime(at).isoformat(" ", "minutes")[:16] for at in (census.first, census.last)
        )
        table.add_row("from, to (UTC)", span)
    console.print(table)
    for sentence in remarks(census):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def remarks(census: Census) -> Iterator[str]:
    """Yield what somebody should look at, a sentence each."""
    yield from census.rejections.sentences()
    for kind, name, count in census.unknown()[:10]:
        near = census.near(kind, name)
        hint = f"; is {near} meant?" if near else ""
        yield f"unknown field of {kind}, kept aside: {name!r} in {count:,} events{hint}"
    for gap in census.gaps()[:5]:
        yield f"no event at all from {gap.first} to {gap.last}"
    for share in census.lone:
        yield f"one customer id has {share:.0%} of all events: does it stand for nobody in particular?"
    if not census.accepted:
        yield "no line is an event: NDJSON is expected, one JSON object a line; `behoudlijn convert` makes it from tables"
