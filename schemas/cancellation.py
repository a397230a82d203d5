"""`contact.cancellations`: the steps of a customer who leaves."""

from typing import Literal

from schemas.base import Event
from schemas.values import Instant

CancellationStage = Literal["inquiry", "requested", "withdrawn", "confirmed"]
CancellationReason = Literal[
    "competitor_offer", "price", "quality", "service", "moved", "deceased", "other", "unknown"
]


class CancellationEvent(Event):
    """One step. `requested` can still be withdrawn until `effective_at`; `confirmed` is final."""

    type: Literal["cancellation"]
    stage: CancellationStage
    reason: CancellationReason = "unknown"
    effective_at: Instant | None = None
    """When the contract ends; none when not known yet."""
