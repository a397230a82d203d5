"""The troubles of ClickHouse that a double can play: errors with and without a code, answers that are none, and none at all.

Owns their list. How each looks to a client is the double's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from deploy.embedded.clickhouse.errors import http_status


@dataclass(frozen=True)
class Trouble:
    """What is done to one request. `done`: the server carries it out before the client sees the trouble."""

    name: str
    code: int = 0
    """ClickHouse's, 0 without one."""
    status: int = 0
    """Of HTTP; that of the code when 0."""
    done: bool = False
    text: bytes = b""
    """The body, instead of the usual one; of a redirect where it leads."""

    def __str__(self) -> str:
        parts = (self.name, str(self.code or self.status or ""), "done" if self.code and self.done else "")
        return "-".join(part.replace(" ", "-") for part in parts if part)


def error(code: int, name: str, text: str = "of the double", *, done: bool = False) -> Trouble:
    """The server answers with an error of this code."""
    body = f"Code: {code}. DB::Exception: {text}. ({name}) (version 25.8.2.1 (official build))\n"
    return Trouble("error", code, http_status(code), done, body.encode())


def page(status: int, *, location: str = "") -> Trouble:
    """Something that is not ClickHouse answers with a page; `location`: where a redirect leads."""
    return Trouble("page", status=status, text=location.encode())


CUT_BEFORE: Final = Trouble("cut before")
"""The connection ends before the server has the request."""
CUT_AFTER: Final = Trouble("cut after", done=True)
"""The request takes effect, the answer does not arrive."""
CUT_WITHIN: Final = Trouble("cut within", done=True)
"""The connection ends in the middle of the answer's head."""
CUT_BODY: Final = Trouble("cut body", done=True)
"""The answer's body is shorter than its head says."""
HANGS: Final = Trouble("hangs")
"""Nothing comes, until the double is told to let go or the client goes away."""
EMPTY: Final = Trouble("empty", status=200)
"""An answer of 200 without anything of ClickHouse."""
SILENT: Final = Trouble("silent")
"""A head of ClickHouse that does not say what was done."""
GARBLED: Final = Trouble("garbled", done=True)
"""The head is right, the body is not."""


def late(code: int, name: str) -> Trouble:
    """The answer has begun with 200 when the error comes: it stands at the end of the body."""
    return Trouble("late", code, 200, text=error(code, name).text)


_PASSING: Final = {
    75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    76: "CANNOT_OPEN_FILE",
    198: "DNS_ERROR",
    201: "QUOTA_EXCEEDED",
    241: "MEMORY_LIMIT_EXCEEDED",
    243: "NOT_ENOUGH_SPACE",
    244: "UNEXPECTED_ZOOKEEPER_ERROR",
    252: "TOO_MANY_PARTS",
    319: "UNKNOWN_STATUS_OF_INSERT",
    1001: "STD_EXCEPTION",
    1002: "UNKNOWN_EXCEPTION",
    2999: "OF_A_LATER_RELEASE",
}
TROUBLES: Final = (
    *(error(code, name) for code, name in _PASSING.items()),
    *(error(code, name, done=True) for code, name in _PASSING.items()),
    *(page(status) for status in (200, 404, 429, 500, 502, 503, 504, 520)),
    *(page(status, location="http://127.0.0.1:1/") for status in (302, 307)),
    late(241, "MEMORY_LIMIT_EXCEEDED"),
    late(252, "TOO_MANY_PARTS"),
    EMPTY,
    SILENT,
    GARBLED,
    CUT_BEFORE,
    CUT_AFTER,
    CUT_WITHIN,
    CUT_BODY,
    HANGS,
)
"""Every trouble from which a sink must recover."""
