"""The server's listening sockets: bound before the process is confined, which then can make none.

They are bound and do not listen yet, so nobody can connect before the engine is ready.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""A name may stand for an address of a family that this machine does not speak, as `localhost` often does."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Return a socket for every address of `host` that this machine has, all with the same port, a free one for 0.

    Raises OSError, which names the address and the port.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    failed = OSError(errno.EADDRNOTAVAIL, f"{host} has no address")
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            made = _bound(family, (address[0], port, *address[2:]))
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            failed = OSError(error.errno, f"cannot listen on address {address[0]} port {port}: {reason}")
            if error.errno in _NOT_HERE:
                continue
            raise failed from error
        sockets.append(made)
        port = port or int(made.getsockname()[1])
    if not sockets:
        raise failed
    return sockets


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
