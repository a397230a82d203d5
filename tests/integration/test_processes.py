"""Child processes: readiness, stopping, and above all that none is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deploy.embedded.ports import accepts_connections, free_port
from deploy.embedded.process import ChildError, ChildProcess

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, name: str = "child", **options: float) -> ChildProcess:
    return ChildProcess([sys.executable, "-u", "-c", code], name=name, **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_waits_for_the_ready_line_and_stops() -> None:
    with python("print('hello'); print('ready 42'); import time; time.sleep(60)") as child:
        answer = child.wait_line(
            lambda line: int(line[6:]) if line.startswith("ready ") else None, timeout=20
        )
        assert answer == 42
        assert child.running
        pid = child.pid
    assert gone(pid)
    assert child.returncode == -signal.SIGTERM


def test_a_child_that_ends_early_is_explained_with_its_last_words() -> None:
    child = python("print('no such licence'); raise SystemExit(3)", name="store").start()
    with pytest.raises(ChildError, match=r"(?s)store ended with code 3 before it was ready.*no such licence"):
        child.wait_until(lambda: False, timeout=20)


def test_a_child_that_is_never_ready_is_explained() -> None:
    with (
        python("print('thinking'); import time; time.sleep(60)") as child,
        pytest.raises(ChildError, match="not ready within"),
    ):
        child.wait_until(lambda: False, timeout=0.3)


def test_a_missing_command_is_explained() -> None:
    child = ChildProcess(["/no/such/command"], name="ghost").start()
    with pytest.raises(ChildError, match=r"(?s)ghost ended with code 127.*cannot start /no/such/command"):
        child.wait_until(lambda: False, timeout=20)


def test_a_deaf_child_is_killed_after_the_grace_time() -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    child = python(code, grace=0.2).start()
    child.wait_line(lambda line: line == "deaf" or None, timeout=20)
    assert child.stop() == -signal.SIGKILL
    assert child.stop() == -signal.SIGKILL  # repeatable


def test_a_stopped_child_still_gets_its_term_signal() -> None:
    child = python("print('up'); import time; time.sleep(60)").start()
    child.wait_line(lambda line: line == "up" or None, timeout=20)
    child.signal(signal.SIGSTOP)
    assert child.stop() == -signal.SIGTERM


def test_grandchildren_go_with_the_group() -> None:
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid); time.sleep(60)"
    child = python(code).start()
    grandchild = child.wait_line(int, timeout=20)
    child.stop()
    assert gone(grandchild)


def test_a_child_survives_the_thread_that_started_it() -> None:
    started: list[ChildProcess] = []
    thread = threading.Thread(target=lambda: started.append(python("import time; time.sleep(60)").start()))
    thread.start()
    thread.join()
    time.sleep(0.5)
    assert started[0].running
    started[0].stop()


def test_a_child_can_be_started_again() -> None:
    child = python("print('up'); import time; time.sleep(60)")
    pids = set()
    for _ in range(2):
        child.start()
        child.wait_line(lambda line: line == "up" or None, timeout=20)
        pids.add(child.pid)
        child.kill()
    assert len(pids) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_no_orphan_when_the_parent_is_killed() -> None:
    code = """
import sys, time
from deploy.embedded.process import ChildProcess
child = ChildProcess([sys.executable, "-uc", "print('up'); import time; time.sleep(60)"], name="c").start()
child.wait_line(lambda line: line == "up" or None, timeout=20)
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    assert gone(child)


def test_output_goes_to_the_log_whole(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = ChildProcess(
        [sys.executable, "-c", "for i in range(1000): print(i)"], name="child", log=log
    ).start()
    assert child.wait(timeout=20) == 0
    assert log.read_text().split() == [str(i) for i in range(1000)]
    assert child.tail(2) == "998\n999"


def test_a_free_port_is_below_the_ephemeral_range() -> None:
    ports = {free_port() for _ in range(50)}
    assert all(15_000 <= port < 32_000 for port in ports)
    assert not accepts_connections("127.0.0.1", ports.pop())
