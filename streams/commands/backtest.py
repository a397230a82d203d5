"""`behoudlijn backtest`: what a policy would have done with past events. It shows what `streams.files.backtest` finds."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from schemas.instants import ms_of
from streams.commands.options import spinner
from streams.documents import DocumentError
from streams.files.backtest import Backtest, backtest
from streams.files.ndjson import InputError, read_lines
from streams.files.rejections import MOST_REJECTED
from streams.policies import load_policy

_TOO_MANY = 3


def register(app: typer.Typer) -> None:
    """Add `backtest` to the command line."""
    app.command("backtest")(run)


def run(
    files: Annotated[
        list[str], typer.Argument(help="NDJSON files of events, plain or gzip; `-` for standard input.")
    ],
    policy: Annotated[str, typer.Option(help="A built-in policy's name, or a policy file.")] = "default",
    partitions: Annotated[int, typer.Option(min=1, max=1024, help="As many as your topics have.")] = 8,
    triggers_out: Annotated[
        Path | None, typer.Option(help="Write the triggers to this file, as NDJSON.")
    ] = None,
    summary_json: Annotated[
        bool, typer.Option("--summary-json", help="Print one JSON object, nothing else.")
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="Events later than this (UTC) are rejected as future-dated; default: now."),
    ] = None,
) -> None:
    """Judge the events of files by a policy, as they would have been judged then: what would have fired.

    Ends with exit code 3 when more than 1% of the lines are no events.

    Example: behoudlijn backtest events.ndjson.gz --policy default --triggers-out triggers.ndjson
    """
    try:
        chosen = load_policy(policy)
        limit = time.time_ns() // 1_000_000 if as_of is None else ms_of(as_of.replace(tzinfo=UTC))
        with spinner(summary_json) as progress:
            task = progress.add_task("events judged", total=None)
            found = backtest(
                read_lines(files),
                chosen,
                partitions=partitions,
                as_of=limit,
                progress=lambda count: progress.advance(task, count),
            )
    except (InputError, DocumentError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if triggers_out is not None:
        triggers_out.write_bytes(b"".join(value + b"\n" for value in found.triggers))
    refused = dict(found.rejections.counts)
    if summary_json:
        summary = found.summary.as_json() | {"reasons": refused}
        sys.stdout.write(orjson.dumps(summary).decode() + "\n")
    else:
        _show(found, chosen.label)
    if as_of is not None:
        refused.pop("future_dated", None)  # they were to be left out
    if sum(refused.values()) > MOST_REJECTED * found.summary.events:
        typer.echo(
            f"backtest: more than {MOST_REJECTED:.0%} of the lines are no events; `behoudlijn check` tells more",
            err=True,
        )
        raise typer.Exit(_TOO_MANY)


def _show(found: Backtest, label: str) -> None:
    table = Table("figure", "value", title=f"Backtest by {label}", title_justify="left")
    for name, value in found.summary.as_json().items():
        shown = "-" if value is None else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
        table.add_row(name.replace("_", " "), shown)
    console = Console()
    console.print(table)
    for sentence in found.rejections.sentences():
        console.print(sentence, highlight=False, soft_wrap=True)
