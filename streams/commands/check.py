"""`behoudlijn check`: what the workers would make of events in files, told before anything is sent."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streams.commands.convert import mapping_key, record_sentences
from streams.commands.ending import end
from streams.commands.options import counted, settings_of, spinner
from streams.commands.screen import Screen, listing, words
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.progress import Progress

    from streams.conversion.run import Counts
    from streams.core.decode import Reading
    from streams.files.census import Census
    from streams.mappings.language import Mapping

_LONG_AGO: Final = 946_684_800_000
"""The year 2000 (ms): what is before it was mostly never meant."""


def register(app: typer.Typer) -> None:
    """Add `check` to the command line."""
    app.command()(check)


def check(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Events (NDJSON), or with --mapping what was exported; plain, gzip or zstd; `-` for standard input."
        ),
    ],
    mapping: Annotated[
        str | None,
        typer.Option(help="The mapping, by name or file, that makes events of the files (docs/mappings.md)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")] = False,
) -> None:
    """Tell what the workers would make of the events of files: counts, refusals with their lines, what looks wrong. Sends nothing.

    Ends with exit code 3 when more than 1% of the lines would be refused, or none is an event.

    Example: behoudlijn check events.ndjson.gz
    """
    import orjson

    from streams.files.census import census_of
    from streams.files.ndjson import read_lines
    from streams.files.rejections import MOST_REJECTED
    from streams.mappings import load_mapping

    now = time.time_ns() // 1_000_000
    counts = None
    with spinner() as progress:
        reading = settings_of(None).reading()
        if mapping is None:
            found = census_of(counted(read_lines(files), progress, "lines read"), now, reading)
        else:
            found, counts = _of_source(load_mapping(mapping), files, progress, now, reading)
    if as_json:
        of_records = {} if counts is None else _as_json(counts)
        sys.stdout.write(orjson.dumps(found.as_json() | of_records).decode() + "\n")
    else:
        screen = Screen()
        for sentence in () if counts is None else record_sentences(counts):
            screen.print(sentence)
        show(found, screen, of_events=counts is None)
        if found.accepted and not found.fit:
            screen.print(
                f"more than {MOST_REJECTED:.0%} of the lines would become dead letters: repair them before sending"
                if counts is None
                else f"more than {MOST_REJECTED:.0%} of the records are refused: repair them, or the mapping, before sending"
            )
    if not found.fit:
        end(ExitCode.REFUSED)


def _of_source(
    mapping: Mapping, files: list[str], progress: Progress, now: int, reading: Reading
) -> tuple[Census, Counts]:
    """Count the events that a mapping makes of files, and the records that it refuses."""
    from streams.conversion.refusals import NOT_TOLD_TO_THE_END
    from streams.conversion.run import Conversion
    from streams.core.records import Reject
    from streams.files.census import Counting
    from streams.files.ndjson import Line, decode_line

    with Counting() as counting:
        conversion = Conversion(
            mapping,
            mapping_key(),
            lambda refusal: (
                None
                if refusal.code in NOT_TOLD_TO_THE_END
                else counting.refuse(refusal.file, refusal.number, Reject(refusal.code, refusal.message))
            ),
        )
        for each in counted(conversion.events(files), progress, "events made"):
            decoded = decode_line(Line(each.file, each.number, each.made.data), now, reading)
            counting.add(each.file, each.number, decoded)
        census = counting.census()
        census.lines = conversion.counts.records  # not those of the events
        return census, conversion.counts


def _as_json(counts: Counts) -> dict[str, int]:
    return {"records": counts.records, "passed_over": counts.passed_over, "unfinished": counts.unfinished}


def show(census: Census, screen: Screen, *, of_events: bool = True) -> None:
    """Print a census, and what somebody should look at. `of_events`: of lines that should be events, and no records of a source."""
    from schemas.instants import to_datetime

    table = listing(words("what"), words("figure"), title="Events in files")
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
    screen.print(table)
    for sentence in remarks(census, of_events=of_events):
        screen.print(sentence)


def remarks(census: Census, *, of_events: bool = True) -> Iterator[str]:
    """Yield what somebody should look at, a sentence each. `of_events`: as of `show`."""
    from schemas.instants import to_datetime
    from streams.files.census import BUSY, HORIZON_DAYS

    yield from census.rejections.sentences()
    for kind, name, count in census.unknown()[:10]:
        near = census.near(kind, name)
        hint = f"; is {near} meant?" if near else ""
        yield f"unknown field of {kind}, kept aside: {name!r} in {amount(count, 'event')}{hint}"
    for gap in census.gaps()[:5]:
        yield f"no event at all from {gap.first} to {gap.last}"
    for share in census.lone:
        yield f"one customer id has {share:.0%} of all events: does it stand for nobody in particular?"
    if census.too_old:
        yield (
            f"{amount(census.too_old, 'event stands', 'events stand')} behind others that are {HORIZON_DAYS} days later, too late to count: "
            "give files, and lines, in the order of time"
        )
    if census.busy:
        yield f"{amount(census.busy, 'time')} a customer has {BUSY} events or more on one day: does the id stand for many people?"
    if 0 <= census.first < _LONG_AGO:
        yield f"the first event is of {to_datetime(census.first):%Y}: does the time say what its format does?"
    if not census.accepted and not of_events:
        yield "no record gives an event"
    elif not census.accepted:
        yield "no line is an event: NDJSON is expected, one JSON object a line; `behoudlijn convert` makes it from tables"
