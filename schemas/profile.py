"""`customer.profiles`: what a dialer needs to call a customer, and whether it may. The latest by `occurred_at` counts, then by
`revised_at`, then by arrival."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import CountryCode, Event, LanguageTag, PhoneE164
from schemas.values import Instant, KnownTimeZone, Whole


class ProfileEvent(Event):
    """The whole profile as of `occurred_at`; it replaces an older one, field by field nothing is merged."""

    type: Literal["profile"]
    phone_e164: PhoneE164 | None = None
    country_code: CountryCode | None = None
    time_zone: KnownTimeZone | None = None
    language: LanguageTag | None = None
    do_not_call: bool | None = None
    """The customer objects to being called."""
    consented_at: Instant | None = None
    """When the customer last agreed to be called: what was objected to before that is lifted, by `do_not_call` of this profile nothing is."""
    customer_since: Instant | None = None
    """When the relation began that the customer now has: a confirmed cancellation of before that bars nobody."""
    tenure_months: Annotated[int, Whole(0, 1_200)] | None = None
    monthly_value: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    """What the customer is worth a month, in the user's currency."""
