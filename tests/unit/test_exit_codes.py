"""One mistake has one code, whichever command meets it: the same mistakes are made with every command."""

from __future__ import annotations

import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

import deploy.embedded
import sinks
import streams
from streams.cli import ALWAYS, COMMANDS, build
from streams.cluster import topic_reader
from streams.commands import ending
from streams.telemetry.exit_codes import FAILURES, MEANINGS, ExitCode, code_of
from tests.builders import START, call

ROOT: Final = Path(__file__).resolve().parents[2]
LEAVES: Final = [f"{name} {sub}".strip() for name, entry in COMMANDS.items() for sub in entry.codes]
NEVER_AN_END: Final = {
    "streams.commands.ending.CommandError": "has a code of its own",
    "streams.conversion.refusals.RecordError": "a record is refused, and counted",
    "streams.mappings.language.MisplacedError": "pydantic takes it for its own",
    "streams.lane.consumer_thread._Parked": "the thread of the consumer waits",
    "streams.workers.fence.StaleError": "the batch is dropped: another owner has it",
    "sinks.contract.SinkUnavailable": "as SinkError",
    "sinks.clickhouse.answers.ForeignAnswerError": "the connection makes it an error of the sink",
}
"""Exceptions of ours that end no process by themselves."""
A_BUG: Final = {
    "schemas.parts.MissingPartError",
    "streams.core.release.places.TableError",
    "sinks.clickhouse.registration.RegistrationError",
    "sinks.contract.SinkDefect",
}

EVENTS: Final = "events.ndjson"
ARGUMENTS: Final[dict[str, list[str]]] = {
    "worker signals": [],
    "worker sink": [],
    "up": [],
    "demo": [],
    "topics ensure": [],
    "topics list": [],
    "topics acls": [],
    "topics skip": ["callback.triggers", "0", "1", "--group", "sink", "--yes"],
    "topics migrate": ["--to-prefix", "v2.", "--to-partitions", "4"],
    "state check": [],
    "state repair": ["--yes"],
    "state accept": ["--yes"],
    "clickhouse migrate": [],
    "simulate": ["--customers", "5", "--to-topics"],
    "replay": [EVENTS],
    "convert": ["telco-churn", EVENTS],
    "check": [EVENTS],
    "backtest": [EVENTS],
    "explain": ["c1"],
    "policy list": [],
    "policy show": ["default"],
    "policy check": ["default"],
    "phrases": [],
    "schemas export": ["schemas"],
    "dead-letters list": [],
    "dead-letters redrive": ["--all"],
    "erase": ["c1"],
    "objections load": [EVENTS],
    "dial": ["--until-idle", "1"],
    "info": [],
}
"""Arguments with which each command would begin to work; a command without a row is missed by the first test."""
NO_SETTINGS: Final = {"up", "demo", "policy list", "policy show", "policy check", "schemas export", "info"}
KAFKA: Final = {
    "topics ensure", "topics list", "topics migrate", "simulate", "replay", "explain", "dead-letters list", "dead-letters redrive",
    "dial", "topics skip", "state check", "state repair", "state accept", "objections load",
}  # fmt: skip
"""Those that ask a broker first; the workers' codes are those of tests/integration."""
CLICKHOUSE: Final = {"clickhouse migrate", "erase"}
READ: Final[dict[str, list[str]]] = {
    "replay": ["{}"],
    "convert": ["telco-churn", "{}"],
    "check": ["{}"],
    "backtest": ["{}"],
    "explain": ["c1", "--file", "{}"],
    "objections load": ["{}"],
    "policy show": ["{}"],
    "policy check": ["{}"],
    "check --mapping": ["--mapping", "{}", EVENTS],
    "convert MAPPING": ["{}", EVENTS],
    "backtest --policy": [EVENTS, "--policy", "{}"],
    "explain --policy": ["c1", "--file", EVENTS, "--policy", "{}"],
    "worker signals --policy": ["--policy", "{}"],
    "phrases --policy": ["--policy", "{}"],
    "up --policy": ["--policy", "{}"],
    "demo --policy": ["--policy", "{}"],
}
"""By command, and which file is meant, with what a file is given to it."""
DOCUMENTS: Final = {name for name in READ if "policy" in name or "apping" in name or "MAPPING" in name}
PRINTED: Final[dict[str, list[str]]] = {
    "--help": [],
    "check --help": [],
    "policy --help": [],
    "simulate": ["--customers", "5"],
    "convert": ["telco-churn", str(ROOT / "tests/data/churn.all.gz")],
    "check": [EVENTS],
    "check --json": [EVENTS],
    "backtest": [EVENTS],
    "backtest --summary-json": [EVENTS],
    "explain": ["c1", "--file", EVENTS],
    "topics acls": [],
    "policy list": [],
    "policy show": ["default"],
    "policy show --yaml": ["default"],
    "policy check": ["default"],
    "phrases": [],
    "phrases --ftl": [],
    "schemas export": ["schemas"],
    "info": [],
    "info --json": [],
}
"""What prints without asking anybody."""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BEHOUDLIJN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BEHOUDLIJN_ERASURE_KEY", "a key of the tests, long enough")
    Path(EVENTS).write_bytes((call(START).record.value or b"") + b"\n")


