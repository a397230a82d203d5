"""The rights of the sink's user in deploy/clickhouse/users.xml, from the declared tables."""

from typing import Final

from sinks.clickhouse.statements import grants_of_sink

_INDENT: Final = " " * 16


def grants() -> str:
    """Return the queries, a line each, and the indentation of the mark behind them."""
    return "".join(f"{_INDENT}<query>{grant}</query>\n" for grant in grants_of_sink()) + _INDENT
