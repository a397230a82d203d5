"""Landlock: which files the calling thread, and every thread that it starts from then on, may still touch.

It owns the kernel interface and must not know what the server needs. What it takes away nothing gives back.
Landlock does not judge whether a file may be looked at with `stat`, nor a change of its mode or times.
"""

from __future__ import annotations

import ctypes
import enum
import os
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final


class Access(enum.IntFlag):
    """What a rule may allow beneath its path, by the kernel's names and bits."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ: Final = Access.READ_FILE | Access.READ_DIR
WRITE: Final = (
    Access.WRITE_FILE | Access.TRUNCATE | Access.REFER | Access.REMOVE_DIR | Access.REMOVE_FILE
    | Access.MAKE_DIR | Access.MAKE_REG | Access.MAKE_SYM
)  # fmt: skip
OLDEST_ABI: Final = 2
"""Older kernels than 5.19 forbid every rename into another directory, which the engine needs."""

_OF_FILES: Final = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_SINCE_ABI: Final = {Access.REFER: 2, Access.TRUNCATE: 3, Access.IOCTL_DEV: 5}
_BIND_AND_CONNECT_TCP: Final = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 0b11

# The same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

libc: Final = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Return the version of Landlock that the kernel offers, 0 where it has none or has it turned off."""
    return max(0, int(libc.syscall(_CREATE_RULESET, None, 0, _VERSION)))


def restrict(allowed: Mapping[Path, Access]) -> None:
    """From here on only what `allowed` names may be touched; paths that do not exist are left out.

    TCP connections, and signals and abstract sockets of other processes, go too where the kernel can. Raises
    OSError.
    """
    version = abi()
    handled = Access(0)
    for access in Access:
        if _SINCE_ABI.get(access, 1) <= version:
            handled |= access
    words = [handled.value]
    if version >= 4:
        words.append(_BIND_AND_CONNECT_TCP)
    if version >= 6:
        words.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = called("landlock_create_ruleset", _CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path, access in allowed.items():
            _allow(ruleset, path, access & handled)
        forbid_new_privileges()
        called("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def forbid_new_privileges() -> None:
    """No program that is started gains rights by its owner; without this the kernel lets nobody restrict."""
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS) failed")


def called(name: str, number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """Make a system call. Raises OSError with its name."""
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def _allow(ruleset: int, path: Path, access: Access) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _OF_FILES
        rule = struct.pack("=Qi", access.value, descriptor)
        called("landlock_add_rule", _ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
