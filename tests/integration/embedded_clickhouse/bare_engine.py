"""The engine with every right that it knows, to see what the kernel alone does.

`bare_engine.py free|confined|confined-by-N DATA`: N is the version of Landlock that the kernel is taken to have.
Statements come as a JSON list on standard input, answers (or what was said of an error) go out as one. With
`attempts` in place of statements it does what no SQL can, from this process itself.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.embedded.clickhouse import landlock
from deploy.embedded.clickhouse.confinement import confine
from deploy.embedded.clickhouse.seccomp import _ARCHITECTURES, _DENIED

kept: list[object] = []


def main() -> None:
    """Confine if asked, then run what standard input says."""
    mode, data = sys.argv[1], Path(sys.argv[2])
    asked = json.load(sys.stdin)
    os.environ["TMPDIR"] = str(data)
    parent = os.getppid()
    made_before = socket.socketpair()
    if mode != "free":
        if mode != "confined":
            version = int(mode.removeprefix("confined-by-"))
            landlock.abi = lambda: version
        confine(data)
    if isinstance(asked, dict):
        found = attempts(Path(asked["folder"]), asked, parent)
        found["a pair made before"] = said(lambda: made_before[0].send(b"x"))
        with ThreadPoolExecutor(1) as thread:  # one that was made after the confinement
            found |= thread.submit(attempts, Path(asked["folder"]), asked, parent, "-thread").result()
        json.dump(found, sys.stdout)
    else:
        with ThreadPoolExecutor(1) as thread:
            json.dump(thread.submit(run, data, asked).result(), sys.stdout)
    sys.stdout.flush()
    os._exit(0)


def run(data: Path, asked: list[list[str]]) -> list[str]:
    """What stock chDB answers to each statement; the first that is refused ends its road."""
    import chdb

    options = f"user_scripts_path={data.parent / 'outside'}&http_max_tries=1&max_execution_time=1"
    kept.append(chdb.connect(f"{data}?{options}"))  # never closed: the engine would wait for what still tries
    answers = []
    for road in asked:
        connection = chdb.connect(f"{data}?{options}")
        for sql in road:
            try:
                answers.append(
                    (connection.query(sql, "TabSeparated").bytes() or b"").decode(errors="replace")
                )
            except Exception as error:  # noqa: BLE001 - chDB raises many kinds
                answers.append(str(error))
                break
        connection.close()
    return answers


def said(attempt: Callable[[], object]) -> str:
    """`done`, or the kind of refusal."""
    try:
        attempt()
    except OSError as error:
        return type(error).__name__ if not error.errno else os.strerror(error.errno)
    return "done"


def attempts(folder: Path, goals: dict[str, int | str], parent: int, suffix: str = "") -> dict[str, str]:
    """What code in this process can do, were the engine itself taken over."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *given: int | None) -> None:
        if libc.syscall(_DENIED[name][_ARCHITECTURES[platform.machine()].column], *given) < 0:
            raise OSError(ctypes.get_errno(), "")

    def vm_read() -> None:
        kept = ctypes.create_string_buffer(8)
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(kept), 8)
        call("process_vm_readv", parent, ctypes.addressof(vector), 1, ctypes.addressof(vector), 1, 0)

    tcp, udp = int(goals["tcp"]), int(goals["udp"])
    tried: dict[str, Callable[[], object]] = {
        "read": lambda: (folder / "secret.txt").read_bytes(),
        "list": lambda: list(folder.iterdir()),
        "write": lambda: (folder / f"made-by-python{suffix}").write_bytes(b"x"),
        "mkdir": lambda: (folder / f"made-folder{suffix}").mkdir(),
        "symlink": lambda: (folder / f"made-link{suffix}").symlink_to("/"),
        "link": lambda: os.link(folder / "secret.txt", folder / f"made-hard-link{suffix}"),
        "rename": lambda: (folder / f"spare{suffix}").rename(folder / f"made-name{suffix}"),
        "unlink": lambda: (folder / f"spare2{suffix}").unlink(),
        "truncate": lambda: os.truncate(folder / f"spare3{suffix}", 1),
        "chown": lambda: os.chown(folder / "secret.txt", -1, -1),
        "setxattr": lambda: os.setxattr(folder / f"spare3{suffix}", "user.x", b"x"),
        "environment": lambda: Path("/proc/self/environ").read_bytes(),
        "addresses": lambda: Path("/proc/self/auxv").read_bytes(),
        "memory": lambda: Path("/proc/self/mem").open("rb").close(),
        "environment of the parent": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "tcp": lambda: socket.create_connection(("127.0.0.1", tcp), timeout=5).close(),
        "tcp6": lambda: socket.socket(socket.AF_INET6).close(),
        "udp": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", udp)),
        "unix": lambda: socket.socket(socket.AF_UNIX).connect(str(goals["unix"])),
        "abstract": lambda: socket.socket(socket.AF_UNIX).connect("\0" + str(goals["abstract"])),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "datagram pair": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "exec": lambda: subprocess.run([str(folder / "run.sh"), suffix], check=True),
        "fork": lambda: os.waitpid(pid, 0) if (pid := os.fork()) else os._exit(0),
        "signal": lambda: os.kill(parent, signal.SIGCONT),
        "signal to itself": lambda: os.kill(os.getpid(), 0),
        "ptrace": lambda: call("ptrace", 16, parent, None, None),
        "another's memory": vm_read,
        "io_uring": lambda: call("io_uring_setup", 1, ctypes.addressof(ctypes.create_string_buffer(120))),
        "pidfd": lambda: os.pidfd_open(parent),
        "unshare": lambda: call("unshare", 0x10000000),
        "a pair of streams": socket.socketpair,
        "a thread": lambda: threading.Thread(target=lambda: None).start(),
        "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    }
    return {name + suffix: said(attempt) for name, attempt in tried.items()}


if __name__ == "__main__":
    main()
