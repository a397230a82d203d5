"""README's "your own data in three commands", walked as a user would: on the queue log of Asterisk, and on a Dutch CSV."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parents[2]
EXPORTS = ROOT / "docs" / "examples" / "exports"
WALKS = {
    "asterisk-queue-log": ["queue_log.1", "queue_log"],
    "calls-table": ["gesprekken.csv"],
}


def behoudlijn(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("mapping", WALKS)
def test_three_commands_lead_from_an_export_to_what_would_have_fired(mapping: str, tmp_path: Path) -> None:
    files = [str(EXPORTS / mapping / name) for name in WALKS[mapping]]

    checked = behoudlijn("check", "--mapping", mapping, *files, "--json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    told = orjson.loads(checked.stdout)

    converted = behoudlijn("convert", mapping, *files, "--out", "events.ndjson", cwd=tmp_path)
    assert converted.returncode == 0, converted.stderr
    events = (tmp_path / "events.ndjson").read_bytes()
    assert events == (EXPORTS / mapping / "events.ndjson").read_bytes()

    judged = behoudlijn("backtest", "events.ndjson", "--summary-json", cwd=tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    summary = orjson.loads(judged.stdout)
    assert told["events"] == summary["events"] == events.count(b"\n") > 0
    assert told["customers"] == summary["customers"] > 0
    assert summary["rejected"] == told["rejected"] == 0
