"""`callback.outcomes`: what came of one attempt to call back, as the dialer reports it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Code, Event
from schemas.trigger import TriggerId
from schemas.values import Instant, Whole

Disposition = Literal[
    "ANSWERED_HUMAN",
    "NO_ANSWER",
    "BUSY",
    "MACHINE",
    "INVALID_NUMBER",
    "ABANDONED",
    "DO_NOT_CALL",
    "CALLBACK_LATER",
    "WRONG_PARTY",
    "LEFT_MESSAGE",
    "REFUSED",
    "TECHNICAL_FAILURE",
    "STOPPED",
    "TOO_LATE",
]
CallbackResult = Literal["satisfied", "unresolved", "will_leave", "competitor", "other", "unknown"]


class OutcomeEvent(Event):
    """One attempt. What each disposition and each result means stands in `schemas.dispositions`."""

    type: Literal["outcome"]
    trigger_id: TriggerId
    attempt: Annotated[int, Whole(1, 1_000)]
    disposition: Disposition
    raw_disposition: Code = ""
    """The dialer's own code, kept as it came."""
    result: CallbackResult = "unknown"
    agent_minutes: Annotated[float, Field(ge=0, le=1_440, allow_inf_nan=False)] | None = None
    started_at: Instant | None = None
    """When the call was placed; `occurred_at` is when the attempt ended."""
    callback_at: Instant | None = None
    """When the customer wants to be called instead; of `CALLBACK_LATER` only."""

    @model_validator(mode="after")
    def _later_has_a_time(self) -> Self:
        if self.callback_at is not None and self.disposition != "CALLBACK_LATER":
            raise ValueError(
                "callback_at is a time that the customer chose: it goes with CALLBACK_LATER only"
            )
        return self
