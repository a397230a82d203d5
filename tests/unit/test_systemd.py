"""The units for systemd: they agree with exit codes and settings, and systemd reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.cli import ALWAYS, COMMANDS
from streams.settings import Settings
from streams.telemetry.exit_codes import ExitCode
from streams.variables import PREFIX, strangers

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "deploy/systemd"
WORKERS = sorted(COMMANDS["worker"].codes)


def unit(worker: str) -> dict[str, list[str]]:
    """The settings of a unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (DIRECTORY / f"behoudlijn-{worker}@.service").read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("worker", WORKERS)
def test_codes_that_a_new_start_does_not_mend_prevent_one(worker: str) -> None:
    mine = (*ALWAYS, *COMMANDS["worker"].codes[worker])
    [prevented] = unit(worker)["RestartPreventExitStatus"]
    assert {int(code) for code in prevented.split()} == {code for code in mine if code.in_vain}
    assert unit(worker)["Restart"] == ["on-failure"]
    assert not any(code.again and code.in_vain for code in ExitCode)


@pytest.mark.parametrize("worker", WORKERS)
def test_it_may_finish_what_is_under_work(worker: str) -> None:
    [seconds] = unit(worker)["TimeoutStopSec"]
    assert int(seconds) > Settings.model_fields["drain_s"].default + 15
    assert unit(worker)["KillSignal"] == ["SIGTERM"]


@pytest.mark.parametrize("worker", WORKERS)
def test_what_it_is_given_are_settings_and_secrets(worker: str) -> None:
    fields = Settings.model_fields
    for credential in unit(worker)["LoadCredential"]:
        name = credential.split(":")[0]
        assert name.removeprefix(PREFIX.lower()) in fields
    given = re.findall(
        r"^(BEHOUDLIJN_\w+)=(.+)$", (DIRECTORY / "behoudlijn.env").read_text(encoding="utf-8"), re.MULTILINE
    )
    given += [tuple(each.split("=", 1)) for each in unit(worker)["Environment"]]
    assert strangers(dict(given), fields, ()) == ((), ())
    assert not any("PASSWORD" in name or "KEY" in name for name, _ in given), "those are files"


@pytest.mark.parametrize("worker", WORKERS)
def test_systemd_reads_it(worker: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here")
    text = (DIRECTORY / f"behoudlijn-{worker}@.service").read_text(encoding="utf-8")
    there = text.replace("/opt/behoudlijn/bin/behoudlijn", "/bin/true")  # it looks for the program
    path = tmp_path / f"behoudlijn-{worker}@9108.service"
    path.write_text(there, encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    ours = [line for line in done.stderr.splitlines() if "behoudlijn" in line]
    assert not ours, done.stderr
    assert done.returncode == 0, done.stderr
