"""`behoudlijn info`: which Behoudlijn runs here, and on what. It asks the installation and nothing beyond: no setting, no
environment, no network.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import typer

import schemas
import sinks
import streams
from streams.commands.ending import fail
from streams.commands.screen import Screen
from streams.telemetry.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

PACKAGES: Final = (
    "aiokafka", "clickhouse-connect", "confluent-kafka", "faust-streaming", "holidays", "kafka-python", "orjson", "phonenumbers",
    "pydantic", "tzdata", "uvloop",
)  # fmt: skip
"""What decides how records are read, judged and written. confluent-kafka is librdkafka, which no worker needs."""


class Installation(NamedTuple):
    """What runs here. A package that is absent has no version."""

    version: str
    python: str
    platform: str
    core: Literal["compiled", "plain"]
    compiled_modules: list[str]
    packages: dict[str, str | None]
    codecs: dict[str, bool]
    """By name, whether both Kafka clients can read records written with it."""
    policies: dict[str, str]
    """The label of each packaged policy, by its name."""


def register(app: typer.Typer) -> None:
    """Add `info` to the command line."""
    app.command()(info)


def info(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, nothing else.")] = False,
    require_compiled: Annotated[
        bool, typer.Option("--require-compiled", help="End with exit code 78 when the core is plain Python.")
    ] = False,
) -> None:
    """Say which Behoudlijn runs here: version, Python, compiled core or plain, libraries, codecs, policies.

    Example: behoudlijn info --json
    """
    import orjson

    from streams.core import engine

    found = installation()
    if json:
        typer.echo(orjson.dumps(found._asdict(), option=orjson.OPT_INDENT_2))
    else:
        Screen().print(_table(found))
    if require_compiled and found.core != "compiled":
        fail(
            f"the core is plain Python: {engine.__file__}; install a compiled wheel (`make wheels`)",
            ExitCode.MISFIT,
        )


def installation() -> Installation:
    """Look at what is installed. Reads the packages' directories and the packaged policies."""
    from streams.cluster import codecs
    from streams.policies import built_in, load_policy
    from streams.telemetry.release import core_is_compiled, version_of

    unreadable = codecs.missing()
    return Installation(
        version=version_of("behoudlijn") or "not installed",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=f"{platform.system()} {platform.machine()}",
        core="compiled" if core_is_compiled() else "plain",
        compiled_modules=list(compiled_modules()),
        packages={name: version_of(name) for name in PACKAGES},
        codecs={name: name not in unreadable for name in codecs.NEEDS},
        policies={name: load_policy(name).label for name in built_in()},
    )


def compiled_modules() -> Iterator[str]:
    """Yield the modules of ours that this Python loads as machine code, in the order of their names."""
    for package in (schemas, sinks, streams):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.so")):
            name, _, suffix = path.name.partition(".")
            if f".{suffix}" in EXTENSION_SUFFIXES:  # not one that was built for another Python
                yield ".".join((*path.relative_to(root.parent).parts[:-1], name))


def _table(found: Installation) -> Table:
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_row("behoudlijn", found.version)
    table.add_row("Python", f"{found.python}, {found.platform}")
    table.add_row("core", "plain Python" if found.core == "plain" else "compiled")
    if found.compiled_modules:
        table.add_row("compiled", ", ".join(found.compiled_modules))
    for name, number in found.packages.items():
        table.add_row(name, number or "absent")
    unreadable = [name for name, readable in found.codecs.items() if not readable]
    told = f"; not {', '.join(unreadable)}" if unreadable else ""
    table.add_row("codecs", ", ".join(name for name, readable in found.codecs.items() if readable) + told)
    table.add_row("policies", "\n".join(found.policies.values()))
    return table
