"""`contact.surveys`: what the customer said about a contact."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Event
from schemas.ids import InboundId
from schemas.values import Whole


class SurveyEvent(Event):
    """One answered survey: at least one grade, or one of the two flags."""

    type: Literal["survey"]
    contact_id: InboundId | None = None
    """The `event_id` of the call that it is about: both are one complaint. Without it a bad survey is one of its own."""
    csat: Annotated[int, Whole(1, 5)] | None = None
    """Satisfaction; satisfied from 4."""
    nps: Annotated[int, Whole(0, 10)] | None = None
    """Likelihood to recommend; detractor up to 6."""
    ces: Annotated[int, Whole(1, 7)] | None = None
    """Ease ("the company made it easy"); easy from 5."""
    answered: bool | None = None
    """Was the customer's question answered?"""
    callback_requested: bool = False
    """"Shall we call you back?" - yes."""
    comment: Annotated[str, Field(max_length=4_000)] | None = None
    """Free text: personal data, never logged and never kept as state."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (
            self.csat is None
            and self.nps is None
            and self.ces is None
            and self.answered is None
            and not self.callback_requested
        ):
            raise ValueError("a survey needs csat, nps, ces, answered or callback_requested")
        return self
