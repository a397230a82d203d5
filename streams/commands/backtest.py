"""`behoudlijn backtest`: what a policy would have done with past events. It shows what `streams.files.backtest` finds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from streams.commands.ending import cannot_write, end, fail
from streams.commands.options import counted, refuse_overwriting, settings_of, spinner
from streams.commands.screen import Screen, listing, whole, words
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.progress import Progress

    from streams.core.published import Output
    from streams.files.backtest import Summary
    from streams.files.released import Release


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
    releases_out: Annotated[
        Path | None,
        typer.Option(help="Write what became of each trigger at the policy's desk to this file, as NDJSON."),
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
    import orjson

    from schemas.instants import ms_of
    from streams.commands.check import show
    from streams.files.backtest import backtest
    from streams.files.ndjson import read_lines
    from streams.files.rejections import MOST_REJECTED
    from streams.phrases import load_phrases
    from streams.policies import load_policy

    written = [path for path in (triggers_out, releases_out) if path is not None]
    limit = time.time_ns() // 1_000_000 if as_of is None else ms_of(as_of.replace(tzinfo=UTC))
    settings, chosen = settings_of(None), load_policy(policy)
    phrases = load_phrases(settings.language, settings.phrases)
    refuse_overwriting([*files, policy], written)
    if releases_out is not None and chosen.release is None:
        fail(
            f"policy {chosen.name} has no `release`, so that nothing waits for a desk: add one, or leave --releases-out out"
        )
    with _triggers_to(triggers_out) as write, _releases_to(releases_out) as note, spinner() as progress:
        found = backtest(
            counted(read_lines(files), progress, "lines read"),
            chosen,
            partitions=partitions,
            as_of=limit,
            reading=settings.reading(),
            wording=phrases,
            progress=_judged(progress),
            outputs=write,
            releases=note,
        )
    refused = dict(found.census.rejections.counts)
    if summary_json:
        summary = found.summary.as_json() | {"reasons": refused}
        sys.stdout.write(orjson.dumps(summary).decode() + "\n")
    else:
        screen = Screen()
        show(found.census, screen)
        _show(found.summary, chosen.label, screen)
    if as_of is not None:
        refused.pop("future_dated", None)  # they were to be left out
    if sum(refused.values()) > MOST_REJECTED * found.summary.events:
        typer.echo(
            f"backtest: more than {MOST_REJECTED:.0%} of the lines are no events; `behoudlijn check` tells more",
            err=True,
        )
        end(ExitCode.REFUSED)


@contextmanager
def _triggers_to(path: Path | None) -> Iterator[Callable[[Output], None]]:
    """Have the triggers among the outputs written to a file as they come; nowhere without a path."""
    if path is None:
        yield lambda _: None
        return
    with _writing(path) as stream:

        def write(output: Output) -> None:
            if output.kind == "trigger":
                stream.write(output.value + b"\n")

        yield write


@contextmanager
def _releases_to(path: Path | None) -> Iterator[Callable[[Release], None] | None]:
    """Have what became of candidates written to a file in the end, by when they were decided; nowhere without a path."""
    if path is None:
        yield None
        return
    import orjson

    from streams.files.sorting import Sorter

    with _writing(path) as stream, Sorter() as sorter:

        def note(release: Release) -> None:
            line = orjson.dumps(release.as_json(), option=orjson.OPT_UTC_Z)
            sorter.add((release.decided_at, release.trigger_id, line))

        yield note
        stream.writelines(sorter.lines())


@contextmanager
def _writing(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("wb") as stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from None


def _judged(progress: Progress) -> Callable[[int], None]:
    task = progress.add_task("events judged", total=None)
    return lambda count: progress.advance(task, count)


def _show(summary: Summary, label: str, screen: Screen) -> None:
    table = listing(words("figure"), whole("value"), title=f"Backtest by {label}")
    figures = summary.as_json()
    reasons: dict[str, int] = figures.pop("never_released", {})
    figures |= {f"never released: {reason}": count for reason, count in reasons.items()}
    for name, value in figures.items():
        shown = "-" if value is None else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
        table.add_row(name.replace("_", " "), shown)
    screen.print(table)
