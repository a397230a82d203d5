"""`behoudlijn convert` as people run it: what it writes, says and leaves alone, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.cli import build
from streams.files import sorting
from streams.telemetry.exit_codes import ExitCode

MAPPING = """
name: t
customer: who
at: at
time_zone: Europe/Amsterdam
when: {queue: {not: [internal]}}
events: [{type: call, id: nr, fields: {queue: queue}}]
"""
HEAD = "nr,who,at,queue\n"
ROWS = [f"{number},c{number},2026-04-{number:02d} 10:00:00,q\n" for number in range(1, 31)]
LOG = """
name: log
records: {delimiter: "|", quote: none, encoding: windows-1252, columns: [at, call, event, data], ragged: true}
customer: who
at: {from: begun, format: epoch_s}
session:
  key: call
  at: {from: at, format: epoch_s}
  opens: {event: ENTER}
  closes: {event: DONE}
  fields:
    begun: {from: at, take: first}
    who: {from: data, take: first}
    queue: {from: data, take: last}
events: [{type: call, fields: {queue: queue}}]
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.yaml").write_text(MAPPING)
    Path("log.yaml").write_text(LOG)
    Path("calls.csv").write_text(HEAD + "".join(ROWS))


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(build(), ["convert", *arguments], input=given)


def events(path: str) -> list[dict[str, Any]]:
    data = Path(path).read_bytes()
    return [
        json.loads(line) for line in (gzip.decompress(data) if path.endswith(".gz") else data).splitlines()
    ]


def process(*arguments: str, **more: Any) -> subprocess.Popen[bytes]:
    home = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(home), "TMPDIR": str(Path("tmp").absolute())}
    Path("tmp").mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, "-m", "streams", "convert", *arguments], env=environment, **more)


def test_events_are_written_in_order_and_counted(tmp_path: Path) -> None:
    Path("more.csv").write_text(HEAD + "0,c0,2026-03-31 10:00:00,q\n31,c31,2026-05-01 10:00:00,Internal\n")
    told = run("m.yaml", "calls.csv", "more.csv", "--out", "out.ndjson.gz")
    assert told.exit_code == 0
    assert [event["event_id"] for event in events("out.ndjson.gz")] == [str(number) for number in range(31)]
    assert told.stderr.splitlines() == [
        "convert: 32 records, 31 events",
        "convert: passed over, since the mapping has no event for them: 1 record",
    ]
    first = Path("out.ndjson.gz").read_bytes()
    run("m.yaml", "calls.csv", "more.csv", "--out", "out.ndjson.gz")
    assert Path("out.ndjson.gz").read_bytes() == first


def test_standard_input_and_output() -> None:
    told = run("m.yaml", "-", given=(HEAD + ROWS[0]).encode())
    assert told.exit_code == 0
    assert json.loads(told.stdout)["customer_id"] == "c1"


def test_refused_records_are_kept_with_place_reason_and_text() -> None:
    bad = "99,c 9,2026-04-01 10:00:00,q"
    Path("calls.csv").write_bytes(
        (HEAD + "".join(ROWS) + bad).encode() + b"\n98,c\xff,2026-04-01 10:00:00,q\n"
    )
    told = run(
        "m.yaml", "calls.csv", "--rejects", "bad.ndjson", "--out", "out.ndjson", "--max-rejected", "10%"
    )
    assert told.exit_code == 0
    assert len(events("out.ndjson")) == 30
    one, two = events("bad.ndjson")
    assert one == {
        "file": "calls.csv", "line": 32, "reason": "invalid_customer_id", "record": bad,
        "message": "customer: 1-128 printable characters of ASCII without spaces are expected (hash, strip or lower may help)",
    }  # fmt: skip
    assert two["record"] == "98,c\\udcff,2026-04-01 10:00:00,q"
    assert "convert: rejected as invalid_customer_id: 2" in told.stderr
    assert "c 9" not in told.stderr


def test_too_many_refusals_write_nothing() -> None:
    Path("calls.csv").write_text(HEAD + "".join(ROWS) + "99,c 9,x,q\n")
    told = run("m.yaml", "calls.csv", "--rejects", "bad.ndjson", "--out", "out.ndjson")
    assert told.exit_code == 3
    assert not Path("out.ndjson").exists()
    assert (
        "3.2% of the records are refused, more than 1.0%, and nothing was written; all are in bad.ndjson"
        in told.stderr
    )
    assert len(events("bad.ndjson")) == 1
    assert run("m.yaml", "calls.csv", "--out", "out.ndjson", "--max-rejected", "0.04").exit_code == 0


