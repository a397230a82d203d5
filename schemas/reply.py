"""`callback.replies` (key: claimant): the answer to a command. The same command gets the same answer for a day.

No command starts a worker that writes them yet.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from schemas.base import Identifier, Message, UtcDatetime
from schemas.parts import complete
from schemas.trigger import CallbackTrigger, TriggerId

Result = Literal["granted", "renewed", "released", "recorded", "refused"]
Refusal = Literal[
    "too_old", "starting", "unknown_skill", "none_open", "unknown_trigger", "over", "already_yours", "already_claimed", "not_open",
    "shadow", "not_callable_now", "stale", "not_yours", "stop_requested", "not_claimed", "not_now", "too_many_claimants",
]  # fmt: skip

REFUSALS: Final[dict[Refusal, str]] = {
    "too_old": "The claim was read too long after it was written: ask again.",
    "starting": "The desk is reading what was there before it: ask again in a moment.",
    "unknown_skill": "The desk has no such skill.",
    "none_open": "Nothing of the skill is open now.",
    "unknown_trigger": "The desk knows of no such trigger.",
    "over": "The trigger has ended.",
    "already_yours": "You have it, by another command.",
    "already_claimed": "Somebody else has it.",
    "not_open": "It is not open: it waits, or is being taken back.",
    "shadow": "The skill goes out in shadow: nobody calls.",
    "not_callable_now": "The customer may not be called at this hour.",
    "stale": "News of the customer may be unread: ask again in a moment.",
    "not_yours": "You do not have it.",
    "stop_requested": "Do not call: answer the request to stop.",
    "not_claimed": "It is not claimed any more.",
    "not_now": "Where it is, that changes nothing.",
    "too_many_claimants": "Too many others have told of free agents of the skill: tell it for many agents at once.",
}
"""Why a command is refused, and what that means for who asked."""

complete("refusal", get_args(Refusal), "meaning", REFUSALS, "schemas.reply")


class Reply(Message):
    """What was said to one command."""

    type: Literal["reply"] = "reply"
    schema_version: Literal[1] = 1
    claimant: Identifier
    command_id: Identifier
    result: Result
    reason: Refusal | None
    """Why it was refused."""
    trigger_id: TriggerId | None
    sequence: Annotated[int, Field(ge=1)] | None
    """Of the trigger's record that says the same."""
    until: UtcDatetime | None
    """When the claim is over."""
    answered_at: UtcDatetime
    trigger: CallbackTrigger | None
    """What was granted, or renewed, as it is now; none where it has ended since, or belongs to another."""
