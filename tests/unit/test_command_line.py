"""The command line loads what is asked for: neither the list of commands nor any help brings the clients of Kafka and ClickHouse along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from streams.cli import COMMANDS, build

ROOT: Final = Path(__file__).resolve().parents[2]
HEAVY: Final = (
    "aiohttp", "aiokafka", "babel", "chdb", "clickhouse_connect", "confluent_kafka", "faust", "fluent", "kafka", "mode", "openpyxl",
    "prometheus_client", "pyarrow", "structlog", "uvloop",
)  # fmt: skip
MODELS: Final = ("streams.core.policy", "streams.mappings.language", "streams.settings")
LEAVES: Final = [[name, *filter(None, [sub])] for name, entry in COMMANDS.items() for sub in entry.codes]
PROGRAM: Final = """
import contextlib, io, json, sys
from streams.cli import build
before = sorted(sys.modules)
for arguments in json.loads(sys.argv[1]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        build()(arguments)
json.dump([before, sorted(sys.modules)], sys.stdout)
"""


def loaded(*commands: list[str]) -> tuple[set[str], set[str]]:
    """The modules that stand in memory with the command line, and after these commands."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    before, after = json.loads(done.stdout)
    return set(before), set(after)


def of(modules: set[str], names: tuple[str, ...]) -> set[str]:
    return {name for name in names if any(f"{each}.".startswith(f"{name}.") for each in modules)}


def test_the_list_of_commands_loads_none_of_them() -> None:
    before, after = loaded(["--help"])
    assert of(before, (*HEAVY, *MODELS, "rich", "pydantic")) == set()
    assert of(after, (*HEAVY, *MODELS, "pydantic")) == set()
    assert {f"streams.commands.{entry.module}" for entry in COMMANDS.values()} & after == set()


def test_no_help_loads_a_client_or_a_model() -> None:
    _, after = loaded(*([*leaf, "--help"] for leaf in LEAVES))
    assert of(after, (*HEAVY, *MODELS)) == set()
    assert {f"streams.commands.{entry.module}" for entry in COMMANDS.values()} <= after


def test_what_asks_nobody_loads_no_client(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_text("{}\n")
    _, after = loaded(
        ["policy", "list"],
        ["policy", "check", "default"],
        ["policy", "show", "default"],
        ["check", str(events)],
        ["convert", "calls-table", str(events)],
        ["schemas", "export", str(tmp_path / "schemas")],
        ["simulate", "--customers", "2", "--out", str(tmp_path / "quarter.ndjson")],
    )
    assert of(after, HEAVY) == set()


@pytest.mark.parametrize(("typed", "meant"), [("polciy", "policy"), ("dead-letter", "dead-letters")])
def test_a_command_that_there_is_not_is_told_with_the_one_that_is_meant(typed: str, meant: str) -> None:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(build(), [typed])
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_of_the_list_fits_80_columns(name: str) -> None:
    listed = CliRunner(env={"COLUMNS": "80"}).invoke(build(), ["--help"]).stdout
    [line] = [line for line in listed.splitlines() if line.startswith(f"│ {name} ")]
    assert COMMANDS[name].meaning in line
