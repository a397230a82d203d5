"""A measured program as a child process: started on the measured core, heard line by line, ended for certain.

Owns how programs are given their work and give their results. It must not know what they measure.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from deploy.embedded.process import ChildProcess
from tests.benchmarks.cores import on_worker_core

ROOT: Final = Path(__file__).resolve().parents[2]
"""Where measured programs run: a copy of the project whose core is compiled, under `make bench`."""
SOURCE: Final = Path(os.environ.get("BEHOUDLIJN_SOURCE", ROOT))
"""The project itself, plain Python."""


def program(name: str, arguments: dict[str, Any], log: Path, cwd: Path = ROOT) -> ChildProcess:
    """The program `tests.benchmarks.programs.<name>`, to be started, on the measured core."""
    command = [sys.executable, "-m", f"tests.benchmarks.programs.{name}", json.dumps(arguments)]
    return ChildProcess(on_worker_core(command), name=f"{name} row", cwd=cwd, log=log, grace=15.0)


def run(name: str, arguments: dict[str, Any], log: Path, timeout: float, cwd: Path = ROOT) -> dict[str, Any]:
    """Run a program to its end and return its result. Raises `ChildError` after `timeout` seconds."""
    with program(name, arguments, log, cwd) as child:
        return child.wait_line(lambda line: message(line, "result"), timeout)


def message(line: str, kind: str) -> dict[str, Any] | None:
    """What a program said under a heading: a line such as `@result {...}`."""
    head, _, rest = line.partition(" ")
    return json.loads(rest) if head == f"@{kind}" else None


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, its children's not counted."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
