"""Logs: structlog for ours, the same shape for the libraries', one line each on standard error.

Owns format and level, and withholds what may not be in a log whoever passes it. It must not be imported for
anything but `configure`; loggers come from `structlog.get_logger()`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

WITHHELD = frozenset(
    {
        "body", "comment", "customer", "customer_id", "dsn", "event", "key", "msisdn", "password", "payload",
        "phone", "phone_number", "record", "token", "value",
    }
)  # fmt: skip
"""Names under which personal data or secrets would travel; `event` is structlog's own and kept as text."""

_QUIET = ("aiohttp.access", "aiokafka", "faust", "kafka", "mode")


def configure(format_: Literal["json", "console"] = "json", level: str = "info") -> None:
    """Set up logging for the process; repeatable. Libraries speak from `warning` on, or at debug."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        withhold,
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
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in _QUIET:
        logging.getLogger(name).setLevel(number if number <= logging.DEBUG else max(number, logging.WARNING))


def withhold(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: replaces what may not be logged, so that a slip is seen but tells nothing."""
    for name in WITHHELD.intersection(fields) - {"event"}:
        fields[name] = "[withheld]"
    return fields
