"""Lines of NDJSON from files, gzip files or standard input, and what each line is.

Owns reading and checking; it sends nothing.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any, BinaryIO, Final, NamedTuple, cast

from pydantic_core import from_json

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from schemas import topics
from schemas.base import Event
from streams.core.decode import AS_USUAL, Reading, decode, kind_of
from streams.core.records import Decoded, Record
from streams.files.json_values import values

STDIN: Final = "-"
MAX_LINE_BYTES: Final = 1_048_576
"""A longer line is refused before it fills the memory; no event is a sixteenth of it."""
NO_TIME: Final = -1
"""The ingestion time of a line: it has none, so that no event is one of the future."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_HEAD_BYTES: Final = 65_536
BROKEN: Final = (OSError, EOFError, zlib.error, zstd.ZstdError)
"""What reading raises when a file ends too early, or is not what its first bytes say."""
FOREIGN: Final = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet): unpack it, or save the sheet as text, first",
    b"\xff\xfe\x00\x00": "UTF-32: save it as UTF-8 first",
    b"\x00\x00\xfe\xff": "UTF-32: save it as UTF-8 first",
    b"\xff\xfe": "UTF-16: save it as UTF-8 first",
    b"\xfe\xff": "UTF-16: save it as UTF-8 first",
    b"PAR1": "a Parquet file: `behoudlijn convert` reads it, by a mapping with `format: parquet`",
    b"%PDF": "a PDF document: export a table",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of before 2007 (.xls): save it as .xlsx, or as text",
    b"BZh": "packed by bzip2: unpack it first (gzip and zstd are read)",
    b"\xfd7zXZ": "packed by xz: unpack it first (gzip and zstd are read)",
    b"7z\xbc\xaf": "packed by 7-Zip: unpack it first (gzip and zstd are read)",
    _GZIP_MAGIC: "packed twice: unpack it once",
    _ZSTD_MAGIC: "packed twice: unpack it once",
}
"""What a file is that begins so, and what to do."""
_TYPE: Final = re.compile(rb'"type"\s*:\s*"([a-z_]+)"')
_TOPICS: Final = {kind.encode(): declared.topic for kind, declared in topics.EVENT_TYPES.items()}


class InputError(ValueError):
    """The user's file is wrong; the message tells where (`file:line`) and what to do."""


class Line(NamedTuple):
    """One line that is not blank: `number` counts from 1, `data` is without the line end."""

    file: str
    number: int
    data: bytes

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"


class CheckedLine(NamedTuple):
    """A line that is a valid event. `key` is None for nobody in particular; `routing` is never empty."""

    line: Line
    topic: str
    event: Event
    key: bytes | None
    routing: bytes
    """What decides the partition: the customer id, or the event id where there is no customer."""


def open_input(path: str) -> IO[bytes]:
    """Open a file (or standard input for `-`) for reading bytes, unpacking gzip and zstd (known by their first bytes).

    Raises InputError when it cannot be opened.
    """
    raw = None
    try:
        source = _Unclosed(sys.stdin.buffer) if path == STDIN else io.FileIO(path)
        raw = io.BufferedReader(cast("io.RawIOBase", source))
        head = raw.peek(4)
    except OSError as error:
        if raw is not None:
            raw.close()
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if head.startswith(_GZIP_MAGIC):
        return cast("IO[bytes]", _Gzip(raw))
    if head.startswith(_ZSTD_MAGIC):
        return cast("IO[bytes]", _Zstd(raw))
    return cast("IO[bytes]", raw)


def read_lines(paths: Iterable[str]) -> Iterator[Line]:
    """Yield the events of the files one after the other: one a line, as a rule.

    A JSON array, indented objects and objects without line ends are read too; `number` is then the line in which an object begins.
    A byte order mark of UTF-8 is passed over. Raises InputError for what cannot be read.
    """
    for path in paths:
        name = "stdin" if path == STDIN else path
        number = 0
        with open_input(path) as stream:
            try:
                for number, data in raw_records(name, stream):
                    yield Line(name, number, data)
            except BROKEN as error:
                raise InputError(f"{name}: broken after line {number}: {error}") from error


