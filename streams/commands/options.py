"""Options that several commands share, and how a command ends when the user made a mistake. Decides nothing
else.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, TypeVar, cast

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from streams.cluster.topic_reader import BrokerError
from streams.core.erasure import ErasureError
from streams.core.state import UnknownVersionError
from streams.documents import DocumentError
from streams.files.ndjson import STDIN, InputError
from streams.files.spill import SpillError
from streams.settings import Settings, SettingsError, load_settings
from streams.state.changelog import ChangelogError
from streams.state.recovery import RecoveryError

Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", help="Brokers, host:port,…; default BEHOUDLIJN_KAFKA_BOOTSTRAP.")
]

OUT_HELP = "File to write, packed when it ends in .gz; `-` for standard output."

_MISTAKES = (
    BrokerError,
    ChangelogError,
    ErasureError,
    InputError,
    DocumentError,
    RecoveryError,
    SettingsError,
    SpillError,
    UnknownVersionError,
)
ItemT = TypeVar("ItemT")


def settings_of(bootstrap: str | None, **more: Any) -> Settings:
    """Return the settings of this process, with the options that were given. Raises SettingsError."""
    given = {"kafka_bootstrap": bootstrap, **more}
    return load_settings(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def one_line(command: str) -> Iterator[None]:
    """End with exit code 2 and what to do, without a traceback, when the user or the surroundings are
    wrong.
    """
    try:
        yield
    except _MISTAKES as error:
        fail(command, "; ".join(str(error).splitlines()))


def fail(command: str, message: str) -> None:
    """One line on standard error, and exit code 2."""
    typer.echo(f"{command}: {message}", err=True)
    raise typer.Exit(2) from None


def refuse_overwriting(command: str, files: Iterable[str], outputs: Iterable[Path]) -> None:
    """End the command when a file that it would write is one that it reads, or writes twice."""
    written = [path for path in outputs if path != Path(STDIN) and (path.is_file() or not path.exists())]
    for number, path in enumerate(written):
        if path in written[:number]:
            fail(command, f"{path}: it would be written twice; name another file")
        if path.exists() and any(Path(file).exists() and path.samefile(file) for file in files):
            fail(command, f"{path}: it is read, and would be overwritten; name another file")


def spinner() -> Progress:
    """Return the progress of work whose length is not known, on standard error where that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} {task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def write_lines(command: str, path: str, lines: Iterable[bytes]) -> None:
    """Write lines, with their ends, to a file, packed when its name ends in .gz, or to standard output for `-`."""
    try:
        with _output(command, path) as stream:
            stream.writelines(lines)
    except BrokenPipeError:  # the reader has gone
        raise
    except OSError as error:
        where = "standard output" if path == STDIN else path
        fail(command, f"{where}: cannot be written to its end: {error.strerror or error}")


@contextmanager
def _output(command: str, path: str) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()  # a reader that has gone is found here, not after the command
        return
    try:
        raw = Path(path).open("wb")  # noqa: SIM115 - closed below
    except OSError as error:
        fail(command, f"{path}: cannot be written: {error.strerror or error}")
    with raw:
        if path.endswith(".gz"):
            # Neither name nor time in the header, so that equal events are equal files.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
                yield cast("IO[bytes]", packed)
        else:
            yield raw


def counted(items: Iterable[ItemT], progress: Progress, what: str) -> Iterator[ItemT]:
    """Yield the items, and show how many there were."""
    task = progress.add_task(what, total=None)
    number = 0
    for number, item in enumerate(items, 1):
        yield item
        if number % 1_000 == 0:
            progress.update(task, completed=number)
    progress.update(task, completed=number)
