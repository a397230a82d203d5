"""`customer.profiles`, beside the profiles: the word that everything of a customer must be erased."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from schemas.base import Event
from schemas.ids import InboundId, names_nobody


def _somebody(customer_id: str) -> str:
    if names_nobody(customer_id):
        raise ValueError("an erasure must name a customer")
    return customer_id


class ErasureEvent(Event):
    """Erase everything of this customer that happened up to `occurred_at`, and keep it erased. What happens later begins anew."""

    type: Literal["erasure"]
    customer_id: Annotated[InboundId, AfterValidator(_somebody)]
