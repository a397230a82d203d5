"""Errors of the engine and of the protocol, with ClickHouse's codes and HTTP statuses.

It must not translate or soften a message of the engine: clients parse the text.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

_FOUND: Final = re.compile(r"Code: (\d+)\. ")


class Code(IntEnum):
    """ClickHouse's numbers (src/Common/ErrorCodes.cpp) for the errors that this process raises itself."""

    BAD_ARGUMENTS = 36
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNKNOWN_COMPRESSION_METHOD = 89
    READONLY = 164
    QUERY_IS_TOO_LARGE = 229
    CANNOT_DECOMPRESS = 271
    AUTHENTICATION_FAILED = 516
    STD_EXCEPTION = 1001


# The same grouping as ClickHouse's exceptionCodeToHTTPStatus; every other code is a 500.
_BAD_REQUEST: Final = frozenset(
    # BAD_ARGUMENTS, CANNOT_PARSE_*, columns that do not fit, SYNTAX_ERROR, INCORRECT_DATA, TYPE_MISMATCH, ...
    {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117}
    | {123, 167, 168, 223, 321, 376, 427, 441, 675, 676}
)
_NOT_FOUND: Final = frozenset(
    # UNKNOWN_*: FUNCTION, IDENTIFIER, TYPE, STORAGE, TABLE, FORMAT, DATABASE, SETTING, ROLE, ...
    {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511}
)
_FORBIDDEN: Final = frozenset({192, 193, 497, 512, 516})  # user, password, access, role, authentication
_OTHERS: Final = {48: 501, 76: 503, 159: 408, 194: 401, 209: 503, 229: 413, 381: 411, 439: 503, 779: 415}


def http_status(code: int) -> int:
    """HTTP status that ClickHouse answers with for an exception code."""
    if code in _BAD_REQUEST:
        return 400
    if code in _NOT_FOUND:
        return 404
    if code in _FORBIDDEN:
        return 403
    return _OTHERS.get(code, 500)


class EngineError(Exception):
    """A ClickHouse exception: `code` is its number, `message` the whole text that a client sees."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def of(cls, code: Code, text: str) -> EngineError:
        """Make an error of this process (not of the engine), in the engine's layout."""
        return cls(code, f"Code: {code:d}. DB::Exception: {text} ({code.name})")

    @classmethod
    def from_exception(cls, error: BaseException) -> EngineError:
        """Read the engine's text out of a chDB exception; wording that chDB puts in front is dropped."""
        text = str(error).strip()
        found = _FOUND.search(text)
        if found is None:
            return cls.of(Code.STD_EXCEPTION, text or type(error).__name__)
        return cls(int(found.group(1)), text[found.start() :])

    def body(self, version: str) -> bytes:
        """Return the response body: the message with the server's version, and a line end, as ClickHouse writes
        it."""
        text = self.message if "(version " in self.message else f"{self.message} (version {version})"
        return f"{text}\n".encode()