def words(name: str) -> list[str]:
    """The command of a row's name: what follows it says which option is meant."""
    return [word for word in name.split() if word not in ("--policy", "--mapping", "MAPPING")]


def leaf(name: str) -> str:
    return next(each for each in sorted(LEAVES, key=len, reverse=True) if f"{name} ".startswith(f"{each} "))


def run(name: str, *arguments: str) -> Result:
    """Runs a command, and holds its code against those that it declares."""
    result = CliRunner().invoke(build(), [*words(name), *arguments])
    assert "Traceback" not in result.output
    first, _, sub = leaf(name).partition(" ")
    assert result.exit_code in {*ALWAYS, *COMMANDS[first].codes[sub]}
    return result


def test_every_command_has_a_row_and_every_code_a_meaning() -> None:
    assert list(ARGUMENTS) == LEAVES
    assert list(MEANINGS) == list(ExitCode)
    whole = get_command(build())
    assert isinstance(whole, TyperGroup)
    for name, entry in COMMANDS.items():
        command = whole.get_command(None, name)  # type: ignore[arg-type]
        subs = {*command.commands} if isinstance(command, TyperGroup) else {""}
        assert subs == {*entry.codes}, name


@pytest.mark.parametrize("name", LEAVES)
def test_an_unknown_option(name: str) -> None:
    assert run(name, *ARGUMENTS[name], "--no-such-option").exit_code == ExitCode.MISTAKE


@pytest.mark.parametrize("name", [name for name in LEAVES if name not in NO_SETTINGS])
def test_a_wrong_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_PARTITIONS", "many")
    result = run(name, *ARGUMENTS[name])
    assert result.exit_code == ExitCode.MISTAKE
    assert "BEHOUDLIJN_PARTITIONS: " in result.stderr


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize(
    ("file", "said"),
    [("absent", "absent"), (".", "Is a directory"), ("/proc/self/mem", "Input/output error")],
)
def test_a_file_that_cannot_be_read(name: str, file: str, said: str) -> None:
    result = run(name, *(each.format(file) for each in READ[name]))
    assert result.exit_code == ExitCode.MISTAKE
    assert said in result.stderr
    assert result.stderr.startswith(f"{words(name)[0]}: ")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_with_mistakes(name: str) -> None:
    Path("broken.yaml").write_text("name: x\nversion: one\nevents: 3\n")
    result = run(name, *(each.format("broken.yaml") for each in READ[name]))
    assert result.exit_code == ExitCode.MISTAKE
    lines = result.stderr.splitlines()
    assert len(lines) > 1, "a line for each mistake"
    assert all(line.startswith(f"{words(name)[0]}: broken.yaml:") for line in lines)


@pytest.mark.parametrize("name", sorted(KAFKA))
def test_a_broker_out_of_reach(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_reader, "CONNECT_MS", 200)
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = run(name, *ARGUMENTS[name])
    assert result.exit_code == ExitCode.UNAVAILABLE
    [*_, said] = result.stderr.splitlines()
    assert "127.0.0.1:1" in said
    assert "Check BEHOUDLIJN_KAFKA_BOOTSTRAP" in said


