"""The one way to ClickHouse: a DSN becomes a client, and the client's errors become the sink's.

Owns the DSN and the borders of clickhouse-connect. It must not know a table of ours.

`clickhouse://user:password@host:port/database?secure=true` reaches any server over HTTP(S), the embedded one
included; `chdb:///directory` (with `?database=name`) runs the engine in this process, for lone tools.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from sinks.contract import SinkRefused, SinkUnavailable

_LOG: Final = structlog.get_logger(__name__)
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_OPTIONS: Final = frozenset(
    {"secure", "verify", "ca_cert", "client_cert", "client_cert_key", "server_host_name"}
)

_TRANSIENT: Final = frozenset(
    {159, 160, 164, 173, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285, 286, 287, 298, 307}
    | {319, 373, 394, 425, 439, 473, 499, 574, 677, 722, 999}
)
"""ClickHouse's codes that pass by themselves: time-outs, network, memory, disk, read-only replicas, too many
parts or queries, Keeper."""


class DsnError(ValueError):
    """The DSN cannot be understood; the message never repeats it, since it may hold a password."""


class ClickHouse:
    """A connection that opens on first use and again after an outage. One thread at a time.

    `timeout` is in seconds for one request. Raises DsnError for a DSN that is none.
    """

    def __init__(self, dsn: str, *, timeout: float = 30.0) -> None:
        self._arguments = _arguments(dsn, timeout)
        self._client: Any = None

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

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT; `parameters` fill `{name:Type}`. Raises SinkUnavailable or SinkRefused."""
        with self._translated("the query"):
            result = self._open().query(sql, parameters=dict(parameters or {}))
            return list(result.result_rows)

    def command(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """Run a statement without rows. Raises SinkUnavailable or SinkRefused."""
        with self._translated("the statement"):
            self._open().command(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))

    def column_types(self, table: str, columns: Sequence[str]) -> list[Any]:
        """Return the driver's types of those columns, to insert without asking again."""
        with self._translated(f"describing {table}"):
            return list(self._open().create_insert_context(table, list(columns)).column_types)

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
        data = list(zip(*rows, strict=True))
        try:
            with self._translated(f"the insert into {table}", silent=True):
                summary = self._open().insert(
                    table,
                    data,
                    column_names=list(columns),
                    column_types=types,
                    column_oriented=True,
                    settings=dict(settings or {}),
                )
                return int(summary.written_rows)
        finally:
            data.clear()  # the driver's context refers to itself: it would keep them until a garbage collection

    def create_database(self) -> None:
        """Make the DSN's database if it is missing; needs the right to do so."""
        if "dsn" in self._arguments or self.database == "default":
            return
        with self._translated("creating the database"):
            client = clickhouse_connect.get_client(**{**self._arguments, "database": "default"})
            try:
                client.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", {"name": self.database})
            finally:
                client.close()

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _open(self) -> Any:
        if self._client is None:
            self._client = clickhouse_connect.get_client(**self._arguments)
        return self._client

    @contextmanager
    def _translated(self, doing: str, *, silent: bool = False) -> Iterator[None]:
        """ClickHouse's texts may quote values, so only the code and the symbolic name get out.

        The driver's error stays attached as the cause for people who write queries, but not when `silent`:
        the refusal of an insert may quote a customer's data.
        """
        try:
            yield
        except ClickHouseError as error:
            if (problem := _certificate_problem(error)) is not None:
                raise SinkRefused(
                    f"ClickHouse at {self.where}: the server's certificate was refused ({problem}). Check that ca_cert "
                    "of the DSN names the authority that signed it, and that the certificate names this host."
                ) from None
            code, name = getattr(error, "code", None), getattr(error, "name", None)
            if code in _TRANSIENT or isinstance(error, OperationalError) or _is_gateway(error, code):
                cause = f"error {code} {name or ''}".strip() if code else "no connection"
                raise SinkUnavailable(
                    f"ClickHouse at {self.where} is not available for {doing}: {cause}. "
                    "Nothing is lost; check that the server runs and can be reached."
                ) from (None if silent else error)
            _LOG.error("clickhouse_refused", doing=doing, code=code, name=name)
            raise SinkRefused(
                f"ClickHouse at {self.where} refused {doing}: error {code} {name or type(error).__name__}. "
                f"{_advice(code)}",
                code=code,
            ) from (None if silent else error)


def _certificate_problem(error: BaseException) -> str | None:
    """Return why TLS does not trust the server, None when that was not the trouble. It does not pass by itself."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return None


def _is_gateway(error: ClickHouseError, code: int | None) -> bool:
    """Return whether a proxy before the server answered that there is no server."""
    return code is None and any(f"HTTP status {status}" in str(error) for status in (408, 429, 502, 503, 504))


def _advice(code: int | None) -> str:
    if code in (60, 16, 10):
        return "Run `behoudlijn clickhouse migrate`: the tables are missing or older than this program."
    if code == 81:
        return "The database does not exist: `behoudlijn clickhouse migrate` makes it."
    if code in (192, 193, 194, 516):
        return "User or password are wrong: look at the DSN."
    if code == 497:
        return "The user lacks a grant; the sink needs INSERT on its tables, readers SELECT."
    return "Trying again will not help."


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


def _flag(text: str, name: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise DsnError(f"option {name} of the ClickHouse DSN must be true or false")
    return text.lower() in _TRUE
