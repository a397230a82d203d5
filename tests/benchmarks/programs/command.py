"""A command of ours as a user runs it: how long it took, and the most memory that it held."""

from __future__ import annotations

import time
from pathlib import Path

from streams.cli import build
from tests.benchmarks.say import arguments, say


def peak_bytes() -> int:
    """The most resident memory so far; `ru_maxrss` would count what the parent held when it made this process."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    given = arguments()
    began = time.perf_counter()
    build()(given["command"], standalone_mode=False)
    say("result", seconds=time.perf_counter() - began, peak_bytes=peak_bytes())
