"""HTTP content encodings of request and response bodies: lz4 (frames), zstd, gzip.

It must not guess: an encoding that this installation lacks is refused with its name.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final

from deploy.embedded.clickhouse.errors import Code, EngineError


def _optional(*names: str) -> Any:
    """Return the first of these modules that is installed, or None; clickhouse-connect uses the same ones."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _zstd() -> Any:
    return _optional("compression.zstd", "backports.zstd")


class _Lz4:
    """One LZ4 frame per body, begun with the first piece."""

    def __init__(self, lz4: Any) -> None:
        self._frame = lz4.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        head = b"" if self._begun else self._frame.begin()
        self._begun = True
        return bytes(head + self._frame.compress(data))

    def flush(self) -> bytes:
        head = b"" if self._begun else self._frame.begin()
        return bytes(head + self._frame.flush())


def _read_lz4(lz4: Any, body: bytes) -> bytes:
    """Read every frame of the body.

    clickhouse-connect writes one for each block, and `lz4.frame.decompress` would silently stop after the
    first.
    """
    decoded = []
    while body:
        frame = lz4.LZ4FrameDecompressor()
        decoded.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("the last frame is not complete")
        body = frame.unused_data or b""
    return b"".join(decoded)


def _encoders() -> dict[str, Callable[[], Any]]:
    """In the order of preference; speed first, since client and server share one machine."""
    found: dict[str, Callable[[], Any]] = {}
    if (lz4 := _optional("lz4.frame")) is not None:
        found["lz4"] = functools.partial(_Lz4, lz4)
    if (zstd := _zstd()) is not None:
        found["zstd"] = functools.partial(zstd.ZstdCompressor, level=1)
    found["gzip"] = functools.partial(zlib.compressobj, 3, zlib.DEFLATED, 31)
    return found


def _decoders() -> dict[str, Callable[[bytes], Any]]:
    """Read a whole body, several frames or members of it included; fail on a damaged
    one."""
    found: dict[str, Callable[[bytes], Any]] = {"gzip": gzip.decompress}
    if (lz4 := _optional("lz4.frame")) is not None:
        found["lz4"] = functools.partial(_read_lz4, lz4)
    if (zstd := _zstd()) is not None:
        found["zstd"] = zstd.decompress
    return found


_ENCODERS: Final = _encoders()
_DECODERS: Final = _decoders()


def supported() -> tuple[str, ...]:
    """Return the encodings that can be read and written here, best first."""
    return tuple(_ENCODERS)


def decode(body: bytes, encoding: str) -> bytes:
    """Undo a request's Content-Encoding; raises EngineError 89 for an unknown one, 271 for a damaged body."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _DECODERS:
        raise EngineError.of(
            Code.UNKNOWN_COMPRESSION_METHOD,
            f"Unknown compression method {name!r}; this server reads {', '.join(supported())}.",
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
