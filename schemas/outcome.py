"""`callback.outcomes`: what came of one attempt to call back, as the dialer reports it."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Code, Event
from schemas.trigger import TriggerId
from schemas.values import Whole

Disposition = Literal[
    "ANSWERED_HUMAN",
    "NO_ANSWER",
    "BUSY",
    "MACHINE",
    "INVALID_NUMBER",
    "ABANDONED",
    "DO_NOT_CALL",
    "CALLBACK_LATER",
]
CallbackResult = Literal["satisfied", "unresolved", "will_leave", "competitor", "other", "unknown"]


class OutcomeEvent(Event):
    """One attempt. `ANSWERED_HUMAN` means that the callback was given; `DO_NOT_CALL` is an objection that holds."""

    type: Literal["outcome"]
    trigger_id: TriggerId
    attempt: Annotated[int, Whole(1, 1_000)]
    disposition: Disposition
    raw_disposition: Code = ""
    """The dialer's own code, kept as it came."""
    result: CallbackResult = "unknown"
    agent_minutes: Annotated[float, Field(ge=0, le=1_440, allow_inf_nan=False)] | None = None
