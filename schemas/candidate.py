"""`callback.candidates` (key: customer): what the signals workers decide, and what a desk must know of a customer beside it.

A record is one of the kinds below, by its field `type`. No command starts a worker that writes or reads them yet.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from schemas.base import Identifier, Tolerant, UtcDatetime
from schemas.trigger import CallbackTrigger, TriggerId
from schemas.values import within_calendar

_MOST: Final = 2**53
Moment = Annotated[UtcDatetime, AfterValidator(within_calendar)]
Sequence = Annotated[int, Field(ge=1, le=_MOST)]
Partition = Annotated[int, Field(ge=0, le=1_000_000)]
Amount = Annotated[float, Field(allow_inf_nan=False)]


_BOUNDS: Final = {"sequence": _MOST, "max_attempts": 1_000, "retry_delay_seconds": 366 * 86_400}


class DecidedTrigger(CallbackTrigger):
    """The trigger's record as of its decision; its `sequence` is that of the decision."""

    model_config = ConfigDict(extra="allow")

    status: Literal["open"]

    @model_validator(mode="after")
    def _can_be_computed_with(self) -> Self:
        for name, most in _BOUNDS.items():
            if getattr(self, name) > most:
                raise ValueError(f"{name} is above {most}")
        for at in (self.due_at, self.expires_at, *(end for window in self.callable or () for end in window)):
            within_calendar(at)
        return self


class DecidedCandidate(Tolerant):
    """Call this customer, or call otherwise than was decided before."""

    type: Literal["decided"] = "decided"
    partition: Partition
    """Of the customer among the signals workers', and in the triggers' topic."""
    trigger: DecidedTrigger
    worth: Amount = 0.0
    """What the call is expected to be worth: of two that are due alike, the worthier goes out first."""
    rest_until: Moment | None = None
    """The customer is left alone until then."""
    contact_id: Identifier | None = None
    """A contact of the customer that is in progress."""
    adopted_sequence: Annotated[int, Field(ge=0, le=_MOST)] = 0
    """The last sequence of an episode that the signals workers published themselves; 0 for any other."""


class WithdrawnCandidate(Tolerant):
    """The decision does not hold any more."""

    type: Literal["withdrawn"] = "withdrawn"
    trigger_id: TriggerId
    decision_sequence: Sequence
    reason: Identifier


class OutcomeCandidate(Tolerant):
    """What came of an attempt: an outcome that names the trigger, passed on."""

    type: Literal["outcome"] = "outcome"
    trigger_id: TriggerId
    attempt: Annotated[int, Field(ge=1, le=1_000)]
    disposition: Annotated[str, StringConstraints(pattern=r"^[A-Z_]{1,64}$")]
    """As in `callback.outcomes`; one that a desk does not know is counted and changes nothing."""
    placed_at: Moment | None = None
    """When the call was placed."""
    wanted_at: Moment | None = None
    """When the customer wants to be called."""
    customer_id: Identifier | None = None
    """Whom the outcome is about: one about somebody else than the trigger changes nothing."""


class ContactCandidate(Tolerant):
    """A contact that the customer began: in progress, or over."""

    type: Literal["contact"] = "contact"
    trigger_id: TriggerId
    contact_id: Identifier
    over: bool
    served: bool = False
    """It dealt with what the call was for. Of one that is over only."""


class ErasedCandidate(Tolerant):
    """The customer is to be forgotten: in one trigger, or in all that a desk has of this customer."""

    type: Literal["erased"] = "erased"
    trigger_id: TriggerId | None = None
    customer_id: Identifier | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.trigger_id is None) == (self.customer_id is None):
            raise ValueError("either trigger_id or customer_id is expected")
        return self


class ProgressCandidate(Tolerant):
    """A partition of the signals workers has read everything up to then, by the brokers' time."""

    type: Literal["progress"] = "progress"
    partition: Partition
    read_to: Moment


CANDIDATES: tuple[type[Tolerant], ...] = (
    DecidedCandidate,
    WithdrawnCandidate,
    OutcomeCandidate,
    ContactCandidate,
    ErasedCandidate,
    ProgressCandidate,
)
"""Every kind."""