@pytest.mark.parametrize("content", ["", HEAD, f"{HEAD}1,c1,2026-04-01 10:00:00,internal\n"])
def test_a_run_without_any_event_is_no_success(content: str) -> None:
    Path("calls.csv").write_text(content)
    told = run("m.yaml", "calls.csv", "--out", "out.ndjson")
    assert told.exit_code == 3
    assert "no record gives an event, and nothing was written" in told.stderr
    assert not Path("out.ndjson").exists()


@pytest.mark.parametrize("share", ["101%", "x", "-1", "nan", "1.5", ""])
def test_a_share_is_a_share(share: str) -> None:
    assert run("m.yaml", "calls.csv", "--max-rejected", share).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["m.yaml", "nowhere.csv"], "nowhere.csv: cannot be read: No such file or directory"),
        (["m.yaml", "."], ".: cannot be read: Is a directory"),
        (["nowhere", "calls.csv"], "nowhere: no such mapping or file; built in: "),
        (
            ["m.yaml", "calls.csv", "--out", "nowhere/x"],
            "nowhere/x: cannot be written: No such file or directory",
        ),
        (
            ["m.yaml", "calls.csv", "--rejects", "nowhere/x"],
            "nowhere/x: cannot be written: No such file or directory",
        ),
        (
            ["m.yaml", "calls.csv", "--rejects", "calls.csv"],
            "calls.csv: it is read, and would be overwritten",
        ),
        (["m.yaml", "calls.csv", "--out", "./calls.csv"], "calls.csv: it is read, and would be overwritten"),
        (["m.yaml", "calls.csv", "--rejects", "x", "--out", "x"], "x: it would be written twice"),
        (["m.yaml", "calls.csv", "--unfinished", "x"], "--unfinished: t joins no records"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: list[str], said: str) -> None:
    Path("bad.csv").write_text(HEAD + "x,y,z,q\n" * 2_000)
    before = Path("calls.csv").read_text()
    told = run(*arguments)
    assert told.exit_code == 2
    assert said in told.stderr.splitlines()[-1]
    assert told.stderr.splitlines()[-1].startswith("convert: ")
    assert Path("calls.csv").read_text() == before


@pytest.mark.parametrize("arguments", [["calls.csv", "--out"], ["bad.csv", "--rejects"]])
def test_a_full_disk_is_told(arguments: list[str]) -> None:
    Path("bad.csv").write_text(HEAD + "x,y,z,q\n" * 2_000)
    told = run("m.yaml", *arguments, "/dev/full")
    assert told.exit_code == ExitCode.UNWRITTEN
    assert "cannot be written: No space left on device" in told.stderr.splitlines()[-1]


def test_a_full_disk_while_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sorting, "TemporaryFile", full)
    monkeypatch.setattr(sorting.Sorter.__init__, "__defaults__", (1,))
    told = run("m.yaml", "calls.csv", "--out", "out.ndjson")
    assert told.exit_code == ExitCode.UNWRITTEN
    assert "No space left on device. Make room, or set TMPDIR" in told.stderr
    assert not Path("out.ndjson").exists()


def test_a_file_that_is_broken_writes_nothing() -> None:
    Path("calls.csv.gz").write_bytes(gzip.compress(Path("calls.csv").read_bytes())[:-20])
    told = run("m.yaml", "calls.csv.gz", "--out", "out.ndjson")
    assert told.exit_code == 2
    assert told.stderr.startswith("convert: calls.csv.gz: broken after line ")
    assert not Path("out.ndjson").exists()


