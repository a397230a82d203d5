"""The tables: each is declared once, and names, insert order, views and what an erasure covers follow from that.

Owns the list. Begin in `declaration`; `events` and `results` hold the tables, `sinks.clickhouse.statements` writes them as SQL. The
migrations make them, and a test compares the two.
"""

from typing import Final

from sinks.clickhouse.declarations import events, results
from sinks.clickhouse.declarations.table import Table

TABLES: Final[tuple[Table, ...]] = (
    events.CALLS,
    events.SURVEYS,
    events.CANCELLATIONS,
    events.OUTCOMES,
    events.UNATTRIBUTABLE,
    events.CUSTOMERS,
    results.TRIGGERS,
    results.SIGNALS,
    results.DEAD_LETTERS,
    results.ERASURES,
)
"""Every table, but for the migrations' own."""

CALLS: Final = events.CALLS.name
SURVEYS: Final = events.SURVEYS.name
CANCELLATIONS: Final = events.CANCELLATIONS.name
OUTCOMES: Final = events.OUTCOMES.name
UNATTRIBUTABLE: Final = events.UNATTRIBUTABLE.name
CUSTOMERS: Final = events.CUSTOMERS.name
TRIGGERS: Final = results.TRIGGERS.name
SIGNALS: Final = results.SIGNALS.name
DEAD_LETTERS: Final = results.DEAD_LETTERS.name
ERASURES: Final = results.ERASURES.name

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    table.name: table.inserted for table in TABLES if table.model is not None
}
"""By table of records the columns of a row, in order; `inserted_at` is filled by the server."""

HAPPENED: Final[dict[str, str]] = {
    table.name: table.time for table in TABLES if table.of_customers and not table.of_decisions
}
"""The tables of a customer's events, with the column of their time."""

DECIDED: Final[dict[str, str]] = {
    table.name: table.time for table in TABLES if table.of_customers and table.of_decisions
}
"""The tables of what was decided about a customer, with the column of its time."""

VIEWS: Final[tuple[str, ...]] = tuple(view.name for table in TABLES for view in table.views)
"""What people read of the tables: each identity once."""
