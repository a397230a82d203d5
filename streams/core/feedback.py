"""Feedback: what the release stage tells of a trigger that has ended, so that whoever decides knows that nobody calls for it any more.

Owns which of a trigger's records are feedback, and what they do to a customer's ledger. It is no event: it moves no clock, comes last
among what is merged at one time, and counts for the episode that is open and for no other.

By its end:

- `completed`: the customer was spoken to, or served in another contact. An outcome has mostly closed the episode before; where none has,
  it ends as by an outcome, with the rest that a talk gives.
- `expired`, `failed`, `suppressed`, `retracted`: nobody spoke to the customer. The episode is closed as time closes one: its ground stays
  served, the rest that its opening gave goes on, none is added, and a ground that is new counts as ever. Where the policy says so
  (`again_after`), the same ground counts again, and the rest is that of the last talk (`episodes.count_again`).

Nothing is published of the end itself: the record that told of it is the trigger's last.
"""

from typing import Any, Final, cast

import orjson

from schemas.instants import from_text
from schemas.trigger import CallbackTrigger, Purpose
from streams.core.episodes import count_again, decide
from streams.core.policy import Policy
from streams.core.published import Cause, Output
from streams.core.records import REJECTED_AT, Decoded, Feedback, Record, Reject
from streams.core.release.places import ENDED_BEFORE, ENDS
from streams.core.state import State
from streams.core.wording import Wording

_validate: Final = CallbackTrigger.__pydantic_validator__.validate_json
KIND: Final = "feedback"
"""Under which it is counted, beside the types of events."""
CROSSED: Final = "crossed"
"""Result of an end that crossed an upgrade: the desk answers the upgrade too, and that answer counts."""


def feedback_of(value: bytes) -> Feedback | None:
    """Return what a record of a trigger feeds back; None when it is no end, or a signals worker's, who knows of it.

    Raises ValueError, KeyError or TypeError for bytes that are no such record.
    """
    fields: dict[str, Any] = orjson.loads(value)
    if fields["status"] not in ENDS or fields.get("decision_sequence") is None:
        return None
    return Feedback(
        fields["customer_id"],
        fields["trigger_id"],
        fields["sequence"],
        fields["decision_sequence"],
        fields["status"],
        from_text(fields["updated_at"]),
        fields["status_reason"] == ENDED_BEFORE,
        fields["skill"],
    )


def decode_feedback(record: Record) -> Decoded:
    """Decode a record of `callback.triggers`: what it feeds back, nothing, or a reject."""
    value = record.value or b""
    try:
        told = feedback_of(value)
        if told is not None:
            _validate(value)
    except (ValueError, KeyError, TypeError):
        reject = Reject("invalid_field", "it is no record of a trigger")
        return Decoded(record, REJECTED_AT, None, reject, (), anonymous=False)
    at = REJECTED_AT if told is None else told.at
    return Decoded(record, at, None, None, (), anonymous=False, told=told)


def closes(state: State, told: Feedback) -> bool:
    """Return whether it tells of the episode that is open."""
    return bool(state.episode) and state.open_trigger()["trigger_id"] == told.trigger_id


def crosses(state: State, told: Feedback) -> bool:
    """Return whether the open episode, of which it tells, was upgraded since the last decision that the desk knew, or is another desk's now."""
    trigger = state.open_trigger()
    upgraded: int = trigger["sequence"]
    return told.decision_sequence < upgraded or told.skill not in ("", trigger["skill"])


def close(
    state: State, policy: Policy, now: int, told: Feedback, ingested_at: int, wording: Wording
) -> list[Output]:
    """Close the open episode, in place, at `now` (ms), and return what must be published: a weaker ground may have waited for it.

    What counts again counts with the customer's next event or timer: where nobody can be called, one decision must not make the next.
    But for an upgrade that nobody has looked at, which is decided on at once.
    """
    purpose = cast("Purpose", state.open_trigger()["purpose"])  # as it was published
    state.episode = b""
    if told.ended_before:
        count_again(state, policy, purpose, now)
    identity = f"{KIND}:{told.trigger_id}:{told.sequence}"
    answered = told.end == "completed" and not told.ended_before
    cause = Cause(told.customer_id, told.at, identity, ingested_at, answered)
    outputs = decide(state, policy, now, cause, wording)
    if not told.ended_before and policy.again_after.get(told.end, False):
        count_again(state, policy, purpose, now)
    return outputs
