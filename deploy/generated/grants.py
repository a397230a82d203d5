"""The rights of the users in deploy/clickhouse/users.xml, from the declared tables and views."""

from collections.abc import Sequence
from typing import Final

from sinks.clickhouse.statements import grants_of_comments, grants_of_readers, grants_of_sink

_INDENT: Final = " " * 16


def of_sink() -> str:
    """Return the queries of the sink's user, a line each, and the indentation of the mark behind them."""
    return _queries(grants_of_sink())


def of_readers() -> str:
    """Return those of the user of reports."""
    return _queries(grants_of_readers())


def of_comments() -> str:
    """Return those of the user who reads what customers wrote."""
    return _queries(grants_of_comments())


def _queries(grants: Sequence[str]) -> str:
    return "".join(f"{_INDENT}<query>{grant}</query>\n" for grant in grants) + _INDENT
