"""The chDB engine: one per process, with connections that each are one ClickHouse session.

Owns the engine's life, its rights (`engine.xml`) and the reading of its statistics. It must not know HTTP. A
connection is used by one thread at a time; chDB allows any number of them side by side. Loading this module
starts the engine's threads.
"""

from __future__ import annotations

import threading
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import chdb

from deploy.embedded.clickhouse.errors import Code, EngineError
from deploy.embedded.clickhouse.summary import Summary

_INSERT_PIECE: Final = 4 * 1024 * 1024
RIGHTS: Final = Path(__file__).with_name("engine.xml")
"""What the engine may do."""
_READERS: Final = "behoudlijn_bi"
"""Profile of readers' sessions."""


@dataclass(frozen=True, slots=True)
class Result:
    """A whole answer: its bytes in the asked format, and the counts."""

    body: bytes
    summary: Summary


class Connection:
    """One session of the engine: own settings and database. Methods raise EngineError."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def query(
        self, sql: bytes | str, output: str = "TabSeparated", params: Mapping[str, str] | None = None
    ) -> Result:
        """Run one statement; `output` counts where the statement names no format."""
        bound = {"params": dict(params)} if params else {}
        try:
            found = self._raw.query(_text(sql), output, **bound)
            return Result(found.bytes() or b"", _summary(found))
        except (
            Exception
        ) as error:  # chDB raises RuntimeError, ChdbError and pybind's own kinds for engine errors
            raise EngineError.from_exception(error) from error

    def insert(self, sql: bytes | str, data_format: str, data: bytes) -> Result:
        """Run an INSERT (without FORMAT clause) with `data`, in one block up to the engine's insert limits.

        Nothing is written when the data is damaged before the first such block is full.
        """
        view = memoryview(data)
        try:
            with self._raw.send_insert(_text(sql), data_format) as inserter:
                for start in range(0, len(view), _INSERT_PIECE):
                    inserter.append(bytes(view[start : start + _INSERT_PIECE]))
                done = inserter.finish()
        except Exception as error:  # as above
            raise EngineError.from_exception(error) from error
        return Result(
            b"",
            Summary(
                written_rows=done.rows_written,
                written_bytes=done.bytes_written,
                elapsed_ns=int(done.elapsed * 1_000_000_000),
            ),
        )

    def stream(self, sql: bytes | str, output: str, params: Mapping[str, str] | None = None) -> ResultStream:
        """Run a SELECT whose answer comes in pieces; until the stream is closed nothing else may run here."""
        bound = {"params": dict(params)} if params else {}
        try:
            return ResultStream(self._raw.send_query(_text(sql), output, **bound))
        except Exception as error:  # as above
            raise EngineError.from_exception(error) from error

    def close(self) -> None:
        """End the session."""
        self._raw.close()


class ResultStream:
    """Pieces of one answer. `close` may be called from another thread than the one that reads."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._lock = threading.Lock()
        self._begun = time.perf_counter_ns()
        self._pieces = self._read_rows = self._read_bytes = self._rows = self._bytes = 0

    def read(self) -> bytes | None:
        """Return the next piece, None at the end. Raises EngineError when the query fails on the way."""
        with self._lock:
            try:
                piece = self._raw.fetch()
            except Exception as error:  # as above
                raise EngineError.from_exception(error) from error
        if piece is None:
            return None
        self._pieces += 1
        self._rows += piece.rows_read()
        self._bytes += piece.bytes_read()
        self._read_rows += piece.storage_rows_read()
        self._read_bytes += piece.storage_bytes_read()
        return bytes(piece.bytes())

    @property
    def summary(self) -> Summary:
        """Counts up to the last piece; the engine tells them with pieces, so without one they are unknown."""
        return Summary(
            read_rows=self._read_rows if self._pieces else None,
            read_bytes=self._read_bytes if self._pieces else None,
            result_rows=self._rows,
            result_bytes=self._bytes,
            elapsed_ns=time.perf_counter_ns() - self._begun,
        )

    def close(self) -> None:
        """End the query, also in the middle; waits for a `read` that is under way."""
        with self._lock:
            try:
                self._raw.close()
            except Exception as error:  # as above
                raise EngineError.from_exception(error) from error


class Engine:
    """The one engine of this process, over a directory."""

    def __init__(self, path: Path, rights: Path = RIGHTS) -> None:
        """Open or create the database in `path`; raises EngineError, for example when another process has
        it, and OSError. `rights` is the engine's configuration."""
        if "?" in str(path):
            raise EngineError.of(
                Code.BAD_ARGUMENTS, f"The path {str(path)!r} holds a question mark. Choose another one."
            )
        _ensure_default_database(path)
        self.reader = _reader(rights)
        """The statement that makes a session a reader's."""
        self._address = f"{path}?config-file={rights}"
        try:
            self._root = chdb.connect(self._address)  # held open: the engine ends with its last connection
        except Exception as error:  # as above
            raise EngineError.from_exception(error) from error
        row = (
            self.query("SELECT version(), timezone(), getSetting('enable_http_compression')")
            .body.decode()
            .split("\t")
        )
        self.version, self.timezone = row[0], row[1]
        self.compresses_by_default = row[2].strip() in ("1", "true")

    def connect(self) -> Connection:
        """Return a new session."""
        try:
            return Connection(chdb.connect(self._address))
        except Exception as error:  # as above
            raise EngineError.from_exception(error) from error

    def query(self, sql: str, output: str = "TabSeparated") -> Result:
        """Run one statement in a session of its own."""
        connection = self.connect()
        try:
            return connection.query(sql, output)
        finally:
            connection.close()

    def close(self) -> None:
        """Shut the engine down, waiting for its background work."""
        self._root.close()


def _ensure_default_database(path: Path) -> None:
    """Write down `default` as a database like any other; the engine only finds it, and makes none of its own.

    What clickhouse-local's `default` has left in a directory stays its content: a link tells under which id.
    """
    known = path / "metadata" / "default.sql"
    if known.exists():
        return
    link = path / "metadata" / "default"
    found = link.readlink().name if link.is_symlink() else str(uuid.uuid4())
    known.parent.mkdir(exist_ok=True)
    known.write_text(f"ATTACH DATABASE _ UUID '{found}'\nENGINE = Atomic\n")


def _reader(rights: Path) -> str:
    """Return the SET with the profile, whose constraints hold from then on, and its values, which chDB leaves out of that."""
    profile = ET.parse(rights).find(f"profiles/{_READERS}")  # noqa: S314 - our own file
    assert profile is not None
    values = {setting.tag: setting.text for setting in profile if setting.tag != "constraints"}
    values["readonly"] = values.pop("readonly")  # last, since it bars what follows
    return f"SET profile = '{_READERS}', " + ", ".join(f"{name} = {value}" for name, value in values.items())


def _text(sql: bytes | str) -> str | bytes:
    """Return SQL as text where it is UTF-8; other bytes go to the engine as they are."""
    if isinstance(sql, str):
        return sql
    try:
        return sql.decode()
    except UnicodeDecodeError:
        return sql


def _summary(found: Any) -> Summary:
    return Summary(
        read_rows=found.storage_rows_read(),
        read_bytes=found.storage_bytes_read(),
        written_rows=found.rows_written(),
        written_bytes=found.bytes_written(),
        result_rows=found.rows_read(),
        result_bytes=found.bytes_read(),
        elapsed_ns=int(found.elapsed() * 1_000_000_000),
    )
