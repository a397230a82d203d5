"""`behoudlijn explain --file`: lines that are no events cost no others."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from streams.cli import build
from tests.builders import DAY, HOUR, START, call, cancellation, iso, outcome, profile


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


def test_who_is_barred_is_said_and_who_is_not_any_more_is_not(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    left = [
        cancellation(START, "requested", contract_id="A", whole_relation=False),
        cancellation(START + HOUR, "confirmed"),
        outcome(START + 2 * HOUR, "DO_NOT_CALL"),
    ]
    back = profile(START + DAY, customer_since=iso(START + DAY), consented_at=iso(START + DAY))

    def told(*steps: object) -> str:
        events.write_bytes(b"".join((each.record.value or b"") + b"\n" for each in steps))  # type: ignore[attr-defined]
        done = CliRunner(env={"COLUMNS": "200"}).invoke(build(), ["explain", "c1", "--file", str(events)])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "objected to calls, the relation is ended" in told(*left)
    assert "requested (one contract) 2026-09-07 08:00:00, confirmed 2026-09-07 09:00:00" in told(*left)
    assert "not to be called" not in told(*left, back)
