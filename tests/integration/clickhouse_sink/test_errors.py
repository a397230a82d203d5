"""Which answers are an outage and which a refusal: a stub answers as ClickHouse and proxies do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sinks.clickhouse.connection import ClickHouse
from sinks.contract import SinkError, SinkRefused, SinkUnavailable


class Answer:
    """What the stub says to every request."""

    status = 500
    code: str | None = None
    body = b""


@pytest.fixture
def stub() -> Iterator[tuple[ClickHouse, Answer]]:
    answer = Answer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(answer.status)
            if answer.code is not None:
                self.send_header("X-ClickHouse-Exception-Code", answer.code)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _answer  # noqa: N815 - names of the base class

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as in the base class
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        store = ClickHouse(f"clickhouse://127.0.0.1:{server.server_address[1]}/x", timeout=5)
        yield store, answer
        store.close()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "code", "name", "kind"),
    [
        (500, "241", "MEMORY_LIMIT_EXCEEDED", SinkUnavailable),
        (500, "252", "TOO_MANY_PARTS", SinkUnavailable),
        (500, "242", "TABLE_IS_READ_ONLY", SinkUnavailable),
        (500, "202", "TOO_MANY_SIMULTANEOUS_QUERIES", SinkUnavailable),
        (502, None, "bad gateway", SinkUnavailable),
        (503, None, "no healthy upstream", SinkUnavailable),
        (403, "497", "ACCESS_DENIED", SinkRefused),
        (404, "60", "UNKNOWN_TABLE", SinkRefused),
        (404, "81", "UNKNOWN_DATABASE", SinkRefused),
        (400, "53", "TYPE_MISMATCH", SinkRefused),
        (404, None, "not a ClickHouse", SinkRefused),
    ],
)
def test_an_outage_or_a_refusal(
    stub: tuple[ClickHouse, Answer], status: int, code: str | None, name: str, kind: type[SinkError]
) -> None:
    store, answer = stub
    answer.status, answer.code = status, code
    answer.body = f"Code: {code}. DB::Exception: near 'geheim' ({name})".encode() if code else name.encode()
    with pytest.raises(kind) as caught:
        store.query("SELECT 1")
    assert "geheim" not in str(caught.value)
    assert isinstance(caught.value, SinkUnavailable) == (kind is SinkUnavailable)
    if code is not None:
        assert f"error {code} {name}" in str(caught.value)
