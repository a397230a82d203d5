"""What an exception of the driver means: its reason, and the sink's error that tells it.

Owns the way from exceptions to reasons. It must not quote the server: its texts may hold values of a row. What goes out is the
code, the symbolic name, an HTTP status, and words of the operating system and of TLS.
"""

import ssl
from collections.abc import Iterator
from typing import Final, NamedTuple

from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DatabaseError,
    OperationalError,
    StreamFailureError,
)
from urllib3 import exceptions as http

from sinks.clickhouse import error_codes as codes
from sinks.clickhouse.answers import status_of
from sinks.clickhouse.error_codes import Reason, Verdict
from sinks.contract import SinkDefect, SinkError, SinkRefused, SinkUnavailable

_NO_SPACE: Final = "No space left on device"
_TOO_LARGE: Final = 413


class Failure(NamedTuple):
    """Why a request failed."""

    reason: Reason
    cause: str
    """In a few words, as `error 243 NOT_ENOUGH_SPACE` or `HTTP status 502`."""
    code: int | None = None


def failure_of(error: Exception, *, answered: bool) -> Failure | None:
    """Return why, None for a bug of this program: then `error` shall be raised as it is.

    `answered`: what was asked has had an answer, so that whatever it is, the driver failed while reading.
    """
    if (problem := _certificate_problem(error)) is not None:
        return Failure(codes.CERTIFICATE, problem)
    code = getattr(error, "code", None)
    if isinstance(error, ClickHouseError) and code:
        name = codes.name_of(code) or getattr(error, "name", None) or ""
        # Whatever the server was doing when the disk was full, that is what people must know.
        reason = codes.DISK_FULL if _NO_SPACE in str(error) else codes.reason_of(code)
        return Failure(reason, f"error {code} {name}".strip(), code)
    if isinstance(error, ClickHouseError) and (status := status_of(error)) is not None:
        reason = codes.TOO_LARGE if status == _TOO_LARGE else codes.NOT_CLICKHOUSE
        return Failure(reason, f"HTTP status {status}")
    if isinstance(error, OperationalError | http.HTTPError | OSError):
        return _of_the_network(error)
    if answered or type(error) is DatabaseError:
        return Failure(codes.UNREADABLE, type(error).__name__)
    return Failure(codes.DRIVER, type(error).__name__) if isinstance(error, ClickHouseError) else None


def sink_error(failure: Failure, where: str, doing: str) -> SinkError:
    """Return the error to raise: SinkUnavailable for what passes, SinkDefect for a bug, else SinkRefused. `doing` names the road."""
    reason = failure.reason
    why = f"{failure.cause}, {reason.said}" if failure.code else f"{reason.said} ({failure.cause})"
    if reason.verdict is Verdict.PASSING:
        return SinkUnavailable(
            f"ClickHouse at {where} is not available for {doing}: {why}. Nothing is lost. {reason.advice}",
            reason=reason.name,
        )
    kind = SinkDefect if reason.verdict is Verdict.DEFECT else SinkRefused
    return kind(f"ClickHouse at {where} refused {doing}: {why}. {reason.advice}", code=failure.code)


def _of_the_network(error: Exception) -> Failure:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, http.SSLError | ssl.SSLError):
            said = next((each.reason for each in causes if isinstance(each, ssl.SSLError)), "")
            return Failure(codes.TLS, str(said or "TLS").replace("_", " ").lower())
        if isinstance(cause, http.NameResolutionError | http.LocationValueError):
            return Failure(codes.NO_CONNECTION, "the host's name leads nowhere")
        if isinstance(cause, http.NewConnectionError):
            return Failure(codes.NO_CONNECTION, _of_the_system(causes) or "refused")
        if isinstance(cause, http.ConnectTimeoutError):
            return Failure(codes.NO_CONNECTION, "timed out")
        if isinstance(cause, TimeoutError | http.TimeoutError):
            return Failure(codes.NO_ANSWER, "timed out")
    if any(isinstance(cause, http.HTTPError | OSError | StreamFailureError) for cause in causes):
        return Failure(codes.NO_ANSWER, _of_the_system(causes) or "the connection was cut")
    return Failure(codes.UNREADABLE, type(error).__name__)


def _of_the_system(causes: list[BaseException]) -> str:
    said = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), "")
    return said.lower()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what led to it: urllib3 also keeps causes in `reason`."""
    seen: list[BaseException | None] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def _certificate_problem(error: BaseException) -> str | None:
    """Return why TLS does not trust the server, None when that was not the trouble. It does not pass by itself."""
    found = (cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    problem = next(found, None)
    return None if problem is None else problem.verify_message