def test_unfinished_contacts_are_given_again_the_next_time() -> None:
    Path("one").write_bytes(
        "100|a|ENTER|c1\n101|a|RING|Kündigung €\n102|b|ENTER|c2\n103|b|DONE|\n".encode("windows-1252")
    )
    Path("two").write_text("104|a|DONE|\n")
    told = run("log.yaml", "one", "--unfinished", "later", "--rejects", "bad", "--out", "first")
    assert told.exit_code == 0
    assert "unfinished: 1 contact (2 records)" in told.stderr
    # The whole one may still go on, so it is read again as well.
    assert Path("later").read_bytes() == Path("one").read_bytes()
    assert events("bad") == []
    assert run("log.yaml", "later", "two", "--out", "second").exit_code == 0
    assert run("log.yaml", "one", "two", "--out", "whole").exit_code == 0
    assert events("second") == events("whole")
    assert all(event in events("whole") for event in events("first"))
    assert {event.get("queue") for event in events("whole")} == {"Kündigung €", "c2"}


def test_first_rows_that_are_passed_over_would_swallow_unfinished_ones() -> None:
    Path("log.yaml").write_text(LOG.replace("quote: none", "quote: none, skip_rows: 1"))
    assert run("log.yaml", "calls.csv", "--unfinished", "later").exit_code == 2


def test_a_pipe_is_read_once() -> None:
    os.mkfifo("pipe")
    Path("two").write_text("104|a|DONE|\n")
    running = process("log.yaml", "pipe", "two", stdout=subprocess.PIPE)
    Path("pipe").write_text("100|a|ENTER|c1\n")
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert json.loads(out)["customer_id"] == "c1"


def test_a_reader_that_goes_is_no_error() -> None:
    Path("calls.csv").write_text(HEAD + "".join(f"{n},c{n},2026-04-01 10:00:00,q\n" for n in range(20_000)))
    running = process("m.yaml", "calls.csv", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    running.stdout.close()
    said = running.stderr.read().decode()
    running.stderr.close()
    running.wait(timeout=60)
    assert "Traceback" not in said
    assert "cannot be" not in said


def test_an_interrupted_run_leaves_nothing_behind() -> None:
    os.mkfifo("pipe")
    running = process("m.yaml", "pipe", "--out", "out.ndjson", stderr=subprocess.PIPE)
    with Path("pipe").open("w") as pipe:
        pipe.write(HEAD + "".join(ROWS) * 10_000)
        pipe.flush()
        for _ in range(30):  # Python drops an interrupt that comes while it collects garbage
            time.sleep(0.2)
            running.send_signal(signal.SIGINT)
            try:
                _, said = running.communicate(timeout=4)
                break
            except subprocess.TimeoutExpired:
                continue
    assert b"Traceback" not in said
    assert running.returncode != 0
    assert not Path("out.ndjson").exists()
    assert [*Path("tmp").iterdir()] == []


def test_the_later_row_counts_also_when_it_moves_the_event_back_in_time() -> None:
    rows = [
        "1,c1,2026-04-02 10:00:00,old\n",
        "2,c2,2026-04-02 09:00:00,q\n",
        "1,c1,2026-04-02 08:00:00,new\n",
    ]
    Path("calls.csv").write_text(HEAD + "".join(rows))
    told = run("m.yaml", "calls.csv", "--out", "out.ndjson")
    assert [event["queue"] for event in events("out.ndjson")] == ["new", "q"]
    assert "at an earlier time: 1 event\n" in told.stderr


def test_rows_that_move_an_event_forward_stay_as_they_came() -> None:
    rows = [
        "1,c1,2026-04-02 08:00:00,old\n",
        "1,c1,2026-04-02 10:00:00,new\n",
        "1,c1,2026-04-02 10:00:00,last\n",
    ]
    Path("calls.csv").write_text(HEAD + "".join(rows))
    told = run("m.yaml", "calls.csv", "--out", "out.ndjson")
    assert [event["queue"] for event in events("out.ndjson")] == ["old", "new", "last"]
    assert "left out" not in told.stderr


def test_revisions_decide_which_telling_counts_and_all_are_kept() -> None:
    Path("m.yaml").write_text(MAPPING + "revision: {from: changed}\n")
    header = HEAD.replace("\n", ",changed\n")
    rows = ["1,c1,2026-04-02 10:00:00,old,2026-04-02\n", "1,c1,2026-04-02 08:00:00,new,2026-04-03\n"]
    Path("calls.csv").write_text(header + "".join(rows))
    run("m.yaml", "calls.csv", "--out", "out.ndjson")
    assert [event["queue"] for event in events("out.ndjson")] == ["new", "old"]
