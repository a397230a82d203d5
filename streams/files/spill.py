"""Bytes set aside, queue by queue, until they are wanted: in memory while they are few, then in one temporary file.

Owns that memory stays flat. The file has no name, so it goes away with the process, however that ends. It must not know what the bytes
mean.
"""

from __future__ import annotations

import io
import os
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Final, Generic, Self, TypeVar

KeyT = TypeVar("KeyT")
MOST_BYTES: Final = 64 * 1_048_576
"""So much is held in memory by default."""
_CHUNK: Final = 65_536


class SpillError(RuntimeError):
    """The temporary file cannot be made, written or read; the message tells what to do."""


class Spill(Generic[KeyT]):
    """Queues of bytes by key. When more than `most_bytes` are held, all of them go into the file. Close it, or use it in a `with`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._held = self._end = 0
        self._buffers: defaultdict[KeyT, bytearray] = defaultdict(bytearray)
        self._places: defaultdict[KeyT, array[int]] = defaultdict(lambda: array("Q"))
        """Where the parts of a queue that are in the file begin and end, in turns."""
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._buffers.clear()
        if self._file is not None:
            self._file.close()

    def append(self, key: KeyT, data: bytes) -> None:
        """Add bytes to the end of a queue. Raises SpillError when there is no room for them."""
        self._buffers[key] += data
        self._held += len(data)
        if self._held > self._most:
            with told():
                self._write()

    def read(self, key: KeyT, ahead: int = _CHUNK) -> io.BufferedReader:
        """Return the bytes of a queue as a stream, of which it holds no more than `ahead`, or 64 KiB, twice.

        Several queues may be read at once, when nothing is added any more.
        """
        ahead = min(ahead, _CHUNK)
        return io.BufferedReader(_Parts(self._parts(key, ahead)), ahead)

    def _write(self) -> None:
        if self._file is None:
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - `close` closes it
        for key, buffer in self._buffers.items():
            begin = self._end
            self._end += len(buffer)
            self._places[key].extend((begin, self._end))
            rest = memoryview(buffer)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._buffers.clear()
        self._held = 0

    def _parts(self, key: KeyT, ahead: int) -> Iterator[bytes | bytearray]:
        places = iter(self._places.get(key, ()))
        for at, end in zip(places, places, strict=True):
            assert self._file is not None
            while at < end:
                with told():
                    data = os.pread(self._file.fileno(), min(ahead, end - at), at)
                at += len(data)
                yield data
        yield self._buffers.get(key, b"")


class _Parts(io.RawIOBase):
    """A stream of parts one after the other."""

    def __init__(self, parts: Iterator[bytes | bytearray]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


@contextmanager
def told() -> Iterator[None]:
    """Make a SpillError of what goes wrong with a temporary file."""
    try:
        yield
    except OSError as error:
        raise SpillError(
            f"what does not fit into memory cannot be kept on disk: {error.strerror or error}. Make room, or set TMPDIR to a directory "
            "that has it"
        ) from error
