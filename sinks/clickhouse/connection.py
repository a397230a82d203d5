"""The one way to ClickHouse: a DSN becomes a client, and the client's errors become the sink's.

Owns the DSN and the borders of clickhouse-connect. It must not know a table of ours.

`clickhouse://user:password@host:port/database?secure=true` reaches any server over HTTP(S), the embedded one
included; `chdb:///directory` (with `?database=name`) runs the engine in this process, for lone tools.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.httputil import check_env_proxy, get_pool_manager

from sinks.clickhouse.answers import Answers, ForeignAnswerError
from sinks.clickhouse.error_codes import CERTIFICATE
from sinks.clickhouse.failures import failure_of, sink_error
from sinks.contract import SinkUnavailable

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_OPTIONS: Final = frozenset(
    {"secure", "verify", "ca_cert", "client_cert", "client_cert_key", "server_host_name"}
)
_FILES: Final = frozenset({"ca_cert", "client_cert", "client_cert_key"})


class DsnError(ValueError):
    """The DSN cannot be understood; the message never repeats it, since it may hold a password."""


class ClickHouse:
    """A connection that opens on first use and again after an outage. One thread at a time.

    `timeout` is in seconds for one request. `on_unavailable` hears the reason of each request that failed in a way that passes.
    Raises DsnError for a DSN that is none.
    """

    def __init__(
        self, dsn: str, *, timeout: float = 30.0, on_unavailable: Callable[[str], None] = lambda _reason: None
    ) -> None:
        self._arguments = _arguments(dsn, timeout)
        self._on_unavailable = on_unavailable
        self._client: Any = None
        self._answers: Answers | None = None

    @property
    def where(self) -> str:
        """Host, port and database, for messages; no user and no password."""
        given = self._arguments
        if "dsn" in given:
            return "chdb"
        return f"{given['host']}:{given['port']}/{given['database']}"

    @property
    def database(self) -> str:
        """Database of the DSN."""
        return str(self._arguments.get("database") or "default")

    def query(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT; `parameters` fill `{name:Type}`. Raises SinkUnavailable or SinkRefused."""
        with self._translated("the query") as client:
            result = client.query(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))
            return list(result.result_rows)

    def command(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Run a statement without rows. Raises SinkUnavailable or SinkRefused."""
        with self._translated("the statement") as client:
            client.command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def column_types(self, table: str, columns: Sequence[str]) -> list[Any]:
        """Return the driver's types of those columns, to insert without asking again. Raises as `query` does."""
        with self._translated(f"describing {table}") as client:
            return list(client.create_insert_context(table, list(columns)).column_types)

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        types: Sequence[Any] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> int:
        """Write the rows; returns how many the server says it wrote. Raises as `query` does."""
        known = self.column_types(table, columns) if types is None else types
        data = list(zip(*rows, strict=True))
        try:
            with self._translated(f"the insert into {table}", writes=True) as client:
                summary = client.insert(
                    table,
                    data,
                    column_names=list(columns),
                    column_types=known,
                    column_oriented=True,
                    settings=dict(settings or {}),
                )
                written = str(summary.summary.get("written_rows", ""))
                if not written.isdecimal():
                    raise ForeignAnswerError("the answer does not say how many rows were written")
                return int(written)
        finally:
            data.clear()  # the driver's context refers to itself: it would keep them until a garbage collection

    def create_database(self) -> None:
        """Make the DSN's database if it is missing; needs the right to do so. Raises as `query` does."""
        here, name = self._arguments, self.database
        if "dsn" in here or name == "default":
            return
        self.close()
        self._arguments = {**here, "database": "default"}  # nobody is let in by a database that is not there
        try:
            with self._translated("creating the database") as client:
                client.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", {"name": name})
        finally:
            self.close()
            self._arguments = here

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        if self._answers is not None:
            self._answers.clear()

    def _open(self) -> Any:
        if self._client is None:
            if self._answers is None and "dsn" not in self._arguments:
                self._answers = Answers(_pool(self._arguments))
            more = {"pool_mgr": self._answers} if self._answers is not None else {}
            self._client = clickhouse_connect.get_client(**self._arguments, **more)
        return self._client

    @contextmanager
    def _translated(self, doing: str, *, writes: bool = False) -> Iterator[Any]:
        """Give the client; what it raises becomes the sink's error, but for bugs of ours.

        ClickHouse's texts may quote values, so only the code and the symbolic name get out. The driver's error stays attached
        as the cause for people who write queries, but not when rows are written: the refusal may quote a customer's data.
        """
        answered = "dsn" not in self._arguments  # while it opens, the driver asks questions of its own
        try:
            client = self._open()
            answered = False
            if self._answers is not None:
                self._answers.came = False
            yield client
        except Exception as error:  # whatever a server or a network can make the driver raise; bugs go on
            answered = answered or (self._answers is not None and self._answers.came and not writes)
            failure = failure_of(error, answered=answered)
            if failure is None:
                raise
            told = sink_error(failure, self.where, doing)
            if isinstance(told, SinkUnavailable):
                self._on_unavailable(told.reason)
            raise told from (None if writes or failure.reason is CERTIFICATE else error)


def _arguments(dsn: str, timeout: float) -> dict[str, Any]:
    """Return the arguments of clickhouse-connect: it reads a DSN itself, but overlooks `secure` in there."""
    # Times come back aware, in UTC. Without a session, a repeat need not wait for the lost request's lock.
    common: dict[str, Any] = {"tz_mode": "aware"}
    try:
        parts = urlsplit(dsn)
        port = parts.port
    except ValueError as error:
        raise DsnError("the port of the ClickHouse DSN is not a number from 1 to 65535") from error
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "chdb":
        return {**common, "dsn": dsn, "database": query.get("database", "default")}
    if parts.scheme not in ("clickhouse", "clickhouses") or not parts.hostname:
        raise DsnError(
            "a ClickHouse DSN looks like clickhouse://user:password@host:8123/database or chdb:///directory"
        )
    unknown = sorted(set(query) - _OPTIONS)
    if unknown:
        raise DsnError(f"the ClickHouse DSN has unknown options {unknown}; known are {sorted(_OPTIONS)}")
    for name in sorted(_FILES & set(query)):
        if query[name] != "certifi" and not os.access(query[name], os.R_OK):
            raise DsnError(f"{name} of the ClickHouse DSN names a file that cannot be read")
    secure = parts.scheme == "clickhouses" or _flag(query.pop("secure", "false"), "secure")
    verify = _flag(query.pop("verify", "true"), "verify")
    return {
        **common,
        **query,
        "autogenerate_session_id": False,
        "host": parts.hostname,
        "port": port or (8443 if secure else 8123),
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.strip("/")) or "default",
        "secure": secure,
        "verify": verify,
        "connect_timeout": max(1, min(10, int(timeout))),
        "send_receive_timeout": max(1, int(timeout)),
    }


def _pool(arguments: Mapping[str, Any]) -> Any:
    """Return the connections that the driver would make itself, to be looked through."""
    scheme = "https" if arguments["secure"] else "http"
    options = {name: arguments[name] for name in ("verify", *_FILES) if name in arguments}
    if name := arguments.get("server_host_name"):
        options |= {"server_hostname": name} | ({"assert_hostname": name} if arguments["verify"] else {})
    proxy = check_env_proxy(scheme, arguments["host"], arguments["port"])
    return get_pool_manager(**{f"{scheme}_proxy": proxy}, **options)


def _flag(text: str, name: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise DsnError(f"option {name} of the ClickHouse DSN must be true or false")
    return text.lower() in _TRUE
