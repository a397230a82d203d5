"""`behoudlijn objections`: telephone numbers at which nobody may be called, into Kafka. It shows what `streams.operations.objections` did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from streams.commands.ending import end
from streams.commands.options import Bootstrap, settings_of
from streams.commands.screen import Screen
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from streams.operations.objections import Loaded

app = typer.Typer(no_args_is_help=True, help="Load telephone numbers whose owners object to calls.")
_SHOWN = 20


def register(parent: typer.Typer) -> None:
    """Add `objections` to the command line."""
    parent.add_typer(app, name="objections")


@app.command()
def load(
    file: Annotated[
        str,
        typer.Argument(
            help="CSV with a head, or NDJSON, plain or packed; `-` for standard input. phone_e164, or phone with country_code; "
            "objected_at and until where known."
        ),
    ],
    remove: Annotated[
        bool, typer.Option("--remove", help="Nobody objects at these numbers any more, as of now.")
    ] = False,
    country: Annotated[
        str | None,
        typer.Option("--country", help="Country of national numbers without country_code, such as NL."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count; write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Bar customers from calls by their telephone numbers: a register, a list of one's own, a letter.

    Only a keyed hash of each number goes to Kafka, to every partition, with when it was objected and until when. Without objected_at
    it is now; without until it holds until --remove. A line that cannot be read is told by its place and keeps no other out: exit code 1.
    Loading a list again changes nothing. Needs BEHOUDLIJN_ERASURE_KEY, the same as the workers'.

    Example: behoudlijn objections load register.csv --country NL --dry-run
    """
    from streams.conversion.number_lists import read_numbers
    from streams.operations.objections import load as load_numbers

    settings = settings_of(bootstrap)
    now = time.time_ns() // 1_000_000
    with Screen(stderr=True).status("loading") as status:
        done = load_numbers(
            read_numbers(file, now, country),
            settings,
            now,
            remove=remove,
            dry_run=dry_run,
            tell=lambda count: status.update(f"{amount(count, 'record')} written"),
        )
    if json:
        import orjson

        typer.echo(orjson.dumps(done.as_json(), option=orjson.OPT_INDENT_2))
    else:
        show(done, Screen())
    if done.refused:
        end(ExitCode.INCOMPLETE)


def show(done: Loaded, screen: Screen) -> None:
    """Print the counts, and the first lines that could not be read."""
    counts = (
        (done.added, "now object"),
        (done.renewed, "object anew or for another time"),
        (done.lifted, "object no longer"),
        (done.unchanged, "unchanged"),
        (done.over, "over before anybody heard of it"),
    )
    told = ", ".join(f"{number:,} {what}" for number, what in counts if number) or "nothing to do"
    screen.print(f"{amount(done.numbers, 'number')}: {told}.")
    written = "would be written" if done.dry_run else "written, and confirmed by Kafka"
    screen.print(f"{amount(done.records, 'record')} {written}: one for each partition that lacked it.")
    if done.repaired:
        screen.print(
            f"{amount(done.repaired, 'number')} had not reached every partition: a load before had broken off."
        )
    if done.unreadable:
        screen.print(
            f"{amount(done.unreadable, 'record')} of the topic cannot be read: who else writes there?",
            style="yellow",
        )
    for line in done.refused[:_SHOWN]:
        screen.print(f"Not loaded: {line}.", style="red")
    if len(done.refused) > _SHOWN:
        screen.print(f"And {len(done.refused) - _SHOWN:,} lines more; --json tells all.", style="red")
