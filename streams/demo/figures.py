"""The demo's figures as tables: what ClickHouse holds after a simulated quarter. Owns wording only; queries are the sinks'."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.evaluation import MethodResult, evaluate
from sinks.clickhouse.reports import dead_letter_counts, most_urgent, table_counts, trigger_counts

SHOWN_VIEWS = {
    "v_calls": "calls",
    "v_surveys": "surveys",
    "v_cancellations": "cancellations",
    "v_customers": "customer profiles",
    "v_outcomes": "callback outcomes",
    "v_unattributable_events": "unattributable events",
    "v_dead_letters": "dead letters",
    "v_triggers": "triggers",
    "v_customer_signal_history": "signals records",
}
METHODS = {"triggers": "Behoudlijn", "four_calls": '"at least 4 calls"', "random": "chance"}


def before_the_calls(store: ClickHouse) -> Iterator[Table]:
    """Print what a team leader sees before anybody is called."""
    yield _urgent(store)


def after_the_calls(store: ClickHouse) -> Iterator[Table]:
    """Print what came of it all, in order."""
    yield _counts(store)
    yield _triggers(store)
    yield _evaluation(store)
    yield _dead_letters(store)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    return table


def _counts(store: ClickHouse) -> Table:
    table = _table("In ClickHouse (simulated)", "what", "rows")
    for count in table_counts(store):
        if count.view in SHOWN_VIEWS:
            table.add_row(SHOWN_VIEWS[count.view], f"{count.rows:,}")
    return table


def _triggers(store: ClickHouse) -> Table:
    table = _table("Triggers by purpose and reason (simulated)", "purpose", "reason", "status", "triggers")
    for row in trigger_counts(store, "live")[:16]:
        table.add_row(row.purpose, row.reason_code, row.status, f"{row.triggers:,}")
    return table


def _urgent(store: ClickHouse) -> Table:
    table = _table(
        "The five most urgent open triggers (simulated)", "customer", "purpose", "priority", "score", "why"
    )
    for row in most_urgent(store):
        why = "; ".join(evidence for _, _, _, evidence in row.drivers)
        table.add_row(row.customer_id, row.purpose, str(row.priority), f"{row.score:.2f}", why)
    return table


def _evaluation(store: ClickHouse) -> Table:
    found = evaluate(store)
    title = f"Who was flagged before cancelling (simulated; {found.cancelled:,} of {found.customers:,} cancelled: base rate {found.base_rate:.1%})"
    table = _table(
        title, "way to choose", "customers", "cancelled later", "precision", "recall", "lift", "median lead"
    )
    for each in (found.triggers, found.four_calls, found.random):
        table.add_row(METHODS[each.method], *_figures(each))
    return table


def _figures(result: MethodResult) -> Iterator[str]:
    yield f"{result.flagged:,}"
    yield f"{result.hits:,}"
    yield f"{result.precision:.1%}"
    yield f"{result.recall:.1%}"
    yield f"{result.lift:.2f}"
    yield "-" if result.median_lead_days is None else f"{result.median_lead_days:.1f} days"


def _dead_letters(store: ClickHouse) -> Table:
    table = _table("Dead letters by reason (simulated)", "topic", "reason", "records")
    for row in dead_letter_counts(store):
        table.add_row(row.original_topic, row.reason_code, f"{row.records:,}")
    return table
