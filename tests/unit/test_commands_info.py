"""`behoudlijn info`: what it says is what is installed, and nothing of settings or surroundings."""

from __future__ import annotations

import json
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sinks
import streams
from streams.cli import build
from streams.cluster import codecs
from streams.commands import info
from streams.core import engine
from streams.policies import built_in, load_policy
from streams.telemetry.exit_codes import ExitCode

COMPILED = not engine.__file__.endswith(".py")
"""`make test-compiled` runs these tests too."""


def said(*options: str) -> str:
    result = CliRunner().invoke(build(), ["info", *options])
    assert result.exit_code == 0, result.output
    return result.output


def a_package(directory: Path, *modules: str) -> Path:
    """A package that holds these files, all of them empty."""
    for module in modules:
        (directory / module).parent.mkdir(parents=True, exist_ok=True)
        (directory / module).touch()
    return directory


def test_json_says_which_core_libraries_codecs_and_policies() -> None:
    found = json.loads(said("--json"))
    assert found["core"] == ("compiled" if COMPILED else "plain")
    assert ("streams.core.engine" in found["compiled_modules"]) == COMPILED
    assert found["packages"]["aiokafka"].startswith("0.")
    assert set(found["codecs"]) == set(codecs.NEEDS)
    assert found["policies"] == {name: load_policy(name).label for name in built_in()}


def test_the_table_says_the_same() -> None:
    shown = said()
    assert ("plain Python" in shown) != COMPILED
    assert all(load_policy(name).label in shown for name in built_in())


def test_no_variable_of_the_environment_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SASL_PASSWORD", "not-to-be-seen")
    assert "not-to-be-seen" not in said() + said("--json")


def test_a_codec_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "missing", lambda: {"zstd": ["cramjam"]})
    assert json.loads(said("--json"))["codecs"]["zstd"] is False
    assert "; not zstd" in said()


def test_who_requires_a_compiled_core_is_told_of_a_plain_one() -> None:
    result = CliRunner().invoke(build(), ["info", "--require-compiled"])
    assert result.exit_code == (ExitCode.DONE if COMPILED else ExitCode.MISFIT)
    assert ("make wheels" in result.output) != COMPILED


@pytest.mark.skipif(COMPILED, reason="there are real ones")
def test_compiled_modules_are_those_of_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, foreign = EXTENSION_SUFFIXES[0], ".cpython-27-x86_64-linux-gnu.so"
    root = a_package(tmp_path / "streams", f"core/engine{ours}", f"core/merge{foreign}", "core/hours.py")
    monkeypatch.setattr(streams, "__path__", [str(root)])
    monkeypatch.setattr(sinks, "__path__", [str(a_package(tmp_path / "sinks", f"rows{ours}"))])
    assert list(info.compiled_modules()) == ["sinks.rows", "streams.core.engine"]
