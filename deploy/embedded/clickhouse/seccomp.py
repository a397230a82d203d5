"""A seccomp filter: which system calls no thread of this process may make any more.

It owns the filter's program and must not know what the server needs beyond it. It lists what is denied, since
the engine uses most of the rest: new sockets and roads to other processes, other programs, and whatever could
undo a confinement. A socket that was made before goes on working.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import threading
from typing import Final, NamedTuple

from deploy.embedded.clickhouse.landlock import called, forbid_new_privileges


class _Architecture(NamedTuple):
    audit: int
    """AUDIT_ARCH_…: the ABI by which the call came, so that a number means what we think."""
    column: int
    """Which number of `_DENIED`."""


_ARCHITECTURES: Final = {"x86_64": _Architecture(0xC000003E, 0), "aarch64": _Architecture(0xC00000B7, 1)}
_ABSENT: Final = -1

# Numbers on x86_64 and aarch64.
_DENIED: Final = {
    # network: nothing new, and no road to anybody
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "sendmmsg": (307, 269),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # programs and processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, _ABSENT), "vfork": (58, _ABSENT),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "kcmp": (312, 272),
    # other views of the file system, and what Landlock does not judge about files
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "unshare": (272, 97),
    "setns": (308, 268), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    "chown": (92, _ABSENT), "lchown": (94, _ABSENT), "fchown": (93, 55), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463),
    "removexattrat": (466, 466), "open_tree_attr": (467, 467),
    # the kernel itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
}  # fmt: skip
_TRUNCATE: Final = (76, 45)
_SOCKETPAIR: Final = (53, 199)
_SENDTO: Final = (44, 206)
_KILL: Final = ((62, 129), (234, 131))  # kill, tgkill
_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)

_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
_NOT_HERE: Final = 0x00050000 | errno.ENOSYS
_KILL_PROCESS: Final = 0x80000000
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST = 0x15, 0x35
_NUMBER, _ARCHITECTURE = 0, 4
_X32: Final = 0x40000000  # x86_64 has its calls a second time there
_AF_UNIX, _SOCK_STREAM, _SOCK_KIND, _CLONE_THREAD = 1, 1, 0xF, 0x10000
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_SECCOMP: Final = (317, 277)

_Line = tuple[int, int, int, int]


def supported() -> bool:
    """Return whether the filter knows this machine's system calls."""
    return platform.machine() in _ARCHITECTURES


def restrict(*, deny_truncate: bool) -> None:
    """Filter the calls of all threads from here on. `deny_truncate`: also truncation by path, where Landlock
    cannot judge it. Raises OSError."""
    architecture = _ARCHITECTURES[platform.machine()]
    program = _program(architecture, os.getpid(), deny_truncate)
    lines = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    head = struct.pack("@HP", len(program), ctypes.addressof(lines))
    forbid_new_privileges()
    if called("seccomp", _SECCOMP[architecture.column], _SET_MODE_FILTER, _ALL_THREADS, head) != 0:
        raise OSError(errno.EPERM, f"a thread of {threading.active_count()} cannot be confined")


def _program(architecture: _Architecture, pid: int, deny_truncate: bool) -> list[_Line]:
    column = architecture.column
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _DENY),
    ]
    denied = [*_DENIED.values(), *([_TRUNCATE] if deny_truncate else [])]
    for numbers in denied:
        if numbers[column] != _ABSENT:
            program += [(_IF_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _DENY)]
    # The C library then takes `clone`, whose flags a filter can see.
    program += [(_IF_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _NOT_HERE)]
    program += _only(_CLONE[column], _equal(0, _CLONE_THREAD, mask=_CLONE_THREAD))
    # A pair of streams reaches nobody; a datagram socket could still choose whom it writes to.
    streams = [*_equal(0, _AF_UNIX), *_equal(1, _SOCK_STREAM, mask=_SOCK_KIND)]
    program += _only(_SOCKETPAIR[column], streams)
    program += _only(_SENDTO[column], [*_equal(4, 0), *_equal(4, 0, high=True)])  # no address
    for numbers in _KILL:
        program += _only(numbers[column], _equal(0, pid))
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _only(number: int, conditions: list[_Line]) -> list[_Line]:
    """Allow call `number` where all conditions hold. Each falls through when it does and else denies."""
    return [(_IF_EQUAL, 0, len(conditions) + 1, number), *conditions, (_RETURN, 0, 0, _ALLOW)]


def _equal(argument: int, value: int, *, mask: int | None = None, high: bool = False) -> list[_Line]:
    """Deny unless one half of an argument has this value."""
    load = [(_LOAD, 0, 0, 16 + 8 * argument + (4 if high else 0))]
    masked = [] if mask is None else [(_AND, 0, 0, mask)]
    return [*load, *masked, (_IF_EQUAL, 1, 0, value), (_RETURN, 0, 0, _DENY)]
