"""The command line: `behoudlijn`. Owns which commands there are, and that a command is loaded when it is asked for and not before:
each lives in a module of `streams.commands`, and some need what takes a second to load.

Images hold no embedded stack (`deploy.embedded`), and then no command that starts one.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from streams.commands import standard_streams
from streams.commands.ending import ended
from streams.telemetry.exit_codes import ExitCode


class Entry(NamedTuple):
    """A command, or a group of commands, of the first rank."""

    module: str
    """Of `streams.commands`; its `register` adds the command."""
    meaning: str
    """A line in the list of commands."""
    codes: dict[str, tuple[ExitCode, ...]]
    """By subcommand (empty for the command itself), with which codes it may end beside those of every command."""


ALWAYS: Final = (
    ExitCode.DONE, ExitCode.MISTAKE, ExitCode.BUG, ExitCode.UNWRITTEN, ExitCode.INTERRUPTED, ExitCode.READER_GONE,
)  # fmt: skip
"""With these any command may end."""
_KAFKA: Final = (ExitCode.UNAVAILABLE, ExitCode.MISFIT)
_STATES: Final = (ExitCode.BAD_DATA, ExitCode.UNAVAILABLE, ExitCode.BROKE_OFF, ExitCode.MISFIT)
_JUDGED: Final = (ExitCode.REFUSED,)

COMMANDS: Final[dict[str, Entry]] = {
    "worker": Entry(
        "worker",
        "Run a worker: decide on callbacks, or write to ClickHouse.",
        {"signals": _STATES, "sink": _STATES},
    ),
    "up": Entry("stack", "Start the embedded stack and keep it up until Ctrl-C.", {"": _KAFKA}),
    "demo": Entry(
        "stack",
        "Show the whole pipeline at work on a simulated quarter.",
        {"": _KAFKA},
    ),
    "topics": Entry(
        "topics",
        "Make, check, list and migrate the Kafka topics.",
        {"ensure": _KAFKA, "list": _KAFKA, "acls": (), "skip": _STATES, "migrate": _STATES},
    ),
    "state": Entry(
        "state",
        "Look at what states rest on, rebuild them, or go on with them.",
        {"check": _STATES, "repair": _STATES, "accept": _STATES},
    ),
    "clickhouse": Entry("clickhouse", "Make and update the ClickHouse tables.", {"migrate": _KAFKA}),
    "simulate": Entry(
        "sources",
        "Make up the events of a telecom's contact centre.",
        {"": _KAFKA},
    ),
    "replay": Entry(
        "sources",
        "Send the events of files to Kafka's input topics.",
        {"": (*_JUDGED, *_KAFKA)},
    ),
    "convert": Entry(
        "convert",
        "Turn what another system exports into events.",
        {"": _JUDGED},
    ),
    "check": Entry(
        "check",
        "Tell what the workers would make of files. Sends nothing.",
        {"": _JUDGED},
    ),
    "backtest": Entry(
        "backtest",
        "Judge the events of files by a policy: what would have fired.",
        {"": _JUDGED},
    ),
    "explain": Entry("explain", "Show why a customer is, or is not, to be called.", {"": _STATES}),
    "policy": Entry(
        "policy",
        "List, show and check policies: who is called, why and when.",
        {"list": (), "show": (), "check": ()},
    ),
    "phrases": Entry("phrases", "Show what agents read of each signal, in a language.", {"": ()}),
    "schemas": Entry("schemas", "Write the messages' JSON Schemas.", {"export": ()}),
    "dead-letters": Entry(
        "dead_letters",
        "Show what could not be read, and send it once more.",
        {"list": _KAFKA, "redrive": (ExitCode.INCOMPLETE, *_STATES)},
    ),
    "erase": Entry(
        "erase",
        "Erase a customer everywhere, with a receipt.",
        {"": (ExitCode.INCOMPLETE, *_STATES)},
    ),
    "objections": Entry(
        "objections",
        "Load telephone numbers at which nobody may be called.",
        {"load": (ExitCode.INCOMPLETE, *_KAFKA)},
    ),
    "dial": Entry("dial", "Simulate the calls that triggers ask for, with outcomes.", {"": _KAFKA}),
    "info": Entry(
        "info",
        "Say which Behoudlijn runs here, and on what.",
        {"": (ExitCode.MISFIT,)},
    ),
}
"""Every command, in the order of the list."""


class CommandLine(TyperGroup):
    """The group of all commands. None is loaded for the list of them, one when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands that there are here."""
        stack = find_spec("deploy.embedded") is not None
        return [name for name, entry in COMMANDS.items() if stack or entry.module != "stack"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, loaded; None when there is none of the name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        app = typer.Typer()
        import_module(f"streams.commands.{COMMANDS[cmd_name].module}").register(app)
        return get_group(app).commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with the lines of `COMMANDS`."""
        listed: dict[str, Any] = {
            name: TyperCommand(name=name, help=COMMANDS[name].meaning) for name in self.list_commands(ctx)
        }
        TyperGroup(name=self.name, commands=listed, help=self.help, params=self.params).format_help(
            ctx, formatter
        )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command of the arguments; one that there is not is told with those that it may have been."""
        self.commands = dict.fromkeys(self.list_commands(ctx))  # type: ignore[assignment]  # names, to be suggested
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Read the arguments, which may mean to print the help."""
        with ended(lambda: "behoudlijn"):
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; whatever happens ends in a sentence and a code."""
        with ended(lambda: ctx.invoked_subcommand or "behoudlijn"):
            return super().invoke(ctx)


def build() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        cls=CommandLine,
        name="behoudlijn",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Reach a dissatisfied customer before that customer calls to cancel.",
    )
    app.callback()(_whole)
    return app


def _whole() -> None:
    """Reach a dissatisfied customer before that customer calls to cancel."""


def main() -> None:
    """Entry point of the console script."""
    standard_streams.claim()
    try:
        build()(prog_name="behoudlijn")
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
