"""How many rows the engine read for a query: its own count."""

from __future__ import annotations

import json
import urllib.request
from urllib.parse import unquote, urlencode, urlsplit


def rows_read(dsn: str, sql: str) -> int:
    """Run a query, and return how many rows of tables were read for it. Raises OSError when it is refused."""
    parts = urlsplit(dsn)
    asked = urlencode({"database": parts.path.strip("/"), "wait_end_of_query": 1})
    request = urllib.request.Request(f"http://{parts.hostname}:{parts.port}/?{asked}", sql.encode())
    request.add_header("X-ClickHouse-User", unquote(parts.username or ""))
    request.add_header("X-ClickHouse-Key", unquote(parts.password or ""))
    with urllib.request.urlopen(request) as answer:
        answer.read()
        return int(json.loads(answer.headers["X-ClickHouse-Summary"])["read_rows"])
