"""The command line: `behoudlijn`. Owns which commands there are; each lives in a module of `streams.commands`.

Images hold no embedded stack (`deploy.embedded`), and then no command that starts one.
"""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import typer

COMMANDS: Final = (
    "worker",
    "stack",
    "topics",
    "clickhouse",
    "sources",
    "convert",
    "check",
    "backtest",
    "explain",
    "policy",
    "phrases",
    "schemas",
    "dead_letters",
    "erase",
    "dial",
    "info",
)


def build() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        name="behoudlijn",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Reach a dissatisfied customer before that customer calls to cancel.",
    )
    for name in COMMANDS:
        if name == "stack" and find_spec("deploy.embedded") is None:
            continue
        import_module(f"streams.commands.{name}").register(app)
    return app


def main() -> None:
    """Entry point of the console script."""
    try:
        build()()
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
