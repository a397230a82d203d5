"""Looks at each HTTP answer before the driver does: did ClickHouse answer at all, and was that the end of it?

Owns what the driver overlooks. It takes any 200 for done: the page of a proxy, nothing at all, and an error that stands at the
end of a body whose head said 200 already (ClickHouse begins to answer before it is done). And it sends an insert a second time by
itself, unseen by whoever counts the tries. It must not know a table, nor judge a code.
"""

import re
from typing import Any, Final

import orjson
from clickhouse_connect.driver.exceptions import OperationalError, error_name_from_body
from urllib3.exceptions import HTTPError

_SUMMARY: Final = "X-ClickHouse-Summary"
"""The last header that ClickHouse writes, in every answer: without it the head was cut, which Python takes for its end, or is not
ClickHouse's."""
_LATE: Final = re.compile(rb"Code: (\d+)\. DB::Exception: ")
_SAID: Final = "HTTP status"
_STATUS: Final = re.compile(rf"(?:HTTP driver received )?{_SAID} (\d{{3}})")


class ForeignAnswerError(OperationalError):  # type: ignore[misc]
    """Whoever answered, it was not ClickHouse."""


class Answers:
    """The driver's pool of connections, seen through; everything else of it is as it was."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.came = False
        """Whether an answer has come since somebody said that none had."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pool, name)

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Return urllib3's response. Raises OperationalError for an answer that says less, or more, than its status."""
        insert = not isinstance(options.get("body", b""), bytes)  # rows are sent while they are made
        try:
            response = self.pool.request(method, url, redirect=False, **options)
        except HTTPError as error:
            if insert:  # the driver would send it again
                raise OperationalError("no answer to the insert") from error
            raise
        self.came = True
        if not 200 <= response.status < 300 or response.headers.get("X-ClickHouse-Exception-Code"):
            return response
        if not _is_whole(response.headers.get(_SUMMARY, "")):
            response.close()
            raise ForeignAnswerError(f"{_SAID} {response.status} without {_SUMMARY}")
        if options.get("preload_content") and (late := _LATE.search(response.data)):
            text = response.data[late.start() :].decode(errors="replace")
            raise OperationalError(text, code=int(late[1]), name=error_name_from_body(text))
        if insert and response.data:
            raise ForeignAnswerError(f"{_SAID} {response.status} with words, where an insert has none")
        return response


def _is_whole(summary: str) -> bool:
    try:
        return isinstance(orjson.loads(summary), dict)
    except orjson.JSONDecodeError:
        return False


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an answer that ClickHouse gave no code, None when there was no such answer."""
    found = _STATUS.match(str(error))
    return int(found[1]) if found else None
