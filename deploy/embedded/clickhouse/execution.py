"""Running one call on the engine, in a worker thread: session, external tables, statement, answer.

It must not know HTTP. It holds the session until the answer is complete, also when the client has gone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from deploy.embedded.clickhouse.call import Call, ExternalTable
from deploy.embedded.clickhouse.credentials import Account
from deploy.embedded.clickhouse.engine import Engine, Result, ResultStream
from deploy.embedded.clickhouse.errors import BAD_ARGUMENTS, EngineError
from deploy.embedded.clickhouse.formats import STREAMABLE
from deploy.embedded.clickhouse.literals import identifier, quoted
from deploy.embedded.clickhouse.reading import only_reading
from deploy.embedded.clickhouse.sessions import Session, Sessions
from deploy.embedded.clickhouse.summary import Summary


class OpenAnswer:
    """The rest of an answer that is still being computed; `close` must be called, from any thread."""

    def __init__(self, stream: ResultStream, release: Callable[[], None]) -> None:
        self._stream = stream
        self._release = release
        self._closed = False

    def read(self) -> bytes | None:
        """Return the next piece, None at the end; raises EngineError when the query fails on the way."""
        return self._stream.read()

    def close(self) -> None:
        """Stop the query and give the session back. Repeatable."""
        if self._closed:
            return
        self._closed = True
        try:
            with contextlib.suppress(EngineError):
                self._stream.close()
        finally:
            self._release()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave: a body, or the first piece of one with the open rest."""

    format: str | None
    """None where the statement has no result set."""
    summary: Summary
    body: bytes
    rest: OpenAnswer | None = None


class Executor:
    """Runs calls; safe to use from many threads."""

    def __init__(self, engine: Engine, sessions: Sessions) -> None:
        self._engine = engine
        self._sessions = sessions

    def run(self, call: Call, account: Account) -> Answer:
        """Run a call. Raises EngineError, and then the session is free again."""
        if account.readonly or call.only_reading:
            call = replace(call, statement=only_reading(self._engine, call.statement))
        session = self._sessions.acquire(call, account.name, account.readonly)
        release = self._releaser(session, call)
        try:
            session.prepare(call, self._marks(call))
            for table in call.external:
                _load(session, table)
            answer = self._answer(session, call, release)
        except BaseException:
            release()
            raise
        if answer.rest is None:
            release()
        return answer

    def cancel(self, call: Call) -> None:
        """End a query whose client has gone, where the client has asked for that; the answer is nobody's."""
        if self._marks(call):
            with contextlib.suppress(EngineError):
                self._engine.query(
                    f"KILL QUERY WHERE Settings['log_comment'] = {quoted(call.query_id)} ASYNC"
                )

    def cancel_all(self) -> None:
        """End every running query."""
        with contextlib.suppress(EngineError):
            self._engine.query("KILL QUERY WHERE 1 ASYNC")

    @staticmethod
    def _marks(call: Call) -> dict[str, str]:
        """chDB gives queries ids of its own, so a query that may have to be cancelled carries ours as its
        comment."""
        wanted = call.cancel_with_client and call.statement.streams
        return (
            {"log_comment": call.query_id}
            if wanted and not {"log_comment", "readonly"} & set(call.settings)
            else {}
        )

    def _releaser(self, session: Session, call: Call) -> Callable[[], None]:
        def release() -> None:
            try:
                if call.session_id is not None:
                    for table in call.external:
                        with contextlib.suppress(EngineError):
                            session.connection.query(
                                f"DROP TEMPORARY TABLE IF EXISTS {identifier(table.name)}"
                            )
            finally:
                self._sessions.release(session, call)

        return release

    def _answer(self, session: Session, call: Call, release: Callable[[], None]) -> Answer:
        statement = call.statement
        if statement.takes_data:
            return Answer(None, self._insert(session, call).summary, b"")
        if statement.streams and not call.whole and call.output_format in STREAMABLE:
            with contextlib.suppress(_NotStreamableError):
                return self._open(session, call, release)
        result = session.connection.query(statement.sql, call.output_format, call.params)
        session.after(call)
        return _whole(call, result)

    @staticmethod
    def _insert(session: Session, call: Call) -> Result:
        sql, data = call.statement.sql, call.statement.data
        if (
            call.data_format == "Values" and call.params
        ):  # parameters among the values are the parser's matter
            return session.connection.query(sql + b" VALUES " + data, params=call.params)
        return session.connection.insert(sql, call.data_format, data)

    @staticmethod
    def _open(session: Session, call: Call, release: Callable[[], None]) -> Answer:
        """Start a stream and read far enough to tell an error, or a short answer, from a long one."""
        try:
            stream = session.connection.stream(call.statement.sql, call.output_format, call.params)
        except EngineError as error:
            if error.code == BAD_ARGUMENTS and "Streaming query is not supported" in error.message:
                raise _NotStreamableError from error
            raise
        rest = OpenAnswer(stream, release)
        try:
            first = stream.read() or b""
            second = stream.read() if first else None
        except EngineError:
            stream.close()
            raise
        if second is None:
            stream.close()
            return Answer(call.output_format, stream.summary, first)
        return Answer(call.output_format, stream.summary, first + second, rest)


class _NotStreamableError(Exception):
    """The engine gives this statement's answer only as a whole."""


def _whole(call: Call, result: Result) -> Answer:
    return Answer(call.output_format if call.statement.has_result else None, result.summary, result.body)


def _load(session: Session, table: ExternalTable) -> None:
    """Make each external table a temporary table of the session, dropped after the query.

    What the client says of it goes to the engine as values, not as SQL.
    """
    if not table.format.isidentifier():
        raise EngineError.of(BAD_ARGUMENTS, f"{table.format!r} is not a name of a format.")
    name = identifier(table.name)
    shape = f"SELECT * FROM null({quoted(table.structure)})"  # noqa: S608 - a literal
    session.connection.query(f"CREATE TEMPORARY TABLE {name} AS {shape}")
    session.connection.insert(f"INSERT INTO {name}", table.format, table.data)
