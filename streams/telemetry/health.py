"""What a worker shows: /metrics, /healthz, /readyz, over HTTP on an address of the settings.

`/healthz` says that the loop turns, nothing more: restarting a worker that waits for Kafka would help nobody.
`/readyz` says what is still missing. It must not compute a metric: `refresh` is asked to, before each scrape.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_log = structlog.get_logger()


class HealthError(Exception):
    """The address cannot be served; the message says why and what to change."""


class HealthServer:
    """The three pages of one process; an asynchronous context manager, or `start` and `stop`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        missing: Callable[[], Sequence[str]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        refresh: Callable[[], None] | None = None,
        warnings: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`missing`: what the worker still waits for, in words; empty when ready. `refresh` sets gauges. `warnings`: what somebody
        should look at, although the worker is ready and another one would do no better.
        """
        self._registry = registry
        self._missing = missing
        self._host = host
        self._port = port
        self._refresh = refresh
        self._warnings = warnings
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> Self:
        """Serve. Raises HealthError when the address is taken or not ours."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise HealthError(
                f"cannot serve metrics on {self._host}:{self._port}: {error.strerror or error}. "
                "Choose another BEHOUDLIJN_METRICS_PORT (0 picks a free one) or BEHOUDLIJN_METRICS_HOST."
            ) from error
        self._runner = runner
        port = runner.addresses[0][1]
        self.url = f"http://{self._host}:{port}"
        return self

    async def stop(self) -> None:
        """Stop serving and free the port; repeatable."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _metrics(self, request: web.Request) -> web.Response:
        if self._refresh is not None:
            try:
                self._refresh()
            except Exception:  # noqa: BLE001  a gauge that fails must not hide the counters
                _log.exception("metrics refresh failed")
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _healthz(self, _: web.Request) -> web.Response:
        await asyncio.sleep(0)  # one turn of the loop
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        missing = list(self._missing())
        said = {"ready": not missing, "missing": missing, "warnings": list(self._warnings())}
        return web.json_response(said, status=503 if missing else 200)
