"""`behoudlijn simulate` and `replay`: where events come from. It shows and writes, no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from streams.commands.check import show
from streams.commands.ending import fail
from streams.commands.options import (
    OUT_HELP,
    STDIO,
    Bootstrap,
    counted,
    settings_of,
    spinner,
    write_lines,
)
from streams.commands.screen import Screen
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.progress import Progress

    from streams.files.replay import Outgoing, Sent
    from streams.settings import Settings
    from streams.simulate import Quarter


def register(app: typer.Typer) -> None:
    """Add the two commands to the command line."""
    app.command("simulate")(simulate)
    app.command("replay")(replay)


def simulate(
    out: Annotated[str | None, typer.Option("--out", "-o", help=OUT_HELP)] = None,
    to_topics: Annotated[
        bool, typer.Option("--to-topics", help="Send the events to Kafka's topics.")
    ] = False,
    truth: Annotated[
        str | None, typer.Option(help="File for the truth: who left, and why. The pipeline never sees it.")
    ] = None,
    customers: Annotated[int, typer.Option(help="How many customers.")] = 20_000,
    days: Annotated[int, typer.Option(help="How many days.")] = 90,
    seed: Annotated[int, typer.Option(help="Another number, another quarter; the same, the same bytes.")] = 1,
    start: Annotated[str, typer.Option(help="The first day, YYYY-MM-DD.")] = "2026-01-01",
    anonymous: Annotated[float, typer.Option(help="Share of calls from callers not recognised.")] = 0.15,
    poison: Annotated[float, typer.Option(help="Broken records to put in, as a share of the events.")] = 0.0,
    bootstrap: Bootstrap = None,
) -> None:
    """Make up a quarter of a telecom's contact centre: calls, surveys, cancellations and profiles, by time.

    Example: behoudlijn simulate --customers 2000 --out quarter.ndjson.gz --truth truth.ndjson
    """
    from streams.simulate import SimulationSettings
    from streams.simulate import simulate as simulate_quarter

    try:
        chosen = SimulationSettings(customers, days, seed, date.fromisoformat(start), anonymous, poison)
    except ValueError as error:
        fail(str(error))
    settings = settings_of(bootstrap) if to_topics else None
    if out is None and not to_topics:
        out = STDIO
    with _progress() as progress:
        task = progress.add_task("customers", total=customers)
        quarter = simulate_quarter(chosen, lambda done: progress.update(task, completed=done))
        progress.update(task, completed=customers)
    if out is not None:
        write_lines(out, (record.value + b"\n" for record in quarter.records))
    if truth is not None:
        write_lines(truth, (line + b"\n" for line in quarter.truth_lines()))
    if settings is not None:
        from streams.files.replay import outgoing_simulated

        _send(outgoing_simulated(quarter.records), settings, len(quarter.records))
    _tell_quarter(quarter)


def replay(
    files: Annotated[
        list[str], typer.Argument(help="NDJSON files of events, plain or gzip; `-` for standard input.")
    ],
    keep_invalid: Annotated[
        bool,
        typer.Option("--keep-invalid", help="Send wrong lines too: the pipeline makes them dead letters."),
    ] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Send the events of files to Kafka's input topics, once it has told what the workers would make of them.

    Nothing is sent while a line is no event, unless --keep-invalid says so; standard input is sent up to its first wrong line.
    Sending a file again is harmless: events are known by their ids.

    Example: behoudlijn convert telco-churn churn.all | behoudlijn replay -
    """
    from streams.files.ndjson import read_lines
    from streams.files.replay import outgoing_lines

    settings = settings_of(bootstrap)
    if STDIO not in files:
        _tell_before(files, keep_invalid, settings)
    outgoing = outgoing_lines(read_lines(files), keep_invalid=keep_invalid, reading=settings.reading())
    _send(outgoing, settings, None)


def _tell_before(files: list[str], keep_invalid: bool, settings: Settings) -> None:
    from streams.files.census import census_of
    from streams.files.ndjson import read_lines

    now = time.time_ns() // 1_000_000
    with spinner() as progress:
        census = census_of(counted(read_lines(files), progress, "lines read"), now, settings.reading())
    show(census, Screen(stderr=True))
    if census.rejected and not keep_invalid:
        fail(
            f"{census.rejected:,} of {amount(census.lines, 'line')} cannot be read as an event, and nothing was sent: repair them, or send them "
            "too with --keep-invalid",
            ExitCode.REFUSED,
        )


def _send(records: Iterable[tuple[Outgoing, bool]], settings: Settings, total: int | None) -> None:
    from schemas import topics
    from streams.cluster.topics import inspect
    from streams.files.replay import send

    # Asking Kafka for a topic that is absent may make it, with one partition: look first.
    inputs = {settings.topic(name) for name in topics.INPUTS}
    absent = [each.name for each in inspect(settings) if each.result == "absent" and each.name in inputs]
    if absent:
        fail(
            f"no topic {absent[0]} at {settings.kafka_bootstrap}: run `behoudlijn topics ensure`",
            ExitCode.UNAVAILABLE,
        )
    with _progress() as progress:
        task = progress.add_task("events sent", total=total)
        sent = asyncio.run(
            send(records, settings, progress=lambda done: progress.update(task, completed=done))
        )
    _tell_sent(sent)


def _tell_sent(sent: Sent) -> None:
    shown = ", ".join(f"{topic} {count:,}" for topic, count in sorted(sent.by_topic.items()))
    invalid = f"; {sent.invalid:,} of them not valid" if sent.invalid else ""
    typer.echo(f"sent {amount(sent.records, 'event')} ({shown}){invalid}", err=True)


def _tell_quarter(quarter: Quarter) -> None:
    left = sum(truth.left_in_period for truth in quarter.truths)
    events, customers = len(quarter.records), len(quarter.truths)
    typer.echo(
        f"simulated {amount(events, 'event')} of {amount(customers, 'customer')}, of whom {left:,} left",
        err=True,
    )


def _progress() -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Screen(stderr=True)
    columns = (
        TextColumn("{task.completed:,.0f} {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
