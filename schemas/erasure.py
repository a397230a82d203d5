"""`customer.profiles`, beside the profiles: the word that everything of a customer must be erased."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from schemas.base import ANONYMOUS_IDS, Event, Identifier


def _somebody(customer_id: str) -> str:
    if customer_id.lower() in ANONYMOUS_IDS:
        raise ValueError("an erasure must name a customer")
    return customer_id


class ErasureEvent(Event):
    """Erase everything of this customer that happened up to `occurred_at`, and keep it erased. What happens later begins anew."""

    type: Literal["erasure"]
    customer_id: Annotated[Identifier, AfterValidator(_somebody)]
