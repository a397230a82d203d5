"""Canaries: files, sockets and a program outside the data directory, and what has come near them since.

It must not know how anyone tries to reach them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.integration.embedded_clickhouse.roads import Goals

PROGRAM = """#!/bin/sh
echo ran >> "$(dirname "$0")/made-by-run"
echo ran
"""


class Canaries:
    """A folder whose content must stay, and listeners that must stay alone."""

    def __init__(self, folder: Path) -> None:
        self.token = f"canary{secrets.token_hex(12)}"
        folder.mkdir()
        (folder / "secret.txt").write_text(f"{self.token}\n")
        (folder / "secret.csv").write_text(f"{self.token}\n")
        (folder / "run.sh").write_text(PROGRAM)
        (folder / "run.sh").chmod(0o755)
        for name in ("spare", "spare2", "spare3", "spare-thread", "spare2-thread", "spare3-thread"):
            (folder / name).write_text("spare")
        self.visits: list[str] = []
        self.abstract = f"behoudlijn-{secrets.token_hex(8)}"
        self.unix = f"{folder}/s"
        self._open: list[socket.socket] = []
        tcp = self._listen(socket.AF_INET, ("127.0.0.1", 0), "tcp")
        self._listen(socket.AF_UNIX, self.unix, "unix")
        self._listen(socket.AF_UNIX, "\0" + self.abstract, "abstract")
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self._watch(udp, "udp")
        self.goals = Goals(folder, tcp.getsockname()[1], udp.getsockname()[1])
        self._before = self._content()

    def changes(self) -> list[str]:
        """What is no longer as it was, and who came."""
        now = self._content()
        names = {name for name in {*now, *self._before} if now.get(name) != self._before.get(name)}
        return sorted(names | set(self.visits))

    def close(self) -> None:
        """End the listeners."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _content(self) -> dict[str, bytes]:
        found = {}
        for folder, _, names in os.walk(self.goals.folder):
            found[folder] = b""
            for name in names:
                path = Path(folder, name)
                found[str(path)] = path.read_bytes() if path.is_file() else b""
        return found

    def _listen(self, family: int, address: tuple[str, int] | str, name: str) -> socket.socket:
        made = socket.socket(family)
        made.bind(address)
        made.listen(64)
        self._watch(made, name)
        return made

    def _watch(self, made: socket.socket, name: str) -> None:
        self._open.append(made)

        def watch() -> None:
            with contextlib.suppress(OSError):
                while True:
                    if made.type == socket.SOCK_DGRAM:
                        if not made.recv(100):
                            return
                    else:
                        made.accept()[0].close()
                    self.visits.append(name)

        threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def canaries(folder: Path) -> Iterator[Canaries]:
    """Canaries in a new folder."""
    made = Canaries(folder)
    try:
        yield made
    finally:
        made.close()
