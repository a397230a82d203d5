"""Request bodies: read whole and bounded, still encoded.

Whole, because a client that breaks off in the middle of an INSERT must have written nothing.
"""

from __future__ import annotations

from aiohttp import web

from deploy.embedded.clickhouse.errors import Code, EngineError


async def read(request: web.Request, limit: int) -> bytes:
    """Read the body of a request; raises EngineError 229 as soon as it is larger than `limit` bytes, and 48 for a form."""
    if request.content_type == "multipart/form-data":
        raise EngineError.of(
            Code.NOT_IMPLEMENTED,
            "Forms, and with them external tables, are not supported by the embedded server. Send the query as the body.",
        )
    pieces, size = [], 0
    async for piece in request.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        check_size(size, limit)
    return b"".join(pieces)


def check_size(size: int, limit: int) -> None:
    """Raise EngineError 229 when `size` bytes are too many."""
    if size > limit:
        raise EngineError.of(
            Code.QUERY_IS_TOO_LARGE, f"The request body is larger than {limit} bytes. Send smaller batches."
        )
