"""Running one call on the engine, in a worker thread: session, statement, answer.

It must not know HTTP. It holds the session until the answer is complete, also when the client has gone.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from deploy.embedded.clickhouse.call import Call
from deploy.embedded.clickhouse.credentials import Account
from deploy.embedded.clickhouse.engine import Connection, Engine, Result, ResultStream
from deploy.embedded.clickhouse.errors import Code, EngineError
from deploy.embedded.clickhouse.formats import STREAMABLE
from deploy.embedded.clickhouse.literals import quoted
from deploy.embedded.clickhouse.reading import only_reading
from deploy.embedded.clickhouse.session import opened
from deploy.embedded.clickhouse.summary import Summary


class OpenAnswer:
    """The rest of an answer that is still being computed; `close` must be called, from any thread."""

    def __init__(self, stream: ResultStream, session: Connection) -> None:
        self._stream = stream
        self._session = session
        self._closed = False

    def read(self) -> bytes | None:
        """Return the next piece, None at the end; raises EngineError when the query fails on the way."""
        return self._stream.read()

    def close(self) -> None:
        """Stop the query and end its session. Repeatable."""
        if self._closed:
            return
        self._closed = True
        try:
            with contextlib.suppress(EngineError):
                self._stream.close()
        finally:
            self._session.close()


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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, call: Call, account: Account) -> Answer:
        """Run a call. Raises EngineError, and then its session has ended."""
        if account.readonly or call.only_reading:
            call = replace(call, statement=only_reading(self._engine, call.statement))
        session = opened(self._engine, call, self._marks(call), readonly=account.readonly)
        try:
            answer = self._answer(session, call)
        except BaseException:
            session.close()
            raise
        if answer.rest is None:
            session.close()
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

    def _answer(self, session: Connection, call: Call) -> Answer:
        statement = call.statement
        if statement.takes_data:
            return Answer(None, self._insert(session, call).summary, b"")
        if statement.streams and not call.whole and call.output_format in STREAMABLE:
            with contextlib.suppress(_NotStreamableError):
                return self._open(session, call)
        result = session.query(statement.sql, call.output_format, call.params)
        return Answer(call.output_format if statement.has_result else None, result.summary, result.body)

    @staticmethod
    def _insert(session: Connection, call: Call) -> Result:
        sql, data = call.statement.sql, call.statement.data
        if (
            call.data_format == "Values" and call.params
        ):  # parameters among the values are the parser's matter
            return session.query(sql + b" VALUES " + data, params=call.params)
        return session.insert(sql, call.data_format, data)

    @staticmethod
    def _open(session: Connection, call: Call) -> Answer:
        """Start a stream and read far enough to tell an error, or a short answer, from a long one."""
        try:
            stream = session.stream(call.statement.sql, call.output_format, call.params)
        except EngineError as error:
            if error.code == Code.BAD_ARGUMENTS and "Streaming query is not supported" in error.message:
                raise _NotStreamableError from error
            raise
        rest = OpenAnswer(stream, session)
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
