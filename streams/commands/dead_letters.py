"""`behoudlijn dead-letters`: show what could not be read, and send it once more. It shows no payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from schemas.dead_letter import DeadLetter, RejectCode
from streams.commands.ending import end, fail
from streams.commands.options import Bootstrap, settings_of
from streams.commands.screen import Screen, listing, whole, words
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from streams.operations.dead_letters import Redriven

app = typer.Typer(no_args_is_help=True, help="Show records that could not be read, and send them once more.")

_Reason = Annotated[
    str | None, typer.Option("--reason", help=f"Only this reason code: {', '.join(get_args(RejectCode))}.")
]
_Topic = Annotated[
    str | None, typer.Option("--topic", help="Only records of this topic, such as contact.calls.")
]


def register(parent: typer.Typer) -> None:
    """Add `dead-letters` to the command line."""
    parent.add_typer(app, name="dead-letters")


@app.command("list")
def list_(
    reason: _Reason = None,
    topic: _Topic = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Show so many of the newest.")] = 50,
    bootstrap: Bootstrap = None,
) -> None:
    """Show the dead letters: a count by topic and reason, then the newest.

    Example: behoudlijn dead-letters list --reason not_json --limit 20
    """
    _check(reason)
    from streams.cluster.topic_reader import TopicReader
    from streams.operations.dead_letters import Filter, read_letters

    settings = settings_of(bootstrap)
    with TopicReader(settings) as reader:
        found = read_letters(reader, settings, Filter(reason, topic))
    screen = Screen()
    if not found.letters:
        screen.print("No dead letters.")
    else:
        screen.print(_summary(found.letters))
        screen.print(_letters(found.letters[-limit:], len(found.letters)))
    _unreadable(found.unreadable)


@app.command()
def redrive(
    reason: _Reason = None,
    topic: _Topic = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Send at most so many, oldest first.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter, without a filter.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look for the originals, send nothing.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Send the originals to their topics again, with their keys: after a fix, or an upgrade that can read
    them.

    The original is taken from its topic; from the letter only when it is gone there and the letter holds it
    whole. An event that was accepted meanwhile is counted once, by its id; one that still cannot be read
    stays the dead letter that it is, with one try more. One whose customer was erased is not sent. Exit code 1 when some could not be sent.

    Example: behoudlijn dead-letters redrive --reason unknown_version --topic contact.calls
    """
    _check(reason)
    if reason is None and topic is None and not everything:
        fail("choose by --reason or --topic, or say --all")
    from streams.cluster.topic_reader import TopicReader
    from streams.operations.dead_letters import Filter, read_letters
    from streams.operations.dead_letters import redrive as redrive_letters

    settings = settings_of(bootstrap)
    with TopicReader(settings) as reader:
        found = read_letters(reader, settings, Filter(reason, topic))
        results = redrive_letters(reader, settings, found.letters[:limit], dry_run=dry_run)
    failed = [result for result in results if result.found is None and not result.erased]
    screen = Screen()
    screen.print(_outcome(results, dry_run))
    if failed:
        screen.print(_failed(failed))
    _unreadable(found.unreadable)
    if failed:
        end(ExitCode.INCOMPLETE)


def _check(reason: str | None) -> None:
    codes = get_args(RejectCode)
    if reason is not None and reason not in codes:
        fail(f"there is no reason code {reason}; there are {', '.join(codes)}")


def _unreadable(number: int) -> None:
    if number:
        said = amount(
            number, "record of the topic is no dead letter", "records of the topic are no dead letters"
        )
        typer.echo(f"{said} that this release can read.", err=True)


def _summary(letters: tuple[DeadLetter, ...]) -> Table:
    from streams.operations.dead_letters import by_reason

    table = listing(words("topic"), whole("reason"), whole("letters", right=True))
    for topic, reason, number in by_reason(letters):
        table.add_row(topic, reason, f"{number:,}")
    return table


def _letters(letters: tuple[DeadLetter, ...], total: int) -> Table:
    table = listing(
        words("arrived (UTC)", narrowest=10),
        words("where, and why", narrowest=20),
        whole("bytes", right=True),
        title=f"newest {len(letters):,} of {total:,}",
    )
    for each in letters:
        table.add_row(
            f"{each.ingested_at:%Y-%m-%d %H:%M:%S}",
            f"{each.topic}/{each.partition}/{each.offset}{_tries(each)}\n{each.reason_code}: {each.message}",
            f"{each.payload_size:,}",
        )
    return table


def _tries(letter: DeadLetter) -> str:
    return f" ({letter.tries} tries)" if letter.tries > 1 else ""


def _outcome(results: list[Redriven], dry_run: bool) -> str:
    originals = sum(result.found == "original" for result in results)
    letters = sum(result.found == "letter" for result in results)
    erased = sum(result.erased for result in results)
    verb = "would be sent" if dry_run else "sent"
    left = len(results) - originals - letters - erased
    gone = f" {erased} not sent, since their customers were erased." if erased else ""
    split = f"{originals} originals, {letters} from letters"
    return f"{originals + letters} {verb} ({split}); {left} cannot be sent.{gone}"


def _failed(failed: list[Redriven]) -> Table:
    table = listing(words("topic/partition/offset"), words("why not"))
    for letter, _, problem, _ in failed:
        table.add_row(f"{letter.topic}/{letter.partition}/{letter.offset}", problem)
    return table