@pytest.mark.parametrize("name", sorted(CLICKHOUSE))
def test_a_clickhouse_out_of_reach(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_CLICKHOUSE_DSN", "clickhouse://nobody:secret@127.0.0.1:1/none")
    result = run(name, *ARGUMENTS[name])
    assert result.exit_code == ExitCode.UNAVAILABLE
    assert "127.0.0.1:1" in result.stderr
    assert "secret" not in result.output


def process(name: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "streams", *words(name), *PRINTED.get(name, [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("name", PRINTED)
def test_an_output_that_takes_no_more(name: str) -> None:
    with Path("/dev/full").open("wb") as full, process(name, stdout=full) as running:
        said = (running.communicate(timeout=60)[1]).decode()
    assert running.returncode == ExitCode.UNWRITTEN, said
    [last] = [line for line in said.splitlines() if "cannot be written" in line]
    assert "No space left on device" in last
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("name", PRINTED)
def test_a_reader_that_has_gone(name: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with process(name, stdout=writing) as running:
        os.close(writing)
        said = (running.communicate(timeout=60)[1]).decode()
    assert running.returncode == ExitCode.READER_GONE, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_is_closed(closed: int) -> None:
    shell = f'exec "{sys.executable}" -m streams policy list {closed}>&-'
    done = subprocess.run(
        ["sh", "-c", shell],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == (ExitCode.UNWRITTEN if closed == 1 else ExitCode.DONE)
    assert b"Traceback" not in done.stderr


WORDS = {"closed": "2>&-", "full": "2>/dev/full", "gone": "2> >(:)"}
"""How standard error takes nothing, for a shell."""


@pytest.mark.parametrize("how", sorted(WORDS))
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("policy list", ExitCode.DONE),
        ("policy list --no-such-option", ExitCode.MISTAKE),
        ("policy check no-such-policy", ExitCode.MISTAKE),
        ("dead-letters list --bootstrap 127.0.0.1:1", ExitCode.UNAVAILABLE),
        ("worker signals --bootstrap 127.0.0.1:1 --metrics-port 0", ExitCode.UNAVAILABLE),
    ],
)
def test_words_that_nobody_takes_change_no_code(how: str, arguments: str, code: ExitCode) -> None:
    shell = f'exec "{sys.executable}" -m streams {arguments} {WORDS[how]}'
    done = subprocess.run(
        ["bash", "-c", shell],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code


@pytest.mark.parametrize(
    "arguments",
    [["check", "-"], ["backtest", "-"], ["convert", "calls-table", "-"], ["explain", "c1", "--file", "-"]],
)
def test_ctrl_c(arguments: list[str]) -> None:
    with process(" ".join(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        # It has read what does not fit into a pipe, so it waits for the rest.
        blank = b"\n" * 65_536
        for _ in range(8):
            running.stdin.write(blank)
        running.stdin.flush()
        while Path(f"/proc/{running.pid}/wchan").exists() and not _waits(running.pid):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        said = (running.communicate(timeout=60)[1]).decode()
    assert running.returncode == ExitCode.INTERRUPTED, said
    assert "Traceback" not in said


def _waits(pid: int) -> bool:
    """Whether a process sleeps, as it does when its input has no more for now."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_bug_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_: object) -> None:
        raise KeyError("customer-canary")

    monkeypatch.setattr("streams.policies.built_in", stumble)
    result = CliRunner().invoke(build(), ["policy", "list"])
    assert result.exit_code == ExitCode.BUG
    assert "a bug, please report it" in result.stderr
    assert "canary" not in result.output


def modules() -> Iterator[str]:
    for package in (streams, sinks, deploy.embedded):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield found.name


def test_every_exception_of_ours_has_a_code_or_ends_nothing() -> None:
    declared = {
        f"{each.__module__}.{each.__qualname__}": each
        for name in modules()
        for each in vars(import_module(name)).values()
        if isinstance(each, type) and issubclass(each, Exception) and each.__module__ == name
    }
    for name in {name for name in FAILURES if name.startswith(("streams.", "sinks.", "deploy."))}:
        assert name in declared, f"there is no {name}"
    unnamed = {
        name
        for name, each in declared.items()
        if name not in NEVER_AN_END and _code_of_type(each) is ExitCode.BUG
    }
    assert unnamed <= A_BUG | {name for name in unnamed if name.startswith("deploy.embedded.clickhouse.")}


def _code_of_type(kind: type[Exception]) -> ExitCode:
    return code_of(kind.__new__(kind))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), ExitCode.UNWRITTEN),
        (OSError(2, "No such file or directory", "x"), ExitCode.MISTAKE),
        (OSError(28, "No space left on device", "x"), ExitCode.UNWRITTEN),
        (OSError(22, "Invalid argument"), ExitCode.BUG),
        (TimeoutError("the sink did not follow"), ExitCode.UNAVAILABLE),
        (ValueError("x"), ExitCode.BUG),
    ],
)
def test_what_the_system_says(error: Exception, code: ExitCode) -> None:
    assert ending._told("x", error) is code
