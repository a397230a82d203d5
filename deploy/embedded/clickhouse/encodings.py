"""HTTP content encodings of request and response bodies: lz4 (frames), zstd, gzip.

It must not guess: another encoding is refused with its name.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

import lz4.frame

from deploy.embedded.clickhouse.errors import Code, EngineError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class _Lz4:
    """One LZ4 frame per body, begun with the first piece."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._head = self._frame.begin()

    def compress(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._frame.compress(data))

    def flush(self) -> bytes:
        return bytes(self._head + self._frame.flush())


def _read_lz4(body: bytes) -> bytes:
    """Read every frame of the body.

    clickhouse-connect writes one for each block, and `lz4.frame.decompress` would silently stop after the
    first.
    """
    decoded = []
    while body:
        frame = lz4.frame.LZ4FrameDecompressor()
        decoded.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("the last frame is not complete")
        body = frame.unused_data or b""
    return b"".join(decoded)


_ENCODERS: Final[dict[str, Callable[[], Any]]] = {
    "lz4": _Lz4,
    "zstd": lambda: zstd.ZstdCompressor(level=1),
    "gzip": lambda: zlib.compressobj(3, zlib.DEFLATED, 31),
}
"""In the order of preference; speed first, since client and server share one machine."""
_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "lz4": _read_lz4,
    "zstd": zstd.decompress,
    "gzip": gzip.decompress,
}
"""Read a whole body, several frames or members of it included; fail on a damaged one."""


def decode(body: bytes, encoding: str) -> bytes:
    """Undo a request's Content-Encoding; raises EngineError 89 for an unknown one, 271 for a damaged body."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _DECODERS:
        raise EngineError.of(
            Code.UNKNOWN_COMPRESSION_METHOD,
            f"Unknown compression method {name!r}; this server reads {', '.join(_DECODERS)}.",
        )
    try:
        return bytes(_DECODERS[name](body))
    except Exception as error:  # each codec raises its own kind, and all mean the same: the body is damaged
        raise EngineError.of(
            Code.CANNOT_DECOMPRESS, f"Cannot decompress the request body as {name}: {error}."
        ) from error


def choose(accepted: str) -> str | None:
    """Return the encoding to answer with for an Accept-Encoding header, or None for a plain body."""
    offers = {}
    for offer in accepted.lower().split(","):
        name, _, weight = offer.partition(";")
        offers[name.strip()] = weight.strip().replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((name for name in _ENCODERS if offers.get(name)), None)


class Encoder:
    """Encodes one response body; `name` comes from `choose`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._made = _ENCODERS[name]()

    def compress(self, data: bytes) -> bytes:
        """Encode a piece; may hold bytes back."""
        return bytes(self._made.compress(data))

    def flush(self) -> bytes:
        """End the body."""
        return bytes(self._made.flush())
