"""Builders of messages, coordinates and rows, every field filled: a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from schemas import topics
from schemas.base import Event
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.dead_letter import DeadLetter
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.signals import CustomerSignals
from schemas.survey import SurveyEvent
from schemas.trigger import CallbackTrigger, Consent, Driver
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import Row

START = datetime(2064, 3, 1, 9, 30, 15, 123_000, tzinfo=UTC)
DRIVER = Driver(signal="contacts_7d", value=4.0, contribution=0.75, evidence="4 contacts in 7 days")


class At(NamedTuple):
    """Kafka coordinates, as the core's records have them."""

    topic: str
    partition: int = 0
    offset: int = 0
    timestamp: int = int(START.timestamp() * 1000) + 5_000


def day(number: float) -> datetime:
    """That many days after the start."""
    return START + timedelta(days=number)


def event(
    kind: type[Event], customer: str | None = "c1", name: str = "e1", at: datetime = START, **more: Any
) -> Any:
    """An input event of that class."""
    kinds = {
        CallEvent: "call",
        SurveyEvent: "survey",
        CancellationEvent: "cancellation",
        OutcomeEvent: "outcome",
        ProfileEvent: "profile",
    }
    head = {
        "type": kinds[kind],
        "schema_version": 1,
        "event_id": name,
        "customer_id": customer,
        "occurred_at": at,
    }  # type: ignore[index]
    return kind.model_validate({**head, **more})


def trigger(customer: str = "c1", sequence: int = 1, at: datetime = START, **more: Any) -> CallbackTrigger:
    """An open trigger of that customer."""
    fields: dict[str, Any] = {
        "trigger_id": f"{customer}-1",
        "sequence": sequence,
        "status": "open",
        "status_reason": "repeat_contact",
        "customer_id": customer,
        "phone_e164": "+31612345678",
        "country_code": "NL",
        "time_zone": "Europe/Amsterdam",
        "language": "nl",
        "created_at": at,
        "updated_at": at + timedelta(minutes=sequence),
        "not_before": at,
        "callable": (
            (at, at + timedelta(hours=8)),
            (at + timedelta(days=1), at + timedelta(days=1, hours=8)),
        ),
        "due_at": at + timedelta(days=1),
        "expires_at": at + timedelta(days=3),
        "priority": 70,
        "purpose": "service_recovery",
        "offer_allowed": False,
        "skill": "retention",
        "reason_code": "repeat_contact",
        "cause_event_id": "e1",
        "score": 0.625,
        "drivers": (DRIVER,),
        "max_attempts": 3,
        "retry_delay_seconds": 3600,
        "consent": Consent(basis="service_without_offer", do_not_call=False, as_of=at),
        "policy": "default@0123abcd",
    }
    return CallbackTrigger.model_validate({**fields, **more})


def signals(customer: str = "c1", sequence: int = 1, at: datetime = START) -> CustomerSignals:
    """A picture of that customer."""
    return CustomerSignals(
        customer_id=customer,
        sequence=sequence,
        as_of=at,
        score=0.5,
        band="high",
        previous_band="low",
        signals={"contacts_7d": 4.0, "low_csat": 1.0},
        drivers=(DRIVER,),
        policy="default@0123abcd",
    )


def dead_letter(offset: int = 7, reason: Any = "not_json", payload: str = "eA==") -> DeadLetter:
    """A refused record of the calls' topic."""
    return DeadLetter(
        topic="contact.calls",
        partition=2,
        offset=offset,
        reason_code=reason,
        message="not JSON at byte 0",
        ingested_at=START,
        key_base64=None,
        payload_base64=payload,
        payload_size=1,
        payload_sha256="ab" * 32,
    )


def wire(message: Any) -> bytes:
    """The bytes of an output record."""
    return message.model_dump_json().encode()  # type: ignore[no-any-return]


def output(message: Any, topic: str, offset: int = 0) -> Row:
    """The row of an output message."""
    row = row_of_output(wire(message), At(topic, offset=offset))
    assert row is not None
    return row


def one_of_each() -> list[Row]:
    """A row for every table."""
    calls = At(topics.CALLS, 3, 11)
    return [
        row_of_event(
            event(CallEvent, queue="billing", wait_seconds=40, resolved=False, cancel_intent=True), calls
        ),
        row_of_event(event(CallEvent, customer="unknown", name="a1", reason="bill"), calls),
        row_of_event(event(SurveyEvent, csat=2, answered=False, comment="slecht €"), At(topics.SURVEYS)),
        row_of_event(
            event(CancellationEvent, stage="requested", effective_at=day(30)), At(topics.CANCELLATIONS)
        ),
        row_of_event(
            event(OutcomeEvent, trigger_id="c1-1", attempt=1, disposition="BUSY"), At(topics.OUTCOMES)
        ),
        row_of_event(event(ProfileEvent, phone_e164="+31612345678", tenure_months=0), At(topics.PROFILES)),
        output(trigger(), topics.TRIGGERS),
        output(signals(), topics.SIGNALS),
        output(dead_letter(), topics.DEAD_LETTERS),
    ]
