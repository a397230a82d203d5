"""The session of one request: a connection of the engine with the database, settings and parameters that the request asks for.

It must not run a client's statement. No session outlives its request: a named one is accepted, since clients make up names,
and what only a lasting one could give is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from deploy.embedded.clickhouse.call import Call
from deploy.embedded.clickhouse.engine import Connection, Engine
from deploy.embedded.clickhouse.errors import Code, EngineError
from deploy.embedded.clickhouse.literals import identifier, quoted

_TEMPORARY: Final = re.compile(rb"\s*CREATE\s+(OR\s+REPLACE\s+)?TEMPORARY\b", re.IGNORECASE)


def opened(engine: Engine, call: Call, marks: Mapping[str, str], *, readonly: bool) -> Connection:
    """Return the session, which its taker closes; a reader's is `readonly` and has limits. Raises EngineError."""
    _refuse_what_would_be_forgotten(call)
    connection = engine.connect()
    try:
        if readonly:
            connection.query(engine.reader)
        if call.database:
            connection.query(f"USE {identifier(call.database)}")
        settings = {**marks, **call.settings}
        if call.params and call.statement.takes_data:
            # The engine binds parameters of queries itself; for an INSERT with data they are set before.
            settings |= {f"param_{name}": value for name, value in call.params.items()}
        if settings:
            given = (f"{_name(name)} = {quoted(value)}" for name, value in settings.items())
            connection.query("SET " + ", ".join(given))
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_what_would_be_forgotten(call: Call) -> None:
    statement = call.statement
    if call.in_session and (statement.kind in ("SET", "USE") or _TEMPORARY.match(statement.sql)):
        raise EngineError.of(
            Code.NOT_IMPLEMENTED,
            "The embedded server keeps no sessions, so this would be forgotten with the request. Give the database and "
            "settings with each request, and use a table of a database in place of a temporary one.",
        )


def _name(name: str) -> str:
    """Return a setting's name, checked, since it becomes part of a SET statement."""
    if not name.replace("_", "a").isalnum() or not name.isascii():
        raise EngineError.of(Code.BAD_ARGUMENTS, f"{name!r} is not a name of a setting or a URL parameter.")
    return name
