"""Logs: structlog for ours, the same shape for the libraries', one line each on standard error.

Owns format and level, and withholds what may not be in a log whoever passes it. It must not be imported for
anything but `configure`; loggers come from `structlog.get_logger()`.
"""

from __future__ import annotations

import logging
import sys
import threading
from asyncio import CancelledError
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from streams.telemetry.failure import explains_itself, frames
from streams.telemetry.log_handler import LogHandler
from streams.telemetry.repeats import Repeats

WITHHELD = frozenset(
    {
        "body", "comment", "customer", "customer_id", "dsn", "event", "key", "msisdn", "password", "payload",
        "phone", "phone_number", "record", "token", "value",
    }
)  # fmt: skip
"""Names under which personal data or secrets would travel; `event` is structlog's own and kept as text."""

_QUIET = ("aiohttp.access", "aiokafka", "faust", "kafka", "mode")
_TOLD_BY_US = ("clickhouse_connect", "kafka.admin", "stamina", "urllib3")
"""Libraries that warn of each failed try, where the sink tells an outage once: when it begins, changes and ends; and of members of the group,
with all their metadata."""
_log = structlog.get_logger(__name__)
_OURS = ("deploy", "sinks", "streams")
_CRASHED = "Crashed reason="


def configure(format_: Literal["json", "console"] = "json", level: str = "info") -> None:
    """Set up logging for the process; repeatable. Libraries speak from `warning` on, at debug from `info` on.

    What they say below that holds whole requests, and with them records and logins.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        withhold,
        _frames_only,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if format_ == "json":
        last.append(structlog.processors.JSONRenderer())
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    handler = LogHandler(sys.stderr)
    handler.addFilter(discreet)
    handler.addFilter(Repeats(_OURS))
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    threading.excepthook = _thread_failed
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.INFO))
    for name in _OURS:
        logging.getLogger(name).setLevel(number)
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.WARNING if number <= logging.DEBUG else logging.ERROR)
    for name in _QUIET:
        logging.getLogger(name).setLevel(
            logging.INFO if number <= logging.DEBUG else max(number, logging.WARNING)
        )


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Log the failure of a thread, which Python writes out with all it quotes. One that was cancelled ends as it should."""
    if failure.exc_value is not None and not isinstance(failure.exc_value, CancelledError):
        name = failure.thread.name if failure.thread is not None else "unknown"
        _log.error("a thread has failed", thread=name, exc_info=failure.exc_value)


def withhold(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a structlog processor: replaces what may not be logged, so that a slip is seen but tells nothing."""
    for name in WITHHELD.intersection(fields) - {"event"}:
        fields[name] = "[withheld]"
    return fields


def discreet(record: logging.LogRecord) -> bool:
    """Return a filter: Faust tells each crash several times, with the exception's text and a traceback.

    Where the exception explains itself, the worker's own line says it all; of a bug the first traceback is wanted.
    """
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    message = record.getMessage() if isinstance(record.msg, str) else ""
    if _CRASHED not in message:
        return True
    record.msg, record.args = message.partition(_CRASHED)[0] + "crashed", ()
    return error is not None and not explains_itself(error)


def _frames_only(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a structlog processor: a traceback tells types and places, and no text that may quote a record."""
    info = fields.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        fields["exception"] = frames(error)
    return fields
