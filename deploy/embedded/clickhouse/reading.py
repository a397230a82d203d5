"""What only reads: the statements of a reader, and whatever comes by GET, as the engine's own parser understands them.

The engine refuses a reader nearly everything else by itself, since its session is `readonly`. Two things it does
not: it writes the file of `INTO OUTFILE`, beneath the data directory too, where the kernel cannot tell accounts
apart, and it answers `KILL QUERY` (which finds nothing to kill). So such a text never reaches it: the engine's
formatter says what it has understood, that is judged, and that is what runs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.errors import Code, EngineError
from deploy.embedded.clickhouse.literals import quoted
from deploy.embedded.clickhouse.statement import Statement

_READING: Final = frozenset(
    {"SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN", "CHECK", "SET", "USE"}
)
_OUR_QUESTION: Final = re.compile(r": In scope SELECT formatQuerySingleLine\(.*\)(?=\. \()", re.DOTALL)


def only_reading(engine: Engine, statement: Statement) -> Statement:
    """Return the statement in the engine's words. Raises EngineError: 164 when it does not only read, and what the parser
    says to a text that it does not understand."""
    if statement.takes_data:
        raise _refused(statement.kind)
    text = statement.sql.decode(errors="replace")
    try:
        understood = engine.query(f"SELECT formatQuerySingleLine({quoted(text)})", "RawBLOB").body.decode()
    except EngineError as error:
        raise EngineError(error.code, _OUR_QUESTION.sub("", error.message)) from error
    kind = understood.partition(" ")[0]
    if kind not in _READING:
        raise _refused(kind)
    if "OUTFILE" in understood.upper():
        raise _refused("INTO OUTFILE")
    return replace(statement, kind=kind, sql=understood.encode())


def _refused(what: str) -> EngineError:
    return EngineError.of(
        Code.READONLY,
        f"Cannot execute query in readonly mode, which is every reader's and method GET's: {what}.",
    )
