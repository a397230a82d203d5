"""Which core runs what: the measured process alone on one, the broker, the loaders and this program on the rest.

Owns the affinity of processes. It needs Linux.
"""

from __future__ import annotations

import os
from typing import Final

_ALL: Final = tuple(sorted(os.sched_getaffinity(0)))
WORKER_CORE: Final = _ALL[-1]
"""The core of the measured process."""
OTHER_CORES: Final = frozenset(_ALL[:-1] or _ALL)
"""The cores of everything else."""
ALL_CORES: Final = frozenset(_ALL)


class CoresError(RuntimeError):
    """The machine is too small to keep the measured process apart."""


def keep_off_the_worker_core() -> None:
    """Move this process, and what it starts from now on, off the measured core."""
    if len(_ALL) < 2:
        raise CoresError(
            "the benchmark needs two cores: one for the measured process, one for the broker and the loaders; "
            "this process may use one only (look at taskset, cgroups and the container's limits)"
        )
    os.sched_setaffinity(0, OTHER_CORES)


def on_worker_core(command: list[str]) -> list[str]:
    """The command, on the measured core alone."""
    return ["taskset", "--cpu-list", str(WORKER_CORE), *command]


def on_all_cores(command: list[str]) -> list[str]:
    """The command, on every core: for several workers at once, which share the machine with the broker."""
    return ["taskset", "--cpu-list", ",".join(map(str, _ALL)), *command]
