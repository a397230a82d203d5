"""`behoudlijn explain --file`: lines that are no events cost no others."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from streams.cli import build
from tests.builders import DAY, HOUR, START, call


def test_lines_that_are_no_events_are_counted_and_left_out(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    far = call(START + 40_000 * DAY).record.value or b""
    good = [call(START + n * HOUR, resolved=False).record.value or b"" for n in range(2)]
    events.write_bytes(b"\n".join([far, good[0], b"{broken", b'{"type": "call"}', good[1]]) + b"\n")
    done = CliRunner().invoke(build(), ["explain", "c1", "--file", str(events)])
    assert done.exit_code == 0, done.output
    assert "3 lines are no events, and are left out" in done.stderr
    assert done.stdout.count("unresolved") >= 2
    assert "silent for a whole horizon" not in done.stdout
