"""Responses: headers, whole bodies, bodies in pieces, errors before and after the first byte.

It must not run anything on the engine but the reading of an open answer, and that in the thread it is given.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from aiohttp import hdrs, web

from deploy.embedded.clickhouse import encodings
from deploy.embedded.clickhouse.call import Call
from deploy.embedded.clickhouse.errors import EngineError, http_status
from deploy.embedded.clickhouse.execution import Answer, OpenAnswer
from deploy.embedded.clickhouse.formats import content_type

T = TypeVar("T")


class InThread(Protocol):
    """Runs a function in a worker thread."""

    def __call__(self, function: Callable[[], T], /) -> Awaitable[T]:
        """Await what `function` returns."""


class Replies:
    """Makes the responses of one server."""

    def __init__(
        self, *, version: str, timezone: str, compress_by_default: bool, in_thread: InThread
    ) -> None:
        self._version = version
        self._timezone = timezone
        self._compress_by_default = "1" if compress_by_default else "0"
        self._in_thread = in_thread

    def refusal(self, error: EngineError, query_id: str) -> web.Response:
        """Return the response to a call that has failed before its first byte."""
        headers = self._headers(query_id)
        headers["X-ClickHouse-Exception-Code"] = str(error.code)
        headers[hdrs.CONTENT_TYPE] = "text/plain; charset=UTF-8"
        return web.Response(status=http_status(error.code), body=error.body(self._version), headers=headers)

    async def reply(self, request: web.Request, call: Call, answer: Answer) -> web.StreamResponse:
        """Return the response to a call that has succeeded, or at least begun to. Closes nothing of the answer."""
        headers = self._headers(call.query_id)
        headers["X-ClickHouse-Summary"] = json.dumps(answer.summary.as_strings())
        headers["X-ClickHouse-Timezone"] = call.settings.get("session_timezone") or self._timezone
        headers[hdrs.CONTENT_TYPE] = "text/plain; charset=UTF-8"
        if answer.format:
            headers["X-ClickHouse-Format"] = answer.format
            headers[hdrs.CONTENT_TYPE] = content_type(answer.format)
        encoder = self._encoder(request, call) if answer.body else None
        if encoder is not None:
            headers[hdrs.CONTENT_ENCODING] = encoder.name
        encode = encoder.compress if encoder else bytes
        flush = encoder.flush if encoder else bytes
        if answer.rest is not None:
            return await self._stream(request, headers, (encode, flush), answer.body, answer.rest)
        body = await self._in_thread(lambda: encode(answer.body) + flush()) if encoder else answer.body
        return web.Response(body=body, headers=headers)

    def _encoder(self, request: web.Request, call: Call) -> encodings.Encoder | None:
        """Return whether the client accepts an encoding, and the setting `enable_http_compression` is on."""
        if call.settings.get("enable_http_compression", self._compress_by_default) not in ("1", "true"):
            return None
        name = encodings.choose(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        return encodings.Encoder(name) if name else None

    async def _stream(
        self,
        request: web.Request,
        headers: dict[str, str],
        encoding: tuple[Callable[[bytes], bytes], Callable[[], bytes]],
        first: bytes,
        rest: OpenAnswer,
    ) -> web.StreamResponse:
        encode, flush = encoding
        tag = secrets.token_hex(8)
        response = web.StreamResponse(headers={**headers, "X-ClickHouse-Exception-Tag": tag})

        def following() -> bytes | None:
            piece = rest.read()
            return None if piece is None else encode(piece)

        try:
            await response.prepare(request)
            await response.write(encode(first))
            try:
                while (piece := await self._in_thread(following)) is not None:
                    if piece:
                        await response.write(piece)
            except EngineError as error:
                block = _exception_block(error.body(self._version), tag.encode())
                await response.write(encode(block) + flush())
                response.force_close()
                if request.transport is not None:  # no last chunk: the answer is not complete, and shows it
                    request.transport.close()
                return response
            if last := flush():
                await response.write(last)
            await response.write_eof()
        except ConnectionResetError:  # the client has had enough; the caller ends the query
            response.force_close()
        return response

    def _headers(self, query_id: str) -> dict[str, str]:
        return {
            hdrs.SERVER: f"behoudlijn-embedded-clickhouse (chDB engine {self._version})",
            "X-ClickHouse-Query-Id": query_id,
        }


def _exception_block(message: bytes, tag: bytes) -> bytes:
    """Tell of an error inside a body that has begun as ClickHouse does: between markers with the response's
    tag."""
    return b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n" % (tag, message, len(message), tag)
