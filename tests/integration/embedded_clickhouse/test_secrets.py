"""What the server knows and a query must not: its password, its environment, what its user has elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from deploy.embedded.clickhouse.credentials import Account, Credentials
from deploy.embedded.clickhouse.engine import Result
from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.clickhouse.server import Server
from deploy.embedded.clickhouse.summary import Summary
from deploy.embedded.ports import free_port
from deploy.embedded.process import ChildError

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "deploy.embedded.clickhouse", "--port", "0"]


def test_every_start_has_its_own_password() -> None:
    with EmbeddedClickHouse() as first, EmbeddedClickHouse() as second:
        assert first.password != second.password
        assert len(first.password) >= 32
        asked = f"{first.url}/?query=SELECT 1&password="
        assert requests.get(asked + first.password, timeout=5).text == "1\n"
        for wrong in ("", second.password):
            assert requests.get(asked + wrong, timeout=5).status_code == 403


def test_the_password_comes_in_a_private_file_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    server = EmbeddedClickHouse()
    seen: list[tuple[int, int]] = []
    start = server.child.start

    def looking() -> Any:
        file = next(tmp_path.glob("*/password"))
        seen.append((stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)))
        return start()

    monkeypatch.setattr(server.child, "start", looking)
    with server:
        assert seen == [(0o600, 0o700)]
        assert list(tmp_path.glob("*/password")) == []
        command = Path(f"/proc/{server.child.pid}/cmdline").read_text()
        assert server.password not in command
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 2, "--password-file"),
        (["--password-file", "empty"], 1, "is empty"),
        (["--password-file", "missing"], 1, "missing"),
        (["--password-file", "full", "--reader", "bi"], 2, "--reader-password-file"),
    ],
)
def test_it_does_not_start_without_a_password(
    tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "full").write_text("s3cret")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*COMMAND, *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "s3cret" not in done.stderr


def test_the_server_has_no_variable_of_its_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_SASL_PASSWORD", "s3cret")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/s3cret")
    with EmbeddedClickHouse() as running:
        entries = Path(f"/proc/{running.child.pid}/environ").read_bytes().split(b"\0")
        names = {entry.partition(b"=")[0].decode() for entry in entries if entry}
        assert names <= {
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "LD_LIBRARY_PATH",
            "PYTHONHOME",
            "PYTHONPATH",
            "TMPDIR",
            "TZ",
        }


WITHOUT_LANDLOCK = """
import sys
from deploy.embedded.clickhouse import __main__, landlock
landlock.abi = lambda: 0
sys.exit(__main__.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("options", [[], ["--unconfined"]])
def test_a_kernel_that_cannot_confine_is_refused_unless_told_otherwise(
    tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "password").write_text("s3cret")
    given = ["--port", str(free_port("127.0.0.1")), "--password-file", str(tmp_path / "password"), *options]
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_LANDLOCK, *given],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.terminate()
    _, errors = process.communicate(timeout=30)
    if options:
        assert json.loads(first)["confined"] is False
    else:
        assert (process.returncode, first) == (1, "")
        for part in ("no Landlock", "Linux 5.19", "--unconfined"):
            assert part in errors


def test_the_refusal_reaches_whoever_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedClickHouse()
    monkeypatch.setattr(
        server.child, "command", [sys.executable, "-c", WITHOUT_LANDLOCK, *server.child.command[3:]]
    )
    with pytest.raises(ChildError, match="--unconfined"):
        server.start()


class _Spy:
    """In the place of the engine: what a thread that runs SQL could show, by its frames."""

    version, timezone, compresses_by_default = "0", "UTC", False

    def __init__(self) -> None:
        self.frames: list[types.FrameType] = []
        self.seen: list[str] = []

    def connect(self) -> _Spy:
        return self

    def close(self) -> None:
        """Nothing to close."""

    def query(self, *_: object, **__: object) -> Result:
        """Keep all that the frames up to the thread's first one hold."""
        frame: types.FrameType | None = sys._getframe()
        while frame is not None:
            self.seen += list(texts(dict(frame.f_locals), set()))
            self.seen += list(texts(dict(frame.f_globals), set()))
            frame = frame.f_back
        self.frames.append(sys._getframe())
        return Result(b"1\n", Summary())


def texts(value: object, known: set[int], depth: int = 12) -> Iterator[str]:
    """Every text that can be reached from a value through containers, closures and objects of ours."""
    if depth == 0 or id(value) in known:
        return
    known.add(id(value))
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    elif isinstance(value, dict):
        for pair in list(value.items()):
            yield from texts(pair, known, depth - 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in list(value):
            yield from texts(each, known, depth - 1)
    elif isinstance(value, types.FunctionType):
        yield from texts([cell.cell_contents for cell in value.__closure__ or ()], known, depth - 1)
    elif type(value).__module__.startswith(("deploy.", "functools", "concurrent.")):
        names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        held = {**getattr(value, "__dict__", {}), **{n: getattr(value, n, None) for n in names}}
        for name in ("func", "args", "keywords"):
            held[name] = getattr(value, name, None)
        yield from texts(held, known, depth - 1)


@pytest.mark.parametrize("way", ["headers", "basic", "parameters"])
def test_no_frame_of_a_thread_that_runs_sql_holds_the_password(way: str) -> None:
    secret = "a-password-like-no-other"
    spy = _Spy()
    port = free_port("127.0.0.1")
    ready = threading.Event()
    end: list[Callable[[], object]] = []

    async def serve() -> None:
        credentials = Credentials((Account.of("default", secret),))
        server = Server(spy, credentials, host="127.0.0.1")  # type: ignore[arg-type]
        runner = web.AppRunner(server.application(), auto_decompress=False, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        end.append(lambda: loop.call_soon_threadsafe(ended.set))
        ready.set()
        await ended.wait()
        await runner.cleanup()
        await server.close(1)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    given: dict[str, Any] = {
        "headers": {
            "headers": {"X-ClickHouse-User": "default", "X-ClickHouse-Key": secret},
            "data": "SHOW TABLES",
        },
        "basic": {"auth": ("default", secret), "data": "SHOW TABLES"},
        "parameters": {"params": {"password": secret}, "data": "SHOW TABLES"},
    }[way]
    try:
        answer = requests.post(f"http://127.0.0.1:{port}/", timeout=10, **given)
    finally:
        end[0]()
        thread.join()
    assert answer.status_code == 200
    assert spy.seen
    assert "SHOW TABLES" in "".join(spy.seen)  # it does find what is there
    assert [text for text in spy.seen if secret in text] == []
