"""One HTTP request, understood: the statement, its parameters and settings, and how the answer is wanted.

It must not touch the engine or the network. Which URL parameters are ClickHouse's own and which are settings
is decided here, and nowhere else.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from deploy.embedded.clickhouse.errors import Code, EngineError
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
    | {"wait_end_of_query", "client_protocol_version"}
)
_COMPRESSION: Final = (
    "ClickHouse's native block compression; use HTTP compression: Content-Encoding and Accept-Encoding"
)
_UNSUPPORTED: Final = {
    "compress": _COMPRESSION,
    "decompress": _COMPRESSION,
    "role": "roles; an account of this server has one set of rights",
    "session_check": "sessions; each request has one of its own",
}
"""Parameters that would change what an answer means, with what they stand for."""
_TRUE: Final = frozenset({"1", "true"})
HEADERS: Final = ("X-ClickHouse-Database", "X-ClickHouse-Format")
"""The headers that `understand` looks at."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks for."""

    statement: Statement
    query_id: str
    database: str | None
    default_format: str | None
    in_session: bool
    """The client has named a session."""
    whole: bool
    """The client wants the answer only when the query has ended well (`wait_end_of_query`)."""
    cancel_with_client: bool
    only_reading: bool
    """It came by GET, which implies `readonly`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    """Values of `{name:Type}`, in ClickHouse's escaped text form."""

    @property
    def output_format(self) -> str:
        """Format of the answer."""
        return self.statement.format or self.default_format or "TabSeparated"

    @property
    def data_format(self) -> str:
        """Format of the rows of an INSERT."""
        return self.statement.format or self.default_format or "Values"


def understand(method: str, params: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Call:
    """Read a request. Raises EngineError for requests that ClickHouse refuses, or that this server cannot serve."""
    for name, meaning in _UNSUPPORTED.items():
        if params.get(name, "0") not in ("", "0", "false"):
            raise EngineError.of(
                Code.NOT_IMPLEMENTED,
                f"The URL parameter '{name}' is not supported by the embedded server ({meaning}).",
            )
    settings = {
        name: value
        for name, value in params.items()
        if name not in _RESERVED and name not in _UNSUPPORTED and not name.startswith("param_")
    }
    return Call(
        statement=_statement(params.get("query", "").encode(errors="surrogateescape"), body),
        query_id=params.get("query_id") or str(uuid.uuid4()),
        database=params.get("database") or headers.get("X-ClickHouse-Database") or None,
        default_format=params.get("default_format") or headers.get("X-ClickHouse-Format") or None,
        in_session=bool(params.get("session_id")),
        whole=params.get("wait_end_of_query") in _TRUE,
        cancel_with_client=settings.get("cancel_http_readonly_queries_on_client_close") in _TRUE,
        only_reading=method == "GET",
        settings=settings,
        params={name[6:]: value for name, value in params.items() if name.startswith("param_")},
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
