"""The commands `simulate` and `convert` without a broker: files, standard output, one line for a mistake."""

import gzip
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import build

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def app() -> typer.Typer:
    return build()


def test_simulate_writes_events_and_truth_and_equal_files_for_equal_seeds(
    app: typer.Typer, tmp_path: Path
) -> None:
    for name in ("a.ndjson.gz", "b.ndjson.gz"):
        arguments = ["simulate", "--customers", "40", "--poison", "0.01", "--out", str(tmp_path / name)]
        done = CliRunner().invoke(app, [*arguments, "--truth", str(tmp_path / "truth.ndjson")])
        assert done.exit_code == 0, done.output
        assert "of 40 customers" in done.stderr
    packed = (tmp_path / "a.ndjson.gz").read_bytes()
    assert packed == (tmp_path / "b.ndjson.gz").read_bytes()
    assert gzip.decompress(packed).count(b"\n") > 100
    truths = (tmp_path / "truth.ndjson").read_text().splitlines()
    assert [json.loads(line)["customer_id"] for line in truths[:2]] == ["c000000", "c000001"]


def test_convert_writes_to_standard_output(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["convert", "iranian-churn", str(DATA / "customer_churn.csv.gz")])
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 3150 + 241 + 241 + 495


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate", "--customers", "0"], "simulate: customers must be from 1"),
        (["simulate", "--start", "tomorrow"], "simulate: "),
        (
            ["simulate", "--customers", "1", "--out", "/no/such/place"],
            "simulate: /no/such/place: cannot be written",
        ),
        (
            ["convert", "no-such-mapping", "-"],
            "convert: no-such-mapping: no such mapping or file; built in: ",
        ),
        (["convert", "telco-churn", "/no/such/file"], "convert: /no/such/file: cannot be read"),
        (["convert", "iranian-churn", str(DATA / "churn.all.gz")], "convert: "),
        (["replay", "/no/such/file"], "replay: /no/such/file: cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(app: typer.Typer, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_a_mistake_in_the_table_leaves_no_file(app: typer.Typer, tmp_path: Path) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "out.ndjson"
    table.write_text("KS, 128\n")
    done = CliRunner().invoke(app, ["convert", "telco-churn", str(table), "--out", str(out)])
    assert done.exit_code == 3
    assert f"{table}:1: 2 cells, 21 are expected" in done.stderr
    assert not out.exists()


def test_replay_tells_what_is_wrong_before_anything_is_sent(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    event = {"type": "call", "schema_version": 1, "event_id": "e1", "customer_id": "c1", "wait_second": 3}
    event["occurred_at"] = "2026-01-01T10:00:00Z"
    file.write_text(json.dumps(event) + "\n{broken\n")
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["replay", str(file)])
    assert done.exit_code == 3
    assert "Events in files" in done.stderr
    assert "is wait_seconds meant?" in done.stderr
    assert "rejected as not_json: 1" in done.stderr
    assert "1 of 2 lines cannot be read as an event, and nothing was sent" in done.stderr
