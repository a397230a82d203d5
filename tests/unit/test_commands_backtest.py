"""`behoudlijn backtest`: what its options mean."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from streams.commands import backtest
from tests.builders import HOUR, START, call, iso


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock shows nine hours more than UTC."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
def test_as_of_is_in_utc_wherever_the_machine_is(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    known, later = call(START).record.value, call(START + 2 * HOUR).record.value
    assert known is not None
    assert later is not None
    events.write_bytes(known + b"\n" + later + b"\n")
    app = typer.Typer()
    backtest.register(app)
    as_of = iso(START)[:19]
    done = CliRunner().invoke(app, [str(events), "--as-of", as_of, "--summary-json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.output)
    assert (summary["events"], summary["rejected"]) == (2, 1)
