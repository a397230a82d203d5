"""`contact.calls`: a contact between customer and company, by telephone or another channel."""

from typing import Annotated, Literal

from schemas.base import Code, Event
from schemas.values import Whole

Channel = Literal["phone", "chat", "email", "web", "app", "store", "social", "other"]
Seconds = Annotated[int, Whole(0, 604_800, duration=True)]
Steps = Annotated[int, Whole(0, 1_000)]


class CallEvent(Event):
    """One contact, sent when it has ended."""

    type: Literal["call"]
    direction: Literal["inbound", "outbound"] = "inbound"
    channel: Channel = "phone"
    queue: Code = ""
    reason: Code = "unknown"
    """Why the customer got in touch, in the user's own codes; a repeat is a second contact on the same reason."""
    department: Code = ""
    wait_seconds: Seconds = 0
    """Seconds in the queue, until the answer or until the customer gave up."""
    talk_seconds: Seconds = 0
    ivr_steps: Steps = 0
    """Menu choices before the queue."""
    transfers: Steps = 0
    abandoned: bool = False
    """Left the queue before an answer."""
    resolved: Literal[True, False, "unknown"] | None = "unknown"
    cancel_intent: bool = False
    """The customer spoke of leaving."""
    tried_online_first: bool = False
