"""Options that several commands share, and what they do with them: settings, progress, files written. Decides nothing else."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, TypeVar, cast

import typer

from streams.commands.ending import cannot_write, fail
from streams.commands.screen import Screen

if TYPE_CHECKING:
    from rich.progress import Progress

    from streams.settings import Settings

Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", help="Brokers, host:port,…; default BEHOUDLIJN_KAFKA_BOOTSTRAP.")
]

OUT_HELP = "File to write, packed when it ends in .gz; `-` for standard output."

STDIO: Final = "-"
"""Standard input, or output, where a file is named."""
ItemT = TypeVar("ItemT")


def _on_stderr(sentence: str) -> None:
    typer.echo(sentence, err=True)


def settings_of(bootstrap: str | None, *, tell: Callable[[str], None] = _on_stderr, **more: Any) -> Settings:
    """Return the settings of this process, with the options that were given. `tell` hears of variables without effect. Raises
    SettingsError.
    """
    from streams.settings import load_settings

    given = {"kafka_bootstrap": bootstrap, **more}
    return load_settings(tell=tell, **{name: value for name, value in given.items() if value is not None})


def ask(yes: bool, question: str) -> None:
    """Ask before something is changed, unless `yes` was given; end the command when the answer is no, or nobody is there."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail("nobody is there to be asked: give --yes")
    if not typer.confirm(question):
        fail("nothing was changed")


def refuse_overwriting(files: Iterable[str], outputs: Iterable[Path]) -> None:
    """End the command when a file that it would write is one that it reads, or writes twice."""
    written = [path for path in outputs if path != Path(STDIO) and (path.is_file() or not path.exists())]
    for number, path in enumerate(written):
        if path in written[:number]:
            fail(f"{path}: it would be written twice; name another file")
        if path.exists() and any(Path(file).exists() and path.samefile(file) for file in files):
            fail(f"{path}: it is read, and would be overwritten; name another file")


def spinner() -> Progress:
    """Return the progress of work whose length is not known, on standard error where that is a terminal."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Screen(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} {task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def write_lines(path: str, lines: Iterable[bytes]) -> None:
    """Write lines, with their ends, to a file, packed when its name ends in .gz, or to standard output for `-`."""
    try:
        with _output(path) as stream:
            stream.writelines(lines)
    except BrokenPipeError:  # the reader has gone
        raise
    except OSError as error:
        raise cannot_write("standard output" if path == STDIO else path, error) from None


@contextmanager
def _output(path: str) -> Iterator[IO[bytes]]:
    if path == STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()  # a reader that has gone is found here, not after the command
        return
    with Path(path).open("wb") as raw:
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
