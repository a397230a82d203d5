"""The HTTP side: routes, the way of a request from its first header to its response, clients that go away.

It must not decide what SQL means (`call`, `statement`) nor touch the engine on the event loop (`execution`
runs in worker threads). It logs nothing: SQL,
parameters and data hold personal data.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from aiohttp import hdrs, web

from deploy.embedded.clickhouse import bodies, encodings, origin
from deploy.embedded.clickhouse.call import HEADERS, Call, understand
from deploy.embedded.clickhouse.credentials import SECRETS, Account, Credentials
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.errors import EngineError
from deploy.embedded.clickhouse.execution import Answer, Executor
from deploy.embedded.clickhouse.replies import Replies

T = TypeVar("T")

_NO_SUCH_PATH: Final = (
    "There is no handle {path}\n\nUse / or /ping for health checks.\n\n"
    "Send queries from your program with POST method or GET /?query=...\n"
)


class Server:
    """ClickHouse's HTTP interface over one engine."""

    def __init__(
        self,
        engine: Engine,
        credentials: Credentials,
        *,
        host: str,
        workers: int = 32,
        max_body_bytes: int = 1 << 30,
    ) -> None:
        """`host` is what the server listens on. `workers` queries run at once, others wait; a body (encoded or not) has
        at most `max_body_bytes`."""
        self._credentials = credentials
        self._host = host
        self._max_body_bytes = max_body_bytes
        self._executor = Executor(engine)
        self._replies = Replies(
            version=engine.version,
            timezone=engine.timezone,
            compress_by_default=engine.compresses_by_default,
            in_thread=self._in_thread,
        )
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="query")
        self._cleaning = ThreadPoolExecutor(2, thread_name_prefix="cleaning")
        self._running: set[asyncio.Future[Answer]] = set()

    def application(self) -> web.Application:
        """Return the routes; run it with `auto_decompress=False` and `handler_cancellation=True`."""
        app = web.Application(client_max_size=self._max_body_bytes, middlewares=[origin.guard(self._host)])
        app.router.add_get("/ping", self._ok)
        app.router.add_get("/", self._query)
        app.router.add_post("/", self._query)
        app.router.add_route("*", "/{path:.*}", self._unknown)
        return app

    async def close(self, grace: float) -> bool:
        """Wait `grace` seconds for running queries, then cancel them. False if one still runs after that."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        if self._running:
            await self._clean(self._executor.cancel_all)
        if self._running:
            await asyncio.wait(self._running, timeout=5.0)
        return not self._running

    async def _ok(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n", content_type="text/html")

    async def _unknown(self, request: web.Request) -> web.Response:
        return web.Response(status=404, text=_NO_SUCH_PATH.format(path=request.path))

    async def _query(self, request: web.Request) -> web.StreamResponse:
        if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) and "query" not in request.query:
            return await self._ok(request)
        query_id = request.query.get("query_id", "")
        try:
            account = self._credentials.check(request.headers, request.query)
            body = await bodies.read(request, self._max_body_bytes)
            call = await self._in_thread(self._understanding(request, body))
            query_id = call.query_id
            answer = await self._run(call, account)
        except EngineError as error:
            return self._replies.refusal(error, query_id)
        try:
            return await self._replies.reply(request, call, answer)
        finally:
            if answer.rest is not None:
                self._cleaning.submit(answer.rest.close)

    def _understanding(self, request: web.Request, body: bytes) -> Callable[[], Call]:
        """Return what is left to do to read a request; no password goes along, since threads that run SQL do it."""
        method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
        params = {name: value for name, value in request.query.items() if name not in SECRETS}
        headers = {name: value for name in HEADERS if (value := request.headers.get(name))}
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")

        def understanding() -> Call:
            decoded = encodings.decode(body, encoding)
            bodies.check_size(len(decoded), self._max_body_bytes)
            return understand(method, params, headers, decoded)

        return understanding

    async def _run(self, call: Call, account: Account) -> Answer:
        """Run a call to its end even if the client goes; what the client wants cancelled then is
        cancelled."""
        running = self._in_thread(functools.partial(self._executor.run, call, account))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(self._abandon)
            self._cleaning.submit(self._executor.cancel, call)
            raise

    def _abandon(self, running: asyncio.Future[Answer]) -> None:
        """Nobody waits for this answer: end its session."""
        if not running.cancelled() and running.exception() is None and (rest := running.result().rest):
            self._cleaning.submit(rest.close)

    def _in_thread(self, function: Callable[[], T], /) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, function)

    def _clean(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Use threads apart, so that the end of a query never waits for other queries."""
        return asyncio.get_running_loop().run_in_executor(self._cleaning, function)
