"""Sessions: which engine connection serves a request, and with which settings and database.

A request without `session_id` gets a connection of its own, closed after it. A named session keeps its
connection, so that `SET`, `USE` and temporary tables last; settings and database of a URL hold for their
request only, as in ClickHouse. It must not run a client's statement.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from deploy.embedded.clickhouse.call import Call
from deploy.embedded.clickhouse.engine import Connection, Engine
from deploy.embedded.clickhouse.errors import (
    BAD_ARGUMENTS,
    INVALID_SESSION_TIMEOUT,
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    EngineError,
)
from deploy.embedded.clickhouse.literals import identifier, quoted

_DEFAULT_TIMEOUT: Final = 60.0
_MAX_TIMEOUT: Final = 3600.0


class Session:
    """A connection with what the requests on it have changed."""

    def __init__(self, connection: Connection, readonly: bool) -> None:
        self.connection = connection
        self.expires_at = 0.0
        self.busy = False
        self._own_database = self._database = "default"
        self._applied: dict[str, str] = {}
        self._before: dict[str, str] = {}
        self._was_set = False
        if readonly:
            connection.query("SET readonly = 2")

    def prepare(self, call: Call, extra: Mapping[str, str]) -> None:
        """Bring database, role, settings and parameters to what the request wants; raises EngineError."""
        database = call.database or self._own_database
        if database != self._database:
            self.connection.query(f"USE {identifier(database)}")
            self._database = database
        if call.role:
            self.connection.query(f"SET ROLE {identifier(call.role)}")
        self._apply({**extra, **call.settings})
        if call.params and call.statement.takes_data:
            # The engine binds parameters of queries itself; for an INSERT with data they are set before.
            self._set({f"param_{name}": value for name, value in call.params.items()})

    def after(self, call: Call) -> None:
        """Note what a statement that ended well has changed for later requests of this session."""
        if call.statement.kind == "SET":
            self._was_set = True
            sql = call.statement.sql.decode(errors="replace")
            for name in [name for name in self._applied if name in sql]:
                del self._applied[name]
        elif call.statement.kind == "USE":
            found = self.connection.query("SELECT currentDatabase()", "JSONEachRow").body
            self._own_database = self._database = str(json.loads(found)["currentDatabase()"])

    def _apply(self, wanted: Mapping[str, str]) -> None:
        """Set what differs from the request before, and restore what the URL names no longer."""
        gone = [name for name in self._applied if name not in wanted]
        changed = {name: value for name, value in wanted.items() if self._applied.get(name) != value}
        if gone:
            values = [f"{_name(name)} = {self._before.pop(name, 'DEFAULT')}" for name in gone]
            self.connection.query("SET " + ", ".join(values))
            for name in gone:
                del self._applied[name]
        if self._was_set:
            self._remember([name for name in changed if name not in self._applied])
        try:
            self._set(changed)
        except EngineError:
            self._undo(list(changed))
            raise
        self._applied.update(changed)

    def _undo(self, names: list[str]) -> None:
        """After a SET that failed, perhaps halfway: old values for all of its names that the engine knows."""
        for name in names:
            self._applied.pop(name, None)
            with contextlib.suppress(EngineError):
                self.connection.query(f"SET {_name(name)} = {self._before.pop(name, 'DEFAULT')}")

    def _remember(self, names: list[str]) -> None:
        """Keep the values that the client has given with SET, to restore them after this request."""
        if not names:
            return
        sql = "SELECT name, value FROM system.settings WHERE changed AND name IN "
        listed = ", ".join(quoted(name) for name in names)
        rows = self.connection.query(f"{sql} ({listed})", "JSONEachRow").body
        for row in map(json.loads, rows.splitlines()):
            self._before[row["name"]] = quoted(row["value"])

    def _set(self, values: Mapping[str, str]) -> None:
        if values:
            self.connection.query(
                "SET " + ", ".join(f"{_name(name)} = {quoted(value)}" for name, value in values.items())
            )


class Sessions:
    """The named sessions of a server, and the single-use ones of requests without a name."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._named: dict[tuple[str, str], Session] = {}
        self._lock = threading.Lock()

    def acquire(self, call: Call, user: str, readonly: bool) -> Session:
        """Return the session of a request, locked for it. Raises EngineError: 372 unknown, 373 in use, 374 bad
        time-out."""
        if call.session_id is None:
            return Session(self._engine.connect(), readonly)
        timeout = _timeout(call.session_timeout)
        self.expire()
        with self._lock:
            session = self._named.get((user, call.session_id))
            if session is None:
                if call.session_check:
                    raise EngineError.of(SESSION_NOT_FOUND, f"Session {call.session_id} not found.")
                session = self._named[user, call.session_id] = Session(self._engine.connect(), readonly)
            elif session.busy:
                raise EngineError.of(
                    SESSION_IS_LOCKED, f"Session {call.session_id} is locked by a concurrent client."
                )
            session.busy = True
            session.expires_at = self._clock() + timeout
            return session

    def release(self, session: Session, call: Call) -> None:
        """Give a session back: a single-use one is closed."""
        if call.session_id is None:
            session.connection.close()
            return
        with self._lock:
            session.expires_at = self._clock() + _timeout(call.session_timeout)
            session.busy = False

    def expire(self) -> None:
        """Close the named sessions whose time is over."""
        now = self._clock()
        with self._lock:
            over = [
                key for key, session in self._named.items() if not session.busy and session.expires_at < now
            ]
            closing = [self._named.pop(key) for key in over]
        for session in closing:
            session.connection.close()

    def close(self) -> None:
        """Close every named session that no request uses."""
        with self._lock:
            closing = [session for session in self._named.values() if not session.busy]
            self._named.clear()
        for session in closing:
            session.connection.close()


def _timeout(given: str | None) -> float:
    """Return for how many seconds a session outlives its last request."""
    if given is None:
        return _DEFAULT_TIMEOUT
    try:
        seconds = float(given)
    except ValueError:
        raise EngineError.of(INVALID_SESSION_TIMEOUT, f"Invalid session timeout: '{given}'.") from None
    if not 0 <= seconds <= _MAX_TIMEOUT:
        raise EngineError.of(
            INVALID_SESSION_TIMEOUT,
            f"Session timeout '{given}' is larger than max_session_timeout: {_MAX_TIMEOUT:.0f}. "
            "Maximum session timeout could be modified in configuration file.",
        )
    return seconds


def _name(name: str) -> str:
    """Return a setting's name, checked, since it becomes part of a SET statement."""
    if not name.replace("_", "a").isalnum() or not name.isascii():
        raise EngineError.of(BAD_ARGUMENTS, f"{name!r} is not a name of a setting or a URL parameter.")
    return name
