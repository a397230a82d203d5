"""Child processes that never outlive us: start, wait until ready, stop with grace and then by force.

Owns the life of one child and the bounded tail of its output. It must not know what the child does, and it
must not print.
"""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from deploy.embedded.ports import accepts_connections, free_port
from deploy.embedded.starter import Starter

__all__ = ["ChildError", "ChildProcess", "accepts_connections", "free_port"]

T = TypeVar("T")

_TAIL_LINES = 200
_POLL_SECONDS = 0.02


class ChildError(RuntimeError):
    """A child could not start, ended early or was not ready in time; the text ends with its last output."""


_starter = Starter()


class ChildProcess:
    """One child process in a process group of its own.

    The kernel kills it when this process dies in any way (Linux). Standard output and error are read
    together; the last 200 lines are kept, and all of them go to `log` where one is given. Use it as a context
    manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        inherits: Collection[str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        grace: float = 10.0,
    ) -> None:
        """Describe the child: `env` is added to ours, or to those variables of ours that `inherits` names; `grace`
        is the seconds between SIGTERM and SIGKILL."""
        self.command = [os.fspath(part) for part in command]
        self.name = name
        self._env = dict(env or {})
        self._inherits = inherits
        self._cwd = cwd
        self._log = log
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: collections.deque[tuple[int, str]] = collections.deque(maxlen=_TAIL_LINES)
        self._changed = threading.Condition()
        self._reader: threading.Thread | None = None

    def start(self) -> Self:
        """Start the process. Raises `ChildError` when it runs already."""
        if self.running:
            raise ChildError(f"{self.name} runs already (pid {self.pid})")
        self._lines.clear()
        self._process = _starter.start(self.command, env=self._env, inherits=self._inherits, cwd=self._cwd)
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"output of {self.name}", daemon=True
        )
        self._reader.start()
        return self

    @property
    def pid(self) -> int:
        """Process id of the command itself; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    @property
    def returncode(self) -> int | None:
        """Exit code (negative: the signal that ended it), None while it runs or before the start."""
        if self._process is None:
            return None
        if self._process.returncode is None and not self.running:
            self._reap()
        return self._process.returncode

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended. Does not reap: the process id stays ours until `stop`."""
        if self._process is None or self._process.returncode is not None:
            return False
        try:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return ended is None

    def tail(self, lines: int = 30) -> str:
        """Return the last `lines` lines of its output."""
        with self._changed:
            return "\n".join(text for _, text in list(self._lines)[-lines:])

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Poll `ready` until true. Raises `ChildError` when the child ends first or after `timeout` s."""
        deadline = time.monotonic() + timeout
        while not ready():
            self._still_hopeful(deadline, timeout)
            time.sleep(_POLL_SECONDS)
        if not self.running:  # someone else answered on its port
            self._still_hopeful(deadline, timeout)

    def wait_line(self, match: Callable[[str], T | None], timeout: float) -> T:
        """Wait for the first line of output for which `match` is not None and return what it gave.

        Raises `ChildError` when the child ends first or `timeout` seconds pass.
        """
        deadline, seen = time.monotonic() + timeout, -1
        while True:
            with self._changed:
                fresh = [(number, text) for number, text in self._lines if number > seen]
            for number, text in fresh:
                seen = number
                if (found := match(text)) is not None:
                    return found
            if not fresh:
                self._still_hopeful(deadline, timeout)
                with self._changed:
                    self._changed.wait(_POLL_SECONDS)

    def wait(self, timeout: float) -> int:
        """Wait for its end and return the exit code. Raises `ChildError` after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.running:
            if time.monotonic() > deadline:
                raise ChildError(self._with_tail(f"{self.name} did not end within {timeout:g} s"))
            time.sleep(_POLL_SECONDS)
        code = self.returncode
        if code is None:
            raise ChildError(f"{self.name} was never started")
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the process itself, if it still runs (SIGSTOP and SIGCONT included)."""
        if self.running:
            os.kill(self.pid, number)

    def stop(self, grace: float | None = None) -> int | None:
        """SIGTERM, after `grace` seconds SIGKILL to the whole group. Returns the exit code; repeatable."""
        if self.running:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)  # a stopped process would never see the first
            with contextlib.suppress(ChildError):
                self.wait_quietly(self._grace if grace is None else grace)
        return self.kill()

    def kill(self) -> int | None:
        """SIGKILL to the whole group at once. Returns the exit code; repeatable."""
        if self._process is not None and self._process.returncode is None:
            # Not yet reaped, so the group id cannot have passed to anyone else.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._reap()
        return self.returncode

    def wait_quietly(self, seconds: float) -> bool:
        """Wait at most `seconds` for its end without reaping; whether it ended."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return not self.running

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _still_hopeful(self, deadline: float, timeout: float) -> None:
        if not self.running:
            code = self.returncode
            raise ChildError(self._with_tail(f"{self.name} ended with code {code} before it was ready"))
        if time.monotonic() > deadline:
            raise ChildError(self._with_tail(f"{self.name} was not ready within {timeout:g} s"))

    def _with_tail(self, message: str) -> str:
        return f"{message}; its last output:\n{self.tail() or '(none)'}"

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait()
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(timeout=2)

    def _read(self, stream: IO[bytes]) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(stream)
            log = stack.enter_context(self._log.open("ab", buffering=0)) if self._log else None
            for number, raw in enumerate(iter(stream.readline, b"")):
                if log is not None:
                    log.write(raw)
                with self._changed:
                    self._lines.append((number, raw.decode("utf-8", "replace").rstrip("\r\n")))
                    self._changed.notify_all()
