"""Did the triggers come before the cancellations? Three ways to choose customers, measured on the same truth.

Owns the definitions. A customer *cancels* at the first `requested` or `confirmed` step of the whole
relation: who ends one contract of several, or comes back later, is no other customer for that. A way *flags* a
customer at an instant; only a flag strictly before the cancellation is a *hit*. A flag at or after it is *too
late*: not a hit, not part of the volume, and reported, since a callback to keep somebody who has given notice
is right but predicts nothing.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.reports import Mode

Method = Literal["triggers", "random", "four_calls"]


@dataclass(frozen=True, slots=True)
class MethodResult:
    """How one way of choosing customers did."""

    method: Method
    flagged: int
    """Customers flagged in time, or who never cancelled: the volume."""
    too_late: int
    """Customers first flagged at or after their cancellation."""
    hits: int
    """Flagged before cancelling."""
    precision: float
    """hits / flagged; 0 without flags."""
    recall: float
    """hits / customers who cancelled; 0 without any."""
    lift: float
    """precision / base rate; 0 without a base rate."""
    median_lead_days: float | None
    """Days from flag to cancellation over the hits; none without hits, and for chance: it has no instant."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The truth, and the triggers beside chance and the simple rule, at equal volume."""

    customers: int
    """Customers with any event or profile."""
    cancelled: int
    base_rate: float
    """cancelled / customers."""
    triggers: MethodResult
    random: MethodResult
    """As many customers, drawn by a fixed hash."""
    four_calls: MethodResult
    """Customers with at least four inbound contacts before any cancellation, those with most first, at most
    as many as the triggers flagged; the flag is the fourth contact."""


_TRUTH: Final = """
WITH
    truth AS (
        SELECT customer_id, max(cancels) AS cancelled, maxIf(at, cancels) AS cancelled_at
        FROM (
            SELECT customer_id, true AS cancels, min(occurred_at) AS at FROM v_cancellations
            WHERE stage IN ('requested', 'confirmed') AND whole_relation GROUP BY customer_id
            UNION ALL SELECT customer_id, false, toDateTime64(0, 3, 'UTC') FROM (
                SELECT customer_id FROM v_calls UNION ALL SELECT customer_id FROM v_surveys
                UNION ALL SELECT customer_id FROM v_customers UNION ALL SELECT customer_id FROM v_outcomes
                UNION ALL SELECT customer_id FROM v_cancellations
            ) GROUP BY customer_id
        ) GROUP BY customer_id
    )
"""

_TOTALS: Final = "SELECT count(), countIf(cancelled) FROM truth"

_MEASURE: Final = """
SELECT
    countIf(NOT late), countIf(late), countIf(cancelled AND NOT late),
    quantileExactInclusiveIf(0.5)(
        (toUnixTimestamp64Milli(cancelled_at) - toUnixTimestamp64Milli(flagged_at)) / 86400000,
        cancelled AND NOT late
    )
FROM (
    SELECT flagged_at, cancelled, cancelled_at, cancelled AND flagged_at >= cancelled_at AS late
    FROM flagged INNER JOIN truth USING (customer_id)
)
"""

_BY_TRIGGERS: Final = """, flagged AS (
    SELECT customer_id, min(created_at) AS flagged_at FROM v_trigger_history
    WHERE mode = {mode:String} GROUP BY customer_id
)"""

_BY_CHANCE: Final = """, flagged AS (
    SELECT customer_id, toDateTime64(0, 3, 'UTC') AS flagged_at FROM truth
    ORDER BY sipHash64('baseline', customer_id), customer_id LIMIT {volume:UInt64}
)"""

_BY_CALLS: Final = """, flagged AS (
    SELECT customer_id, arraySort(groupArray(occurred_at))[4] AS flagged_at
    FROM v_calls AS calls INNER JOIN truth USING (customer_id)
    WHERE direction = 'inbound' AND (NOT cancelled OR occurred_at < cancelled_at)
    GROUP BY customer_id HAVING count() >= 4
    ORDER BY count() DESC, sipHash64('baseline', customer_id), customer_id LIMIT {volume:UInt64}
)"""


def evaluate(store: ClickHouse, mode: Mode = "live") -> Evaluation:
    """Measure the triggers of `mode`. Raises what the store raises."""
    [(customers, cancelled)] = store.query(_TRUTH + _TOTALS)
    base_rate = _ratio(cancelled, customers)

    def measured(method: Method, flags: str, **parameters: object) -> MethodResult:
        [(flagged, late, hits, lead)] = store.query(_TRUTH + flags + _MEASURE, parameters)
        precision = _ratio(hits, flagged)
        return MethodResult(
            method=method,
            flagged=flagged,
            too_late=late,
            hits=hits,
            precision=precision,
            recall=_ratio(hits, cancelled),
            lift=_ratio(precision, base_rate),
            median_lead_days=float(lead) if hits and method != "random" else None,
        )

    triggers = measured("triggers", _BY_TRIGGERS, mode=mode)
    return Evaluation(
        customers=customers,
        cancelled=cancelled,
        base_rate=base_rate,
        triggers=triggers,
        random=measured("random", _BY_CHANCE, volume=triggers.flagged),
        four_calls=measured("four_calls", _BY_CALLS, volume=triggers.flagged),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
