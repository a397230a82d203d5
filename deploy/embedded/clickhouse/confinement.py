"""What the kernel lets this process do: serve the sockets it holds, write its data directory, read what it runs on.

It owns the list of what the server needs. SQL never meets it: whatever the engine is talked into ends here. It
must be applied before the engine is loaded and while there is one thread, since Landlock holds for a thread
and for those that it starts.
"""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
from pathlib import Path
from typing import Final

from deploy.embedded.clickhouse import landlock, seccomp
from deploy.embedded.clickhouse.landlock import READ, WRITE, Access

VARIABLES: Final = frozenset(
    {"LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "TZ"}
)
"""Environment variables that the server needs; it has no others, since a query could show them."""

_READABLE: Final = (
    # shared libraries and locales, time zones
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/locale",
    "/usr/share/zoneinfo", "/etc/localtime",
    # how much memory and how many processors there are
    "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/sys/vm", "/sys/devices/system", "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage", "/dev/urandom",
)  # fmt: skip


_AUXILIARY_VECTOR: Final = "/proc/self/auxv"
"""Addresses that the kernel gives a program. Without this file the engine looks for them behind the environment, where
they are no longer once a variable has been set, and crashes on what it finds there."""


class ConfinementError(Exception):
    """This kernel cannot confine the server; the text says what is missing and what to do."""


def forget_environment() -> None:
    """Drop every variable that the server does not need, from this process and what it could start."""
    for name in set(os.environ) - VARIABLES:
        del os.environ[name]


def confine(data: Path, removed_from: Path | None = None) -> None:
    """Confine this process for good; `data` is the directory that it may change.

    `removed_from`: the directory that holds a temporary `data`, where empty directories may be removed. Raises
    ConfinementError, OSError, and RuntimeError when there are threads already.
    """
    if sys.platform != "linux":
        raise _missing("Landlock and seccomp exist on Linux only")
    if not seccomp.supported():
        raise _missing("the system call filter knows x86_64 and aarch64 only")
    if (version := landlock.abi()) < landlock.OLDEST_ABI:
        found = f"Landlock version {version}" if version else "no Landlock, or has it turned off"
        raise _missing(f"this kernel has {found}; Linux 5.19 or newer with Landlock is needed")
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("a process must be confined before it has a second thread")
    allowed = {Path(path): READ for path in (*_READABLE, *_own_code())}
    allowed[Path(os.devnull)] = Access.READ_FILE | Access.WRITE_FILE
    allowed[data] = READ | WRITE
    # Held open for good: a rule is for this very entry of /proc, which the kernel would else make anew at will.
    os.open(_AUXILIARY_VECTOR, os.O_PATH | os.O_CLOEXEC)
    allowed[Path(_AUXILIARY_VECTOR)] = Access.READ_FILE
    if removed_from is not None:
        allowed[removed_from] = Access.REMOVE_DIR
    landlock.restrict(allowed)
    seccomp.restrict(deny_truncate=version < 3)
    _prove()


def _own_code() -> set[str]:
    """Python's library, installed packages and this package; not the directory that this was started from."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return {sysconfig.get_path(name) for name in names} | {str(Path(__file__).parent)}


def _prove() -> None:
    """See that it holds, rather than trust it."""
    try:
        Path("/proc/self/environ").read_bytes()
    except PermissionError:
        try:
            socket.socket().close()
        except PermissionError:
            return
    raise _missing("it was asked to confine this process, and did not")


def _missing(what: str) -> ConfinementError:
    return ConfinementError(
        f"the kernel cannot confine it: {what}. SQL could then read and write any file of this user and reach the "
        "network. Start it on such a kernel, or accept that with --unconfined."
    )
