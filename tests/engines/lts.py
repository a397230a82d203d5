"""chDB 3 behind the embedded server, which is made for chDB 4: engine 25.8, the one of the compose file.

chDB 3 has one session for the whole process, and binds no parameters. So here one request has the engine at a time,
and leaves the session as it was found. For tests alone.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.embedded.clickhouse.engine import Connection, Engine, Result, ResultStream
from deploy.embedded.clickhouse.errors import EngineError
from deploy.embedded.clickhouse.literals import identifier, quoted
from deploy.embedded.clickhouse.summary import Summary


class LtsEngine(Engine):
    """The engine with its one session."""

    def __init__(self, path: Path, rights: Path) -> None:
        self._turn = threading.Lock()
        self._configured: frozenset[str] | None = None
        super().__init__(path, rights)
        self._configured = _changed(_LtsConnection(self._root, self._turn, None))

    def connect(self) -> Connection:
        """Wait for the session."""
        self._turn.acquire()
        return _LtsConnection(self._root, self._turn, self._configured)


class _LtsConnection(Connection):
    def __init__(self, raw: Any, turn: threading.Lock, configured: frozenset[str] | None) -> None:
        super().__init__(raw)
        self._turn = turn
        self._configured = configured

    def query(
        self, sql: bytes | str, output: str = "TabSeparated", params: Mapping[str, str] | None = None
    ) -> Result:
        self._bind(params)
        return self._run(sql, output)

    def insert(self, sql: bytes | str, data_format: str, data: bytes) -> Result:
        """Send the data as part of the statement. chDB 3 does not count what it writes, but what it reads to write."""
        if not data:
            return Result(b"", Summary(written_rows=0))
        text = sql.encode() if isinstance(sql, str) else sql
        done = self._run(b"%b FORMAT %b\n%b" % (text, data_format.encode(), data)).summary
        return Result(b"", Summary(written_rows=done.result_rows, elapsed_ns=done.elapsed_ns))

    def stream(self, sql: bytes | str, output: str, params: Mapping[str, str] | None = None) -> ResultStream:
        self._bind(params)
        return super().stream(sql, output)

    def close(self) -> None:
        """Take back what the request has changed of the session."""
        try:
            self._run("USE default")
            made = self._run("SELECT name FROM system.tables WHERE is_temporary").body.decode().split()
            for name in made:
                self._run(f"DROP TEMPORARY TABLE {identifier(name)}")
            if self._configured is not None and (changed := _changed(self) - self._configured):
                self._run("SET " + ", ".join(f"{name} = DEFAULT" for name in changed))
        finally:
            self._turn.release()

    def _run(self, sql: bytes | str, output: str = "TabSeparated") -> Result:
        try:
            found = self._raw.query(sql, output)
        except RuntimeError as error:
            raise EngineError.from_exception(error) from error
        counted = Summary(
            read_rows=found.storage_rows_read(),
            read_bytes=found.storage_bytes_read(),
            result_rows=found.rows_read(),
            result_bytes=found.bytes_read(),
            elapsed_ns=int(found.elapsed() * 1_000_000_000),
        )
        return Result(found.bytes() or b"", counted)

    def _bind(self, params: Mapping[str, str] | None) -> None:
        if params:
            values = (f"{identifier('param_' + name)} = {quoted(value)}" for name, value in params.items())
            self._run("SET " + ", ".join(values))


def _changed(connection: Connection) -> frozenset[str]:
    sql = "SELECT name FROM system.settings WHERE changed"
    return frozenset(connection.query(sql).body.decode().split())