def raw_records(name: str, stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the JSON values of a file, in whatever layout, each with the line in which it begins."""
    head: bytes = stream.peek(_HEAD_BYTES)  # type: ignore[attr-defined]  # of BufferedReader and GzipFile alike
    for start, what in FOREIGN.items():
        if head.startswith(start):
            raise InputError(f"{name}: {what}")
    if head.startswith(_UTF8_MARK):
        stream.read(len(_UTF8_MARK))
        head = head.removeprefix(_UTF8_MARK)
    if _one_a_line(head):
        yield from _lines(name, stream)
    else:
        yield from values(stream, MAX_LINE_BYTES)


def _one_a_line(head: bytes) -> bool:
    """Return whether the first line is not the beginning of something longer; what is no JSON is read by lines too."""
    first = head.lstrip().split(b"\n", 1)[0].strip()
    if not first.startswith((b"{", b"[")):
        return True
    try:
        return isinstance(from_json(first), dict)
    except ValueError:
        return False


def _lines(name: str, stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(data) > MAX_LINE_BYTES:
            raise InputError(f"{name}:{number}: the line is longer than {MAX_LINE_BYTES} bytes")
        data = data.strip()
        if b"}{" in data:
            yield from ((number, each.data) for each in values(io.BytesIO(data), MAX_LINE_BYTES))
        elif data:
            yield number, data


def topic_of(data: bytes) -> str:
    """Return the input topic of an event, by its field `type`. Raises InputError when it has none of ours."""
    kind = kind_of(data)
    if kind in topics.EVENT_TYPES:
        return topics.EVENT_TYPES[kind].topic
    refused = decode(Record(topics.CALLS, 0, 0, NO_TIME, None, data)).reject
    if refused is not None and refused.code == "not_json":
        raise InputError(f"no JSON: {refused.message}")
    raise InputError(f"no event: field type must be one of {', '.join(topics.EVENT_TYPES)}")


def likely_topic(data: bytes) -> str:
    """Return the topic of an event, or that of the calls for what names no type of ours: any topic's decoder refuses it."""
    kind = kind_of(data)
    return topics.EVENT_TYPES[kind].topic if kind in topics.EVENT_TYPES else topics.CALLS


def decode_line(line: Line, as_of: int = NO_TIME, reading: Reading = AS_USUAL) -> Decoded:
    """Decode a line as a record of the topic that its type names, by the decoder of the workers.

    `as_of` (ms) stands for the ingestion time.
    """
    # What looks like the type is a guess that spares a parse: only the topic of its type takes an event.
    guess = _TYPE.search(line.data)
    known = None if guess is None else _TOPICS.get(guess[1])
    if known is not None:
        decoded = decode(Record(known, 0, line.number, as_of, None, line.data), reading)
        if decoded.event is not None:
            return decoded
    return decode(Record(likely_topic(line.data), 0, line.number, as_of, None, line.data), reading)


def check_line(line: Line, reading: Reading = AS_USUAL) -> CheckedLine:
    """Read a line as an event, by the decoder of the workers.

    Raises InputError with file, line, field and reason; the payload is not quoted.
    """
    decoded = decode_line(line, reading=reading)
    event, topic = decoded.event, decoded.record.topic
    if event is None:
        try:
            topic_of(line.data)
        except InputError as error:
            raise InputError(f"{line.place}: {error}") from None
        reason = decoded.reject.message if decoded.reject else "no event"
        raise InputError(f"{line.place}: {reason}")
    if decoded.anonymous or event.customer_id is None:
        return CheckedLine(line, topic, event, None, event.event_id.encode())
    key = event.customer_id.encode()
    return CheckedLine(line, topic, event, key, key)


class _Unclosed(io.RawIOBase):
    """Standard input without its end: closing our reader must not close the process's."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        read = getattr(self._source, "read1", self._source.read)
        data: bytes = read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Zstd(zstd.ZstdFile):
    """A zstd reader that closes the file below it too."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw, "rb")
        self._below = raw

    def close(self) -> None:
        super().close()
        self._below.close()


class _Gzip(gzip.GzipFile):
    """A gzip reader that closes the file below it too."""

    def __init__(self, raw: Any) -> None:
        super().__init__(fileobj=raw)
        self._below = raw

    def close(self) -> None:
        super().close()
        self._below.close()
