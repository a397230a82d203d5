"""Triggers as signals workers decide them, for those who feed desks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SKILL = "service"


def at(hours: float) -> str:
    return (
        (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def trigger(trigger_id: str, customer: str, sequence: int = 1, **changed: Any) -> dict[str, Any]:
    """A trigger as signals workers decide it."""
    fields: dict[str, Any] = {
        "type": "callback_trigger",
        "schema_version": 1,
        "trigger_id": trigger_id,
        "sequence": sequence,
        "status": "open",
        "status_reason": "unresolved_30d",
        "customer_id": customer,
        "phone_e164": "+31201234567",
        "country_code": "NL",
        "time_zone": "Europe/Amsterdam",
        "language": "nl",
        "created_at": at(-1),
        "updated_at": at(-1),
        "not_before": at(-1),
        "callable": [[at(-1), at(20)]],
        "due_at": at(24),
        "expires_at": at(48),
        "priority": 40,
        "purpose": "service_recovery",
        "offer_allowed": False,
        "skill": SKILL,
        "reason_code": "unresolved_30d",
        "cause_event_id": "e1",
        "score": 0.7,
        "drivers": [],
        "evidence_language": "en",
        "max_attempts": 3,
        "retry_delay_seconds": 7200,
        "consent": {"basis": "service_without_offer", "do_not_call": None, "as_of": None},
        "policy": "p@1",
    }
    return fields | changed
