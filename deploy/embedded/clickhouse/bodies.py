"""Request bodies: read whole and bounded, plain or as the parts of a multipart form.

Whole, because a client that breaks off in the middle of an INSERT must have written nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from deploy.embedded.clickhouse.errors import QUERY_IS_TOO_LARGE, EngineError


@dataclass(frozen=True, slots=True)
class Body:
    """What came with a request: `raw` bytes, still encoded; or of a form its text fields and its files."""

    raw: bytes = b""
    form: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


async def read(request: web.Request, limit: int) -> Body:
    """Read the body of a request; raises EngineError 229 as soon as it is larger than `limit` bytes."""
    if request.content_type == "multipart/form-data":
        return await _read_form(request, limit)
    pieces, size = [], 0
    async for piece in request.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        check_size(size, limit)
    return Body(b"".join(pieces))


def check_size(size: int, limit: int) -> None:
    """Raise EngineError 229 when `size` bytes are too many."""
    if size > limit:
        raise EngineError.of(
            QUERY_IS_TOO_LARGE, f"The request body is larger than {limit} bytes. Send smaller batches."
        )


async def _read_form(request: web.Request, limit: int) -> Body:
    """Tell an external table from a text field by the file name, as ClickHouse does."""
    body = Body()
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        pieces = []
        while piece := await part.read_chunk(1 << 16):
            pieces.append(piece)
            size += len(piece)
            check_size(size, limit)
        data = bytes(part.decode(b"".join(pieces)))
        if part.filename is None:
            body.form[part.name] = data.decode(errors="surrogateescape")
        else:
            body.files[part.name] = data
    return body
