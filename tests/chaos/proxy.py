"""The road to ClickHouse, which can be closed, slow, silent, cut just after an insert took effect, or lead to another address.

Owns the connections between sink workers and the store, and in which way they are broken now. It must not change a byte.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from enum import StrEnum
from typing import Final

_CHUNK: Final = 64 * 1024
_HEAD: Final = 4_096
_SLOW_SECONDS: Final = 0.25


class Road(StrEnum):
    """How the road is now."""

    OPEN = "open"
    REFUSED = "refused"
    """Nobody listens: a connection is refused, and those that are open are reset."""
    SLOW = "slow"
    """Every piece of bytes waits."""
    SILENT = "silent"
    """Connections are taken, and nothing comes through."""
    CUT = "cut"
    """The answer to an insert does not arrive, although the insert took effect."""


class Proxy:
    """A TCP proxy on 127.0.0.1 to one address; as a context manager. `seen` counts what it did."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self._server: asyncio.Server | None = None
        self._road = Road.OPEN
        self._changed = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.seen: Counter[str] = Counter()

    async def __aenter__(self) -> Proxy:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._road = Road.OPEN
        self._changed.set()  # nobody waits for the end of a silence any more
        await self._close()
        self._reset()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # a transport closes its socket in the turn after

    async def set(self, road: Road) -> None:
        """From now on the road is like this."""
        self._road = road
        self._changed.set()
        self._changed = asyncio.Event()
        if road is Road.REFUSED:
            await self._close()
        elif self._server is None:
            await self._listen()
        elif road is Road.OPEN:
            self._reset()  # what was silent or half cut begins anew

    def lead(self, host: str, port: int) -> None:
        """From now on it leads there: connections that are open are reset, and their owners come again."""
        self.target = (host, port)
        self._reset()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self._reset()

    def _reset(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._join(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        await serving

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen["connections"] += 1
        self._writers.add(writer)
        try:
            await self._through_silence()
            store_reader, store_writer = await asyncio.open_connection(*self.target)
        except OSError:
            self._writers.discard(writer)
            writer.transport.abort()
            return
        self._writers.add(store_writer)
        exchange = _Exchange()
        pumps = [
            asyncio.create_task(self._pump(reader, store_writer, exchange, asked=True)),
            asyncio.create_task(self._pump(store_reader, writer, exchange, asked=False)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for each in (writer, store_writer):
            self._writers.discard(each)
            each.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, exchange: _Exchange, *, asked: bool
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(_CHUNK):
                await self._through_silence()
                if self._road is Road.SLOW:
                    self.seen["delayed pieces"] += 1
                    await asyncio.sleep(_SLOW_SECONDS)
                if asked:
                    exchange.asks(data)
                elif exchange.answers() and self._road is Road.CUT:
                    self.seen["answers cut"] += 1
                    return  # the store has written, and the client will never hear of it
                target.write(data)
                await target.drain()

    async def _through_silence(self) -> None:
        while self._road is Road.SILENT:
            await self._changed.wait()


class _Exchange:
    """Whether what is answered next is an insert."""

    def __init__(self) -> None:
        self._head = b""

    def asks(self, data: bytes) -> None:
        """Bytes of a request."""
        if len(self._head) < _HEAD:
            self._head += data[:_HEAD]

    def answers(self) -> bool:
        """Bytes of an answer come; true when they answer an insert."""
        head, self._head = self._head, b""
        return b"INSERT" in head
