"""`behoudlijn convert`: events from what other systems export, by a mapping. It shows what `streams.conversion` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from streams.commands.ending import cannot_write, end, fail
from streams.commands.options import (
    OUT_HELP,
    STDIO,
    refuse_overwriting,
    settings_of,
    spinner,
    write_lines,
)
from streams.files.rejections import MOST_REJECTED
from streams.telemetry.amounts import amount
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from streams.conversion.refusals import Refusal
    from streams.conversion.run import Counts
    from streams.mappings.language import Mapping


def register(app: typer.Typer) -> None:
    """Add `convert` to the command line."""
    app.command()(convert)


def share_of(text: str) -> float:
    """Return a share (0-1) that is written as `1%` or `0.01`. Raises BadParameter."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise typer.BadParameter("a share is expected, such as 1% or 0.01", param_hint="--max-rejected")
    return share


MappingName = Annotated[
    str, typer.Argument(help="A built-in mapping's name, or a mapping file.", metavar="MAPPING")
]


def convert(
    mapping: MappingName,
    files: Annotated[
        list[str], typer.Argument(help="What was exported, plain, gzip or zstd; `-` for standard input.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", help=OUT_HELP)] = STDIO,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Write the records that are refused here, as NDJSON with file, line and reason."),
    ] = None,
    unfinished: Annotated[
        Path | None,
        typer.Option(
            help="Write the records of contacts that have no end yet here: give the file first the next time."
        ),
    ] = None,
    max_rejected: Annotated[
        str,
        typer.Option(
            help="With a larger share of records refused nothing is written, and the exit code is 3."
        ),
    ] = f"{MOST_REJECTED:.0%}",
) -> None:
    """Turn what another system exports into events, NDJSON in the order of time, by a mapping (docs/mappings.md).

    Example: behoudlijn convert asterisk-queue-log queue_log --out events.ndjson.gz
    """
    from streams.conversion.corrections import Corrections
    from streams.conversion.run import Conversion
    from streams.files.garbage import seldom_collected
    from streams.files.sorting import Sorter
    from streams.mappings import load_mapping

    most = share_of(max_rejected)
    chosen = load_mapping(mapping)
    if unfinished is not None and not _resumable(chosen):
        fail(
            f"--unfinished: {chosen.name} joins no records, or its records cannot be told one by one as text"
        )
    outputs = [Path(out), *filter(None, (rejects, unfinished))]
    refuse_overwriting([*files, mapping], outputs)
    encoding = chosen.records.encoding if chosen.records.format == "csv" else "utf-8"
    with Sorter() as sorter, Corrections() as corrections:
        with (
            _kept(rejects, unfinished, encoding) as (refuse, later),
            spinner() as progress,
            seldom_collected(),
        ):
            unrevised = any((part.revision or chosen.revision) is None for part in chosen.events)
            conversion = Conversion(chosen, mapping_key(), refuse, later)
            task = progress.add_task("records read", total=None)
            for converted in conversion.events(files):
                sorter.add(converted.made)
                if unrevised:
                    corrections.add(converted.made.event_id)
                if len(sorter) % 1_000 == 0:
                    progress.update(task, completed=conversion.counts.records)
        counts = conversion.counts
        for sentence in (*record_sentences(counts), *counts.rejections.sentences()):
            typer.echo(f"convert: {sentence}", err=True)
        if counts.rejected_share > most or not counts.events:
            _give_up(counts, most, rejects)
        write_lines(out, corrections.latest(sorter))
        if corrections.left_out:
            typer.echo(
                f"convert: left out, since a later record tells the event anew, at an earlier time: {amount(corrections.left_out, 'event')}",
                err=True,
            )


def mapping_key() -> bytes:
    """Return the key of hashed customers; empty when none is set."""
    return settings_of(None).mapping_key.get_secret_value().encode()


def record_sentences(counts: Counts) -> Iterator[str]:
    """Yield what became of the records, a sentence each, but for the refused ones."""
    yield f"{amount(counts.records, 'record')}, {amount(counts.events, 'event')}"
    if counts.passed_over:
        yield f"passed over, since the mapping has no event for them: {amount(counts.passed_over, 'record')}"
    if counts.unfinished:
        contacts, records = counts.unfinished_contacts, counts.unfinished
        yield (
            f"unfinished: {amount(contacts, 'contact')} ({amount(records, 'record')}) without an end, or a beginning, in these files; "
            "--rejects lists them, --unfinished keeps them for the next time"
        )


def _give_up(counts: Counts, most: float, rejects: Path | None) -> NoReturn:
    if not counts.events:
        typer.echo("convert: no record gives an event, and nothing was written", err=True)
    else:
        more = f"; all are in {rejects}" if rejects is not None else "; --rejects FILE lists them all"
        typer.echo(
            f"convert: {counts.rejected_share:.1%} of the records are refused, more than {most:.1%}, and nothing was "
            f"written{more}; --max-rejected lets more pass",
            err=True,
        )
    end(ExitCode.REFUSED)


def _resumable(mapping: Mapping) -> bool:
    records = mapping.records
    table = records.format == "csv" and not records.header_expected and not records.skip_rows
    text = table or (records.format == "json" and records.path is None)
    return mapping.session is not None and text


@contextmanager
def _kept(
    rejects: Path | None, unfinished: Path | None, encoding: str
) -> Iterator[tuple[Callable[[Refusal], object] | None, Callable[[str], object] | None]]:
    """Give what takes refused records, and those to be read again, while their files are open. `encoding`: of the latter."""
    import orjson

    at = "--rejects, --unfinished"
    try:
        with ExitStack() as files:
            kept = None if rejects is None else files.enter_context(rejects.open("wb"))
            later = None
            if unfinished is not None:
                text = unfinished.open("w", encoding=encoding, errors="surrogateescape", newline="")
                later = files.enter_context(text)

            yield (
                None if kept is None else lambda refusal: kept.write(orjson.dumps(_reject(refusal)) + b"\n"),
                None if later is None else lambda text: later.write(text + "\n"),
            )
    except OSError as error:
        raise cannot_write(error.filename or at, error) from None


def _reject(refusal: Refusal) -> dict[str, object]:
    return {
        "file": _sayable(refusal.file),
        "line": refusal.number,
        "reason": refusal.code,
        "message": refusal.message,
        "record": _sayable(refusal.raw),
    }


def _sayable(text: str) -> str:
    """Return a text in which bytes that are no text are written out, since JSON takes none."""
    return text.encode("utf-8", "backslashreplace").decode()
