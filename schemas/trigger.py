"""`callback.triggers` (and `callback.triggers.shadow`): the order to call a customer, and each later change of it.

A trigger is one episode of one customer. Every change is a new record with the same `trigger_id` and the next `sequence`;
a consumer keeps the highest sequence and drops what it has seen.
"""

from itertools import pairwise
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints

from schemas.base import CountryCode, Identifier, LanguageTag, Message, PhoneE164, TimeZoneName, UtcDatetime

TriggerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,200}$")]
Purpose = Literal["requested_callback", "save", "incident", "service_recovery"]
DecisionStatus = Literal["open", "retracted", "expired", "completed"]
"""Of a record that the signals workers publish themselves."""
TriggerStatus = Literal[
    DecisionStatus,
    "queued",
    "claimed",
    "handed_over",
    "waiting_retry",
    "retract_requested",
    "failed",
    "suppressed",
    "held_out",
]
"""Of any record. The release stage alone writes the others."""
ShortText = Annotated[str, Field(max_length=200)]

ValueT = TypeVar("ValueT")
_OfRelease = Annotated[ValueT | None, Field(exclude_if=lambda value: value is None)]
"""A field that the release stage adds; left out where it says nothing."""

Window = tuple[UtcDatetime, UtcDatetime]
"""From when to when, the end not included."""


def _in_order(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    if not all(opens < closes for opens, closes in windows):
        raise ValueError("a window ends after it begins")
    if not all(before[1] < after[0] for before, after in pairwise(windows)):
        raise ValueError("windows come in order of time, with time between them")
    return windows


class Driver(Message):
    """One signal that speaks for the call, with its share of the score."""

    signal: Identifier
    value: float
    contribution: float
    """Its part of logit(score); 0 where a plain rule decided."""
    evidence: ShortText
    """What it means, in one sentence. Whoever shows it in another language makes it of `signal` and `value` (docs/languages.md)."""


class Consent(Message):
    """What we knew about the permission to call when the trigger was decided."""

    basis: Literal["customer_request", "service_without_offer"]
    do_not_call: bool | None
    as_of: UtcDatetime | None
    """When the profile that says so was made; none when there is no profile."""


class CallbackTrigger(Message):
    """Everything a dialer needs for one callback, and the reasons an agent can tell."""

    type: Literal["callback_trigger"] = "callback_trigger"
    schema_version: Literal[1] = 1
    trigger_id: TriggerId
    sequence: Annotated[int, Field(ge=1)]
    status: TriggerStatus
    status_reason: Identifier
    """Why it has this status: the reason code when open, else what ended it."""
    customer_id: Identifier
    phone_e164: PhoneE164 | None
    country_code: CountryCode | None
    time_zone: TimeZoneName | None
    language: LanguageTag | None
    created_at: UtcDatetime
    updated_at: UtcDatetime
    not_before: UtcDatetime
    """The beginning of the first window in which the customer may be called; `expires_at` when there is none."""
    callable: Annotated[tuple[Window, ...], Field(max_length=14), AfterValidator(_in_order)] | None = None
    """When the customer may be called, up to `expires_at`: in the hours for this purpose, in every time zone that the customer may be
    in. The first 14 windows; none at all: never. None in a trigger that was opened by 0.2 or before."""
    due_at: UtcDatetime
    """When the customer should have been called at the latest."""
    expires_at: UtcDatetime
    """After this the call no longer makes sense: do not dial."""
    priority: Annotated[int, Field(ge=0, le=100)]
    purpose: Purpose
    offer_allowed: bool
    skill: Identifier
    reason_code: Identifier
    cause_event_id: Identifier | None = None
    """The `event_id` of the event that opened the episode, through all its changes; none when time alone did, or an erasure."""
    score: Annotated[float, Field(ge=0, le=1)]
    drivers: Annotated[tuple[Driver, ...], Field(max_length=3)]
    evidence_language: LanguageTag | None = None
    """The language (BCP 47) that the drivers' evidence is in: the customer's own, or the nearest there is. None in a trigger that was
    opened by 0.2 or before: those are in English."""
    max_attempts: Annotated[int, Field(ge=1)]
    retry_delay_seconds: Annotated[int, Field(ge=0)]
    consent: Consent
    policy: ShortText
    """Name and digest of the policy that decided."""
    attempt: _OfRelease[Annotated[int, Field(ge=1)]] = None
    """The number of the present or last attempt, from its release on. This and what follows is the release stage's, and absent elsewhere."""
    claimant: _OfRelease[Identifier] = None
    """Who has it."""
    claim_until: _OfRelease[UtcDatetime] = None
    """When the claim is over, unless it is renewed."""
    decision_sequence: _OfRelease[Annotated[int, Field(ge=1)]] = None
    """Of the decision that this record rests on."""
    contact_id: _OfRelease[Identifier] = None
    """The contact of the customer that holds it back, or served it."""
    arm: _OfRelease[Identifier] = None
    """Of an experiment: to which group the customer belongs."""
    propensity: _OfRelease[Annotated[float, Field(gt=0, le=1)]] = None
    """How likely that group was."""


OF_RELEASE: Final = (
    "attempt",
    "claimant",
    "claim_until",
    "decision_sequence",
    "contact_id",
    "arm",
    "propensity",
)
"""The fields that the release stage alone fills."""
