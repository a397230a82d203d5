"""`customer.objections`: whoever has a telephone number does not want to be called at it, or no longer objects.

A list of numbers knows no customers. Each record lies on every partition, since the number may be that of a customer of any; `behoudlijn
objections load` writes them, with a keyed hash in the place of the number. Files may hold the number itself.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.base import Event, PhoneE164
from schemas.values import Instant

NumberHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Keyed hash of a number in E.164, hexadecimal; the key is BEHOUDLIJN_ERASURE_KEY."""


class ObjectionEvent(Event):
    """The latest by `occurred_at` counts; of one time an objection before its end, then the one that holds longest."""

    type: Literal["objection"]
    customer_id: None = None
    """A number's objection names no customer."""
    phone_e164: PhoneE164 | None = None
    """In files only."""
    number_hash: NumberHash | None = None
    key_id: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Which key made the hash."""
    until: Instant | None = None
    """From when on it holds no longer; none: until it is lifted."""
    lifted: bool = False
    """Nobody objects at this number any more, since `occurred_at`."""

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        hashed = self.number_hash is not None
        if hashed == (self.phone_e164 is not None) or hashed != (self.key_id is not None):
            raise ValueError("either phone_e164, or number_hash with its key_id, is expected")
        return self
