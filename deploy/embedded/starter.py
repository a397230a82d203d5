"""Forking children safely: from one thread that lives as long as this process, tied to its death by Linux.

Owns the death signal. It must not know anything about a child but its command.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

# The child asks the kernel for SIGKILL at our death and then becomes the real command, under the same process
# id. A `preexec_fn` would do the same between fork and exec, where a process with threads may deadlock.
_TRAMPOLINE = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None, use_errno=True).prctl(1, 9, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        os._exit(125)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.stderr.write(f"cannot start {sys.argv[2]}: {error.strerror}\\n")
    os._exit(127)
"""

_Child = subprocess.Popen[bytes]


class Starter:
    """Starts every child from one thread that never ends.

    Linux sends the death signal when the *thread* that forked ends; a child started from a short-lived worker
    thread would be killed with it.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._pid = 0
        self._lock = threading.Lock()

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        inherits: Collection[str] | None,
        cwd: Path | None,
    ) -> _Child:
        """Start `command` in a process group of its own, output and errors in one pipe. Raises `OSError`."""
        ours = {name: value for name, value in os.environ.items() if inherits is None or name in inherits}
        self._ensure_thread()
        answer: queue.SimpleQueue[_Child | OSError] = queue.SimpleQueue()

        def job() -> None:
            try:
                answer.put(_launch(command, {**ours, **env}, cwd))
            except OSError as error:
                answer.put(error)

        self._jobs.put(job)
        result = answer.get()
        if isinstance(result, OSError):
            raise result
        return result

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._pid != os.getpid():  # none yet, or left behind by a fork
                self._jobs, self._pid = queue.SimpleQueue(), os.getpid()
                threading.Thread(target=_run, args=(self._jobs,), name="child-starter", daemon=True).start()


def _run(jobs: queue.SimpleQueue[Callable[[], None]]) -> None:
    while True:
        jobs.get()()


def _launch(command: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> _Child:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _TRAMPOLINE, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
        process_group=0,
    )
