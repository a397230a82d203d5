"""`contact.cancellations`: the steps of a customer who leaves, or who comes back."""

from typing import Literal

from schemas.base import Event
from schemas.ids import InboundId
from schemas.values import Instant

CancellationStage = Literal["inquiry", "requested", "withdrawn", "confirmed", "reinstated"]
CancellationReason = Literal[
    "competitor_offer", "price", "quality", "service", "moved", "deceased", "other", "unknown"
]


class CancellationEvent(Event):
    """One step, of the whole relation or of one contract. `requested` can still be withdrawn until `effective_at`; `confirmed` is the end;
    `reinstated` takes the end back, or begins anew."""

    type: Literal["cancellation"]
    stage: CancellationStage
    reason: CancellationReason = "unknown"
    effective_at: Instant | None = None
    """When the contract ends; none when not known yet."""
    contract_id: InboundId | None = None
    """Which contract the step is about."""
    whole_relation: bool = True
    """The step is about all that the customer has with the company. False: about `contract_id` only, or about one contract that is not named;
    the customer stays one when it ends."""
