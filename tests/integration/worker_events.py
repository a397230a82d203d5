"""Events of a few customers, as JSON bodies with their topics: what the tests of worker processes put in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas import topics

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def call(customer: str, number: int, minute: int, **more: Any) -> tuple[str, dict[str, Any]]:
    """An unresolved call, `minute` minutes after the beginning."""
    at = datetime.fromtimestamp(START.timestamp() + 60 * minute, UTC)
    event = {
        "type": "call",
        "schema_version": 1,
        "event_id": f"{customer}-{number}",
        "customer_id": customer,
        "occurred_at": at.isoformat(),
        "resolved": False,
        **more,
    }
    return topics.CALLS, event


def survey(customer: str, number: int, minute: int) -> tuple[str, dict[str, Any]]:
    """A survey in which the customer asks to be called back."""
    _, event = call(customer, number, minute)
    del event["resolved"]
    return topics.SURVEYS, event | {"type": "survey", "csat": 1, "callback_requested": True}


def history(customers: int, calls: int = 6) -> list[tuple[str, dict[str, Any]]]:
    """Events in order of time: everyone calls in turn, every third customer asks for a callback once."""
    events = [call(f"customer-{n}", k, k * 60 * 24 + n) for k in range(calls) for n in range(customers)] + [
        survey(f"customer-{n}", 1000, (calls - 1) * 60 * 24 + n + 7) for n in range(0, customers, 3)
    ]
    return sorted(events, key=lambda each: (each[1]["occurred_at"], list(topics.INPUTS).index(each[0])))
