"""Start the embedded ClickHouse server: `python -m deploy.embedded.clickhouse --host 127.0.0.1 --port 0`.

Owns the process: the order of its start, the one ready line on standard output, signals, the end. Passwords,
certificates and the listening socket come first, then the confinement, and only then the engine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from deploy.embedded.clickhouse.confinement import ConfinementError, confine, forget_environment
from deploy.embedded.clickhouse.credentials import Credentials
from deploy.embedded.clickhouse.directory import data_directory
from deploy.embedded.clickhouse.errors import EngineError
from deploy.embedded.clickhouse.layout import establish
from deploy.embedded.clickhouse.options import credentials, options, tls

if TYPE_CHECKING:
    from deploy.embedded.clickhouse.engine import Engine


@dataclass(frozen=True, slots=True)
class _Door:
    """What has to be had before the confinement: a socket, certificates, and who may come in."""

    listener: socket.socket
    tls: ssl.SSLContext | None
    credentials: Credentials


def main(arguments: Sequence[str] | None = None, load: Callable[[Path], Engine] | None = None) -> int:
    """Run the server until SIGTERM, SIGINT or the parent's death. Returns the exit code.

    `load` opens another engine over the data directory than the one that this package is made for.
    """
    parent = os.getppid()
    chosen = options(arguments)
    forget_environment()
    os.environ["TZ"] = "UTC"  # the engine reads it while it is loaded, so that comes after this
    time.tzset()
    try:
        door = _Door(_bound(chosen.host, chosen.port), tls(chosen), credentials(chosen))
        with data_directory(chosen.path) as path:
            return _run(chosen, door, path, parent, load or _pinned)
    except (ConfinementError, EngineError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"The embedded ClickHouse server cannot start: {error}\n")
        return 1


def _bound(host: str, port: int) -> socket.socket:
    """Return the listening socket, which a confined process could not make. It does not listen yet, so nobody can connect
    before the engine is ready. Raises OSError, which names address and port."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise OSError(f"cannot listen on address {host} port {port}: {reason}") from error
    return made


def _run(
    chosen: argparse.Namespace, door: _Door, path: Path, parent: int, load: Callable[[Path], Engine]
) -> int:
    scratch = path / "tmp"
    scratch.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(scratch)
    if not chosen.unconfined:
        confine(
            path if chosen.path else path.parent, removed_from=None if chosen.path else path.parent.parent
        )
    # The engine measures the stack of each thread that enters it; that of the main one is in /proc/self/maps only.
    with ThreadPoolExecutor(1, thread_name_prefix="engine") as thread:
        engine, stayed = thread.submit(_load, load, path).result()
        all_ended = asyncio.run(_serve(chosen, door, engine, stayed, parent))
        if all_ended:
            thread.submit(engine.close).result()
            return 0
    # A query that cannot be cancelled would hold its thread, and with it the process, for ever.
    if chosen.path is None:
        shutil.rmtree(path.parent, ignore_errors=True)
    os._exit(0)


def _pinned(path: Path) -> Engine:
    """Load the engine, which starts threads, and open the database."""
    from deploy.embedded.clickhouse.engine import Engine

    return Engine(path)


def _load(load: Callable[[Path], Engine], path: Path) -> tuple[Engine, list[str]]:
    """Return the engine, and the views that a former version has left in `default` for good."""
    try:
        engine = load(path)
        return engine, establish(engine)
    except EngineError as error:
        raise OSError(
            f"{error} (is another process using {path}? Each server needs a --path of its own)"
        ) from error


async def _serve(
    chosen: argparse.Namespace, door: _Door, engine: Engine, stayed: list[str], parent: int
) -> bool:
    """Serve until told to stop; False if a query could not be stopped. Raises OSError if it cannot listen."""
    from deploy.embedded.clickhouse.server import Server

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(engine, door.credentials, host=chosen.host)
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        auto_decompress=False,
        handler_cancellation=True,
        max_line_size=1 << 20,  # ClickHouse's http_max_uri_size
        max_field_size=1 << 17,
        shutdown_timeout=chosen.grace,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, door.listener, ssl_context=door.tls).start()
        host, port = runner.addresses[0][:2]
        ready: dict[str, object] = {"ready": True, "host": host, "port": port, "version": engine.version}
        ready |= {"confined": not chosen.unconfined, "stayed": stayed}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        watching = asyncio.create_task(_watch(parent, stop)) if chosen.exit_with_parent else None
        await stop.wait()
        if watching is not None:
            watching.cancel()
    finally:
        await runner.cleanup()
        all_ended = await server.close(chosen.grace)
    return all_ended


async def _watch(parent: int, stop: asyncio.Event) -> None:
    """Stop when this process has been given another parent, which happens when its own one has died."""
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.25)
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
