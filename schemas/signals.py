"""`customer.signals` (compacted): a customer's rolling picture, each time the score crosses a band and with every trigger.

A record without a value takes a customer out: the customer was erased.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Identifier, Message, UtcDatetime
from schemas.trigger import Driver, ShortText


class CustomerSignals(Message):
    """The signals that are not zero, the score, and the drivers behind it, as of one instant."""

    type: Literal["customer_signals"] = "customer_signals"
    schema_version: Literal[1] = 1
    customer_id: Identifier
    sequence: Annotated[int, Field(ge=1)]
    as_of: UtcDatetime
    score: Annotated[float, Field(ge=0, le=1)]
    band: Identifier
    previous_band: Identifier
    signals: dict[str, float]
    drivers: Annotated[tuple[Driver, ...], Field(max_length=3)]
    policy: ShortText
