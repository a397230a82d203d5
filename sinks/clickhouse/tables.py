"""The tables by name, and the columns that the sink fills, in order. The migrations own types and meaning."""

from typing import Final

CALLS: Final = "fct_calls"
SURVEYS: Final = "fct_surveys"
CANCELLATIONS: Final = "fct_cancellations"
OUTCOMES: Final = "fct_outcomes"
UNATTRIBUTABLE: Final = "fct_unattributable_events"
CUSTOMERS: Final = "dim_customers"
TRIGGERS: Final = "fct_triggers"
SIGNALS: Final = "fct_customer_signals"
DEAD_LETTERS: Final = "fct_dead_letters"
ERASURES: Final = "erasures"

_SOURCE: Final = ("source_topic", "source_partition", "source_offset", "ingested_at", "version")
_EVENT: Final = ("customer_id", "event_id", "occurred_at")
_DRIVERS: Final = ("driver_signals", "driver_values", "driver_contributions", "driver_evidence")

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    CALLS: (
        *_EVENT,
        *(
            "direction",
            "channel",
            "queue",
            "reason",
            "department",
            "wait_seconds",
            "talk_seconds",
            "ivr_steps",
        ),
        *("transfers", "abandoned", "resolved", "cancel_intent", "tried_online_first"),
        *_SOURCE,
    ),
    SURVEYS: (
        *_EVENT,
        *("contact_id", "csat", "nps", "ces", "answered", "callback_requested", "comment"),
        *_SOURCE,
    ),
    CANCELLATIONS: (*_EVENT, "stage", "reason", "effective_at", *_SOURCE),
    OUTCOMES: (
        *_EVENT,
        *("trigger_id", "attempt", "disposition", "raw_disposition", "result", "agent_minutes"),
        *_SOURCE,
    ),
    UNATTRIBUTABLE: ("event_type", "event_id", "occurred_at", "channel", "reason", *_SOURCE),
    CUSTOMERS: (
        *_EVENT,
        *(
            "phone_known",
            "country_code",
            "time_zone",
            "language",
            "do_not_call",
            "tenure_months",
            "monthly_value",
        ),
        *_SOURCE,
    ),
    TRIGGERS: (
        *(
            "mode",
            "trigger_id",
            "sequence",
            "customer_id",
            "status",
            "status_reason",
            "purpose",
            "reason_code",
        ),
        *("skill", "priority", "score", "created_at", "updated_at", "not_before", "due_at", "expires_at"),
        *("offer_allowed", "max_attempts", "retry_delay_seconds", "phone_known", "country_code", "time_zone"),
        *("language", *_DRIVERS, "consent_basis", "consent_do_not_call", "consent_as_of", "policy"),
        *_SOURCE,
    ),
    SIGNALS: (
        *(
            "customer_id",
            "sequence",
            "as_of",
            "score",
            "band",
            "previous_band",
            "signals",
            *_DRIVERS,
            "policy",
        ),
        *_SOURCE,
    ),
    DEAD_LETTERS: (
        *("original_topic", "original_partition", "original_offset", "original_ingested_at", "reason_code"),
        *("message", "payload_size", "payload_sha256"),
        *_SOURCE,
    ),
}
"""Columns by table; `inserted_at` is filled by the server."""

HAPPENED: Final[dict[str, str]] = dict.fromkeys(
    (CALLS, SURVEYS, CANCELLATIONS, OUTCOMES, CUSTOMERS), "occurred_at"
)
"""The tables of a customer's events, with the column of their time."""

DECIDED: Final[dict[str, str]] = {TRIGGERS: "updated_at", SIGNALS: "as_of"}
"""The tables of what was decided about a customer, with the column of its time."""

VIEWS: Final = (
    "v_calls",
    "v_surveys",
    "v_cancellations",
    "v_outcomes",
    "v_unattributable_events",
    "v_customers",
    "v_trigger_history",
    "v_triggers",
    "v_customer_signal_history",
    "v_customer_signals",
    "v_dead_letters",
)
"""What people read: each identity once."""
