"""TCP ports of this machine: find a free one, see whether one answers.

Owns nothing but the two questions. It must not keep a port open.
"""

from __future__ import annotations

import contextlib
import random
import socket

_PORTS = range(15_000, 32_000)  # below the ephemeral range: a client's outgoing connection can never take one


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of `host` that nothing listens on now. Raises `OSError` when 200 random ones are taken.

    Nothing reserves it: the caller binds it at once and tries again when someone else was faster.
    """
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return port
    raise OSError(f"no free port on {host} between {_PORTS.start} and {_PORTS.stop}: close some listeners")


def accepts_connections(host: str, port: int) -> bool:
    """Return whether something accepts TCP connections at (`host`, `port`) now."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
