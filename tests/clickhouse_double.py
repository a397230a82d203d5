"""A double of ClickHouse's HTTP interface: a proxy before a real server that answers by script, as servers and networks in trouble do.

Owns how each trouble looks to a client. It must not change what it hands on, nor choose when a trouble comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
from aiohttp import hdrs, web

from tests.clickhouse_troubles import HANGS, Trouble

_MARK: Final = "0123456789abcdef"
_NOT_OURS: Final = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "transfer-encoding"}
)
"""Headers of one connection, not of the message."""
_PAGE: Final = b"<html><head><title>%d</title></head><body>A proxy says no.</body></html>"


class Double:
    """The proxy, on a port of 127.0.0.1, to the server on `host` and `port`."""

    def __init__(self, host: str, port: int) -> None:
        self._server = f"http://{host}:{port}"
        self._script: deque[tuple[str, Trouble]] = deque()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.port = 0
        self.seen: Counter[str] = Counter()
        """What was done, by name; `handed on` is a request to which nothing was done."""
        self.statements: list[str] = []
        """The beginning of each statement that reached the server."""

    def play(self, *troubles: Trouble, at: str = "") -> None:
        """One after the other, each for one request whose statement holds `at`."""
        self._script.extend((at, trouble) for trouble in troubles)

    @property
    def met(self) -> int:
        """Troubles that somebody has met."""
        return self.seen.total() - self.seen["handed on"]

    @property
    def left(self) -> int:
        """Troubles that nobody has met yet."""
        return len(self._script)

    def forget(self) -> None:
        """What was not met yet does not come any more, and what hangs is let go."""
        self._script.clear()
        self._released.set()
        self._released = asyncio.Event()

    async def start(self) -> Double:
        """Listens."""
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=300))
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def close(self) -> None:
        """Ends at once."""
        self.forget()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        statement = request.query.get("query", "") or body[:400].decode("utf-8", "replace")
        trouble = self._next(statement)
        self.seen["handed on" if trouble is None else trouble.name] += 1
        if trouble is None:
            return await self._handed_on(request, body, statement)
        if trouble is HANGS:
            await self._released.wait()
            return _cut(request)
        real = await self._handed_on(request, body, statement) if trouble.done else None
        return await _troubled(request, trouble, real)

    def _next(self, statement: str) -> Trouble | None:
        for number, (at, trouble) in enumerate(self._script):
            if at in statement:
                del self._script[number]
                return trouble
        return None

    async def _handed_on(self, request: web.Request, body: bytes, statement: str) -> web.Response:
        assert self._session is not None
        self.statements.append(statement[:400])
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_OURS}
        async with self._session.request(
            request.method, f"{self._server}{request.path_qs}", data=body, headers=headers
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_OURS}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


async def _troubled(request: web.Request, trouble: Trouble, real: web.Response | None) -> web.StreamResponse:
    headers: dict[str, str] = {"X-ClickHouse-Query-Id": "double", "X-ClickHouse-Summary": "{}"}
    match trouble.name:
        case "error":
            headers = {"X-ClickHouse-Exception-Code": str(trouble.code)}
            return web.Response(status=trouble.status, headers=headers, body=trouble.text)
        case "late":
            mark = _MARK.encode()
            block = b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n" % (
                mark, trouble.text, len(trouble.text), mark
            )  # fmt: skip
            return web.Response(headers=headers | {"X-ClickHouse-Exception-Tag": _MARK}, body=block)
        case "page":
            to = {hdrs.LOCATION: trouble.text.decode()} if trouble.text else {}
            return web.Response(
                status=trouble.status, headers=to, body=_PAGE % trouble.status, content_type="text/html"
            )
        case "silent":
            return web.Response(headers=headers)
        case "empty":
            return web.Response()
        case "garbled":
            assert real is not None
            real.headers.pop(hdrs.CONTENT_ENCODING, None)
            return web.Response(headers=real.headers, body=bytes(range(1, 200)))
        case "cut within":
            _write(request, b"HTTP/1.1 200 OK\r\nX-ClickHouse-Sum")
        case "cut body":
            assert real is not None
            assert isinstance(real.body, bytes)
            head = "".join(f"{name}: {value}\r\n" for name, value in real.headers.items())
            length = len(real.body) + 100
            _write(
                request,
                f"HTTP/1.1 {real.status} OK\r\n{head}Content-Length: {length}\r\n\r\n".encode() + real.body,
            )
        case _:
            pass
    return _cut(request)


def _write(request: web.Request, data: bytes) -> None:
    assert request.transport is not None
    request.transport.write(data)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    raise asyncio.CancelledError  # nothing is to be written any more


@contextlib.contextmanager
def doubled(host: str, port: int) -> Iterator[Double]:
    """A double in a thread of its own, for tests without an event loop."""
    made: list[Double] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    def serve() -> None:
        asyncio.set_event_loop(loop)

        async def begin() -> Any:
            made.append(await Double(host, port).start())
            ready.set()

        loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(made[0].close())
        loop.close()

    thread = threading.Thread(target=serve, name="clickhouse-double")
    thread.start()
    ready.wait(30)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(made[0].forget)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
