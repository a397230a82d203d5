"""One HTTP request, understood: the statement, its parameters and settings, and how the answer is wanted.

It must not touch the engine or the network. Which URL parameters are ClickHouse's own and which are settings
is decided here, and nowhere else.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from deploy.embedded.clickhouse.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, EngineError
from deploy.embedded.clickhouse.statement import Statement, parse

# Parameters of ClickHouse's HTTP interface that are no settings.
_RESERVED: Final = frozenset(
    {"query", "database", "default_format", "query_id", "session_id", "session_timeout", "session_check"}
    | {
        "close_session",
        "user",
        "password",
        "quota_key",
        "stacktrace",
        "compress",
        "decompress",
        "buffer_size",
    }
    | {"wait_end_of_query", "client_protocol_version", "role"}
)
_EXTERNAL_SUFFIXES: Final = ("_format", "_types", "_structure")
HEADERS: Final = ("X-ClickHouse-Database", "X-ClickHouse-Format")
"""The headers that `understand` looks at."""


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A temporary table that comes with a query, as a file of a multipart form."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks for."""

    statement: Statement
    query_id: str
    database: str | None
    default_format: str | None
    session_id: str | None
    session_timeout: str | None
    session_check: bool
    role: str | None
    whole: bool
    """The client wants the answer only when the query has ended well (`wait_end_of_query`)."""
    cancel_with_client: bool
    only_reading: bool
    """It came by GET, which implies `readonly`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    """Values of `{name:Type}`, in ClickHouse's escaped text form."""
    external: tuple[ExternalTable, ...] = ()

    @property
    def output_format(self) -> str:
        """Format of the answer."""
        return self.statement.format or self.default_format or "TabSeparated"

    @property
    def data_format(self) -> str:
        """Format of the rows of an INSERT."""
        return self.statement.format or self.default_format or "Values"


def understand(
    method: str,
    url_params: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    form: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Call:
    """Read a request; `form` and `files` are the parts of a multipart body, which then is not in `body`.

    Raises EngineError for requests that ClickHouse refuses, or that this server cannot serve.
    """
    params = {**url_params, **(form or {})}
    for name in ("compress", "decompress"):
        if params.get(name, "0") not in ("0", "false"):
            raise EngineError.of(
                NOT_IMPLEMENTED,
                f"The URL parameter '{name}' (ClickHouse's native block compression) is not supported by the "
                "embedded server. Use HTTP compression: Content-Encoding and Accept-Encoding.",
            )
    statement = _statement(params.get("query", "").encode(errors="surrogateescape"), body)
    external = tuple(_external(name, data, params) for name, data in (files or {}).items())
    of_tables = {table.name + suffix for table in external for suffix in _EXTERNAL_SUFFIXES}
    settings = {
        name: value
        for name, value in params.items()
        if name not in _RESERVED and name not in of_tables and not name.startswith("param_")
    }
    return Call(
        statement=statement,
        query_id=params.get("query_id") or str(uuid.uuid4()),
        database=params.get("database") or headers.get("X-ClickHouse-Database") or None,
        default_format=params.get("default_format") or headers.get("X-ClickHouse-Format") or None,
        session_id=params.get("session_id") or None,
        session_timeout=params.get("session_timeout"),
        session_check=params.get("session_check", "0") == "1",
        role=params.get("role") or None,
        whole=params.get("wait_end_of_query", "0") in ("1", "true"),
        cancel_with_client=settings.get("cancel_http_readonly_queries_on_client_close", "0") in ("1", "true"),
        only_reading=method == "GET",
        settings=settings,
        params={name[6:]: value for name, value in params.items() if name.startswith("param_")},
        external=external,
    )


def _statement(in_url: bytes, body: bytes) -> Statement:
    """Return the statement of a request: ClickHouse reads the URL's `query`, a line end, and then the body."""
    if not in_url.strip():
        return parse(body)
    if not body:
        return parse(in_url)
    first = parse(in_url)
    if first.takes_data:
        data = first.data.rstrip(b"\n") + b"\n" + body if first.data.strip() else body
        return Statement(first.kind, first.sql, first.format, True, data)
    return parse(in_url + b"\n" + body)


def _external(name: str, data: bytes, params: Mapping[str, str]) -> ExternalTable:
    structure = params.get(f"{name}_structure")
    if not structure:
        types = params.get(f"{name}_types")
        if not types:
            raise EngineError.of(
                BAD_ARGUMENTS, f"Neither structure nor types have been provided for external table {name}."
            )
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(_split(types), 1))
    return ExternalTable(name, structure, params.get(f"{name}_format", "TabSeparated"), data)


def _split(types: str) -> list[str]:
    """Split a list of types at the commas outside brackets and quotes."""
    parts, depth, quoted = [""], 0, False
    for character in types:
        quoted ^= character == "'"
        depth += (character == "(") - (character == ")") if not quoted else 0
        if character == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
