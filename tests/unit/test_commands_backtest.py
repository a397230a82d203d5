"""`behoudlijn backtest`: what its options mean."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.cli import build
from streams.files.backtest import backtest as decided
from streams.files.ndjson import Line
from streams.policies import load_policy
from streams.telemetry.exit_codes import ExitCode
from tests.builders import HOUR, START, call, cancellation, iso, profile, survey

OUTPUTS = ("--triggers-out", "--releases-out")


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
    as_of = iso(START)[:19]
    done = invoke(str(events), "--as-of", as_of, "--summary-json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.output)
    assert (summary["events"], summary["rejected"]) == (2, 1)


@pytest.mark.parametrize("turned", [False, True])
def test_who_cancelled_by_mistake_did_not(turned: bool) -> None:
    """As in the views of the sink, whichever line comes first; without a revision the later line counts."""
    step = partial(cancellation, START, event_id="x")
    pairs = {
        "mistaken": [step(), step("inquiry", revised_at=iso(START))],
        "left": [step("inquiry"), step(revised_at=iso(START))],
        "the later line": [step(), step("inquiry")],
    }
    for name, pair in pairs.items():
        values = [each.record.value or b"" for each in (pair[::-1] if turned else pair)]
        found = decided(
            [Line("file", place, value) for place, value in enumerate(values)], load_policy("default")
        )
        assert found.summary.cancelled_customers == (name == "left" or (turned and name == "the later line"))


def test_who_ends_one_contract_of_several_has_not_cancelled(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    steps = [
        cancellation(START, "confirmed", customer="c1", contract_id="A", whole_relation=False),
        cancellation(START, "confirmed", customer="c2", contract_id="A"),
        cancellation(START + HOUR, "reinstated", customer="c2"),
    ]
    events.write_bytes(b"".join((each.record.value or b"") + b"\n" for each in steps))
    found = json.loads(invoke(str(events), "--summary-json").output)
    assert (found["customers"], found["cancelled_customers"]) == (2, 1)


def test_lines_that_are_no_events_are_told_with_their_reason_and_end_with_3(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_bytes(b"customer;date\n1;2026-01-01\n" + (call(START).record.value or b"") + b"\n")
    done = invoke(str(events))
    assert done.exit_code == 3
    assert "rejected as not_json: 2" in done.output
    assert "events.csv:1: " in done.output
    assert "behoudlijn check" in done.output


def test_an_event_far_in_the_future_is_rejected_and_the_rest_is_judged(tmp_path: Path) -> None:
    """It used to move the clock, so that everything after it was beyond the horizon."""
    events = tmp_path / "events.ndjson"
    far = call(START + 400_000 * HOUR).record.value or b""
    rest = [call(START + n * HOUR, resolved=False).record.value or b"" for n in range(-200, 0)]
    events.write_bytes(b"\n".join([far, *rest]) + b"\n")
    done = invoke(str(events), "--policy", "four-unresolved-calls", "--summary-json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.output)
    assert (summary["rejected"], summary["reasons"]) == (1, {"future_dated": 1})
    assert summary["triggers"] == 1


def invoke(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(build(), ["backtest", *arguments])


def test_the_head_is_that_of_check(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    good = [call(START + n * HOUR).record.value or b"" for n in range(300)]
    events.write_bytes(b"\n".join([b"{", *good, good[0]]) + b"\n")
    head = CliRunner(env={"COLUMNS": "200"}).invoke(build(), ["check", str(events)]).stdout
    found = invoke(str(events))
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith(head)
    assert "duplicates: the same once more │ 1" in head
    assert "Backtest by default" in found.stdout.removeprefix(head)


def test_triggers_are_written_one_a_line(tmp_path: Path) -> None:
    events, triggers = tmp_path / "events.ndjson", tmp_path / "triggers.ndjson"
    events.write_bytes(
        b"".join((call(START + n * HOUR, resolved=False).record.value or b"") + b"\n" for n in range(200))
    )
    options = [str(events), "--policy", "four-unresolved-calls", "--triggers-out"]
    assert invoke(*options, str(triggers)).exit_code == 0
    [first, *_] = triggers.read_text().splitlines()
    assert json.loads(first)["status"] == "open"


@pytest.mark.parametrize("option", OUTPUTS)
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, option: str) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(requested(300))
    for path, reason, code in (
        ("/dev/full", "No space left", ExitCode.UNWRITTEN),
        (str(tmp_path / "no" / "x"), "No such file", ExitCode.MISTAKE),
    ):
        told = invoke(str(events), option, path)
        assert told.exit_code == code
        assert told.stderr.startswith(f"backtest: {path}: cannot be written: {reason}")


def requested(number: int) -> bytes:
    """Customers who ask for a callback, an hour after one another."""
    asked = [
        survey(START + n * HOUR, customer=f"c{n}", event_id=f"s{n}", csat=3, callback_requested=True)
        for n in range(number)
    ]
    return b"".join((each.record.value or b"") + b"\n" for each in asked)


def test_what_became_of_each_trigger_is_written_by_when_it_was_decided(tmp_path: Path) -> None:
    events, releases = tmp_path / "events.ndjson", tmp_path / "releases.ndjson"
    homes = [profile(START - HOUR, customer=f"c{n}", event_id=f"p{n}", country_code="NL") for n in range(4)]
    events.write_bytes(b"".join((each.record.value or b"") + b"\n" for each in homes) + requested(4))
    done = invoke(str(events), "--releases-out", str(releases), "--summary-json")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in releases.read_text().splitlines()]
    assert [row["customer_id"] for row in rows] == ["c0", "c1", "c2", "c3"]
    assert list(rows[0]) == [
        *("trigger_id", "customer_id", "skill", "purpose"),
        *("decided_at", "released_at", "status", "reason"),
    ]
    first, *_, last = rows
    assert (first["decided_at"], first["released_at"]) == ("2026-09-07T08:00:00Z", "2026-09-07T08:00:00Z")
    assert (first["skill"], first["purpose"]) == ("callback", "requested_callback")
    assert last["status"] == "open"
    summary = json.loads(done.output)
    assert (summary["candidates"], summary["released"], summary["open_released"]) == (4, 4, 4)
    assert summary["never_released"] == {}
    shown = invoke(str(events)).stdout
    assert "open released" in shown
    assert "candidates" in shown


def test_why_something_never_went_out_is_shown_by_reason(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(
        requested(2) + (profile(START, customer="c9", phone_e164="+31201234567").record.value or b"")
    )
    assert "never released: no number" in invoke(str(events)).stdout


def test_what_became_of_triggers_is_asked_of_a_policy_with_a_desk(tmp_path: Path) -> None:
    events, policy = tmp_path / "events.ndjson", tmp_path / "policy.yaml"
    events.write_bytes(requested(1))
    written = CliRunner().invoke(build(), ["policy", "show", "default", "--yaml"]).stdout
    policy.write_text(written[: written.index("\nrelease:")] + "\n")
    result = invoke(str(events), "--policy", str(policy), "--releases-out", str(tmp_path / "r"))
    assert result.exit_code == ExitCode.MISTAKE
    assert "has no `release`" in result.stderr
    assert not (tmp_path / "r").exists()
    assert invoke(str(events), "--policy", str(policy)).exit_code == 0


def test_a_file_that_breaks_off_is_told_and_leaves_no_trigger(tmp_path: Path) -> None:
    events, triggers = tmp_path / "events.gz", tmp_path / "triggers.ndjson"
    lines = b"".join((call(START + n * HOUR, resolved=False).record.value or b"") + b"\n" for n in range(200))
    events.write_bytes(gzip.compress(lines)[:-9])
    told = invoke(str(events), "--policy", "four-unresolved-calls", "--triggers-out", str(triggers))
    assert told.exit_code == 2
    assert "broken after line" in told.stderr
    assert triggers.read_bytes() == b""


@pytest.mark.parametrize("option", OUTPUTS)
def test_nothing_is_written_over_the_events(tmp_path: Path, option: str) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(b"{}\n")
    result = invoke(str(events), option, str(events))
    assert result.exit_code == 2
    assert events.read_bytes() == b"{}\n"
    assert "would be overwritten" in result.stderr


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    events, out = tmp_path / "events.ndjson", str(tmp_path / "out")
    events.write_bytes(b"{}\n")
    result = invoke(str(events), "--triggers-out", out, "--releases-out", out)
    assert result.exit_code == 2
    assert "would be written twice" in result.stderr


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_cancellation_that_is_corrected_away_is_none(tmp_path: Path, *, newest_first: bool) -> None:
    asked = cancellation(START, event_id="x", revised_at=iso(START))
    not_asked = cancellation(START, "inquiry", event_id="x", revised_at=iso(START + HOUR))
    lines = [each.record.value or b"" for each in (asked, not_asked)]
    events = tmp_path / "events.ndjson"
    events.write_bytes(b"\n".join(reversed(lines) if newest_first else lines))
    found = json.loads(invoke(str(events), "--summary-json").stdout)
    assert found["cancelled_customers"] == 0
