"""How a command ends: whatever happens in it becomes a sentence on standard error and a code of `telemetry.exit_codes`.

Owns the one place where failures become codes; a command raises, and says nothing of codes but where it has found what it was
asked for to be incomplete or refused.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from streams.telemetry.exit_codes import ExitCode, code_of

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What a write says that will find no room either when it is tried again."""


class CommandError(Exception):
    """A command cannot do what it was asked for; `code` says of which kind that is."""

    def __init__(self, message: str, code: ExitCode = ExitCode.MISTAKE) -> None:
        super().__init__(message)
        self.code = code


def fail(message: str, code: ExitCode = ExitCode.MISTAKE) -> NoReturn:
    """End the command with a sentence that says what is wrong and what to do."""
    raise CommandError(message, code)


def end(code: int) -> NoReturn:
    """End the command, which has said all, with a code."""
    raise typer.Exit(code)


def cannot_write(path: object, error: OSError) -> CommandError:
    """Return what to raise when a file, or what `path` names, cannot be opened for writing or takes no more."""
    code = ExitCode.UNWRITTEN if error.errno in _NO_ROOM else ExitCode.MISTAKE
    return CommandError(f"{path}: cannot be written: {error.strerror or error}", code)


@contextmanager
def ended(name: Callable[[], str]) -> Iterator[None]:
    """Run a command, whose name is asked for when something has to be told; only typer's own exceptions come out."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # a reader that has gone, or a full disk, is found here and not after the last word
    except BrokenPipeError:
        _give_up_output()
        raise typer.Exit(ExitCode.READER_GONE) from None
    except CommandError as error:
        _tell(name(), str(error))
        raise typer.Exit(error.code) from None
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # the help is printed by a console of typer's own
            raise typer.Exit(ExitCode.READER_GONE) from None
        raise
    except (typer.Exit, typer.Abort, TyperException):
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told, and the code says what it was)
        raise typer.Exit(_told(name(), error)) from None


def _told(name: str, error: Exception) -> ExitCode:
    code = code_of(error)
    if code is ExitCode.BUG and isinstance(error, OSError):
        if error.filename is None and error.errno in _NO_ROOM:
            _give_up_output()
            _tell(name, f"the output cannot be written to its end: {error.strerror or error}")
            return ExitCode.UNWRITTEN
        if error.filename is not None:
            _tell(name, f"{os.fsdecode(error.filename)}: {error.strerror or error}")
            return ExitCode.UNWRITTEN if error.errno in _NO_ROOM else ExitCode.MISTAKE
    if code is ExitCode.BUG:
        from streams.telemetry.failure import frames, reason

        _tell(name, frames(error) + reason(error))
    else:
        _tell(name, str(error))
    return code


def _tell(name: str, message: str) -> None:
    with suppress(OSError):  # nobody may hear it: the code still tells
        for line in message.splitlines() or [""]:
            typer.echo(f"{name}: {line}", err=True)


def _give_up_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter would complain of it at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
