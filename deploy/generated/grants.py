"""The rights of the sink's user, and of those who read reports, in deploy/clickhouse/users.xml, from the declared tables."""

from collections.abc import Sequence
from typing import Final

from sinks.clickhouse.statements import grants_of_readers, grants_of_sink

_INDENT: Final = " " * 16


def of_the_sink() -> str:
    """Return the queries of the sink's user, a line each, and the indentation of the mark behind them."""
    return _queries(grants_of_sink())


def of_readers() -> str:
    """Return those of users who read reports."""
    return _queries(grants_of_readers())


def _queries(grants: Sequence[str]) -> str:
    return "".join(f"{_INDENT}<query>{grant}</query>\n" for grant in grants) + _INDENT
