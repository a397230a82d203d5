"""Every road from events to people speaks: what decides is handed the catalogues, and says sentences instead of codes."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli import build
from streams.phrases import Phrases

EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "profile", "event_id": "p", "occurred_at": "2026-10-01T08:00:00Z", "language": "nl-BE"},
    {"type": "survey", "event_id": "s", "occurred_at": "2026-10-01T09:00:00Z", "csat": 1, "ces": 1, "nps": 0, "answered": False},
    {"type": "call", "event_id": "c", "occurred_at": "2026-10-01T10:00:00Z", "resolved": False},
)  # fmt: skip


@pytest.fixture
def events(tmp_path: Path) -> str:
    path = tmp_path / "events.ndjson"
    bodies = [each | {"schema_version": 1, "customer_id": "c1"} for each in EVENTS]
    path.write_bytes(b"\n".join(map(orjson.dumps, bodies)))
    return str(path)


def run(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(build(), list(arguments), env={"COLUMNS": "200", **environment})
    assert result.exit_code == 0, result.output
    return result.output


def test_a_backtest_writes_triggers_in_the_customers_language(events: str, tmp_path: Path) -> None:
    run("backtest", events, "--triggers-out", str(tmp_path / "triggers.ndjson"))
    trigger = orjson.loads((tmp_path / "triggers.ndjson").read_bytes().splitlines()[0])
    assert trigger["evidence_language"] == "nl"
    assert trigger["drivers"][0]["evidence"] == "gaf een laag cijfer voor tevredenheid"


@pytest.mark.parametrize(
    ("options", "environment", "sentence"),
    [
        ((), {}, "gave a low grade for satisfaction"),
        (("--language", "nl"), {}, "gaf een laag cijfer voor tevredenheid"),
        ((), {"BEHOUDLIJN_LANGUAGE": "nl-NL"}, "gaf een laag cijfer voor tevredenheid"),
    ],
)
def test_explain_tells_evidence_in_the_language_of_who_asks(
    events: str, options: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    assert sentence in run("explain", "c1", "--file", events, *options, **environment)


@pytest.mark.parametrize("variable", ["BEHOUDLIJN_LANGUAGE", "BEHOUDLIJN_PHRASES"])
@pytest.mark.parametrize("command", [("worker", "signals"), ("explain", "c1", "--file"), ("backtest",)])
def test_a_language_that_cannot_be_spoken_is_refused_before_anything_is_read(
    events: str, command: tuple[str, ...], variable: str
) -> None:
    files = () if command[0] == "worker" else (events,)
    result = CliRunner().invoke(build(), [*command, *files], env={variable: "xx"})
    assert result.exit_code == 2, result.output
    assert "xx" in result.stderr


def test_the_signals_worker_is_handed_the_catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []

    def instead(build: Any, *_: Any) -> int:
        built.append(build)
        return 0

    monkeypatch.setattr("streams.workers.process.run", instead)
    run("worker", "signals", BEHOUDLIJN_LANGUAGE="nl")
    wordings = [each for each in built[0].args if isinstance(each, Phrases)]
    assert [each.language(None) for each in wordings] == ["nl"]
