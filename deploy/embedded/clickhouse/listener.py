"""The server's listening sockets: bound before the process is confined, which then can make none.

They are bound and do not listen yet, so nobody can connect before the engine is ready.
"""

from __future__ import annotations

import os
import socket


def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for every address of `host`, all with the same port, a free one for 0. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        made = socket.socket(family, kind, protocol)
        sockets.append(made)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        port = port or (sockets[0].getsockname()[1] if len(sockets) > 1 else 0)
        try:
            made.bind((address[0], port, *address[2:]))
        except OSError as error:
            for each in sockets:
                each.close()
            reason = os.strerror(error.errno or 0).lower()
            raise OSError(
                error.errno, f"cannot listen on address {address[0]} port {port}: {reason}"
            ) from error
    return sockets
