"""The published figures, read from the views: counts are exact, each row of a report is a plain dataclass.

Owns the queries. It must not format or print; what a figure means stands with its field.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.tables import VIEWS

Mode = Literal["live", "shadow"]


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of a view, each identity once."""

    view: str
    rows: int


@dataclass(frozen=True, slots=True)
class TriggerCount:
    """Triggers as they stand, by what they are for."""

    mode: str
    purpose: str
    reason_code: str
    status: str
    triggers: int
    customers: int


@dataclass(frozen=True, slots=True)
class UrgentTrigger:
    """One open trigger; `drivers` are (signal, value, contribution, evidence), strongest first."""

    trigger_id: str
    customer_id: str
    purpose: str
    reason_code: str
    priority: int
    score: float
    created_at: datetime
    due_at: datetime
    drivers: tuple[tuple[str, float, float, str], ...]


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Dead letters of one topic and reason."""

    original_topic: str
    reason_code: str
    records: int


@dataclass(frozen=True, slots=True)
class CallsInHours:
    """Attempts that were reported, and how many of them lay outside of the windows of their trigger, as it was known by then."""

    calls: int
    outside: int


_IN_HOURS: Final = """
SELECT count(), countIf(NOT inside)
FROM
(
    SELECT argMaxIf(tuple(callable_from, callable_until), sequence, updated_at <= occurred_at) AS known,
        arrayExists((opens, closes) -> opens <= occurred_at AND occurred_at < closes, known.1, known.2) AS inside
    FROM v_outcomes
    LEFT JOIN
    (
        SELECT customer_id, trigger_id, sequence, updated_at, callable_from, callable_until
        FROM v_trigger_history
        WHERE mode = 'live' AND status = 'open'
    ) AS decided USING (customer_id, trigger_id)
    GROUP BY customer_id, event_id, occurred_at
)
SETTINGS join_use_nulls = 0
"""
_URGENT: Final = """
SELECT trigger_id, customer_id, purpose, reason_code, priority, score, created_at, due_at,
    arrayZip(driver_signals, driver_values, driver_contributions, driver_evidence) AS drivers
FROM v_triggers
WHERE mode = {mode:String} AND status = 'open' AND phone_known AND consent_do_not_call != 'yes' AND not_before < expires_at
ORDER BY priority DESC, due_at, score DESC, trigger_id LIMIT {limit:UInt32}
"""


def table_counts(store: ClickHouse) -> list[TableCount]:
    """Return the rows of every view, in the order of `tables.VIEWS`."""
    union = " UNION ALL ".join(f"SELECT '{view}' AS view, count() AS rows FROM {view}" for view in VIEWS)  # noqa: S608
    counts = dict(store.query(union))
    return [TableCount(view, int(counts[view])) for view in VIEWS]


def trigger_counts(store: ClickHouse, mode: Mode | None = None) -> list[TriggerCount]:
    """Count triggers by mode, purpose, reason and status, most first; of one mode if given."""
    rows = store.query(
        "SELECT mode, purpose, reason_code, status, count() AS triggers, uniqExact(customer_id) "
        "FROM v_triggers "
        "WHERE ({mode:String} = '' OR mode = {mode:String}) GROUP BY mode, purpose, reason_code, status "
        "ORDER BY mode, triggers DESC, purpose, reason_code, status",
        {"mode": mode or ""},
    )
    return [TriggerCount(*row) for row in rows]


def most_urgent(store: ClickHouse, mode: Mode = "live", limit: int = 5) -> list[UrgentTrigger]:
    """Open triggers of customers who can be called at all, by priority, then by the time they are due."""
    rows = store.query(_URGENT, {"mode": mode, "limit": limit})
    return [UrgentTrigger(*(*row[:8], tuple(map(tuple, row[8])))) for row in rows]


def calls_in_hours(store: ClickHouse) -> CallsInHours:
    """Hold every attempt against the last change of its trigger before it. One of a trigger that told no windows, or that nobody
    published, is outside."""
    [(calls, outside)] = store.query(_IN_HOURS)
    return CallsInHours(int(calls), int(outside))


def dead_letter_counts(store: ClickHouse) -> list[ReasonCount]:
    """Dead letters by topic and reason, most first."""
    rows = store.query(
        "SELECT original_topic, reason_code, count() AS records FROM v_dead_letters "
        "GROUP BY original_topic, reason_code ORDER BY records DESC, original_topic, reason_code"
    )
    return [ReasonCount(*row) for row in rows]
