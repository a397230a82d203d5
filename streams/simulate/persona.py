"""Who a simulated customer is: habits of calling, tenure, and the profile that a dialer sees."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

_HEAVY_EVERY = 100
"""One in a hundred calls all the time (a shop, a caretaker, a portal). At a real bank the top 1% made 32%."""


@dataclass(frozen=True, slots=True)
class Persona:
    """What does not change in a quarter."""

    index: int
    rate: float
    """Contacts for no deeper cause, mean per 90 days."""
    heavy: bool
    silent: bool
    """Never says anything, whatever happens."""
    tenure_months: int
    profile: dict[str, Any]


def draw_persona(index: int, random: Random) -> Persona:
    """Return the customer with a number.

    Telephone numbers have the shape of E.164 and belong to nobody:
    no area code begins with 00.
    """
    heavy = index % _HEAVY_EVERY == 37
    silent = not heavy and random.random() < 0.18
    if heavy:
        rate = random.lognormvariate(5.42, 0.5)
    elif silent:
        rate = 0.3
    else:
        rate = random.lognormvariate(1.42, 0.95)
    tenure = 1 + int(random.expovariate(1 / 40)) % 360
    belgian, unknown = random.random() < 0.12, random.random() < 0.03
    language = "fr" if belgian and random.random() < 0.4 else "nl"
    profile: dict[str, Any] = {
        "phone_e164": f"{'+3200' if belgian else '+3100'}{index % 10_000_000:07d}",
        "country_code": "BE" if belgian else "NL",
        "time_zone": "Europe/Brussels" if belgian else "Europe/Amsterdam",
        "language": language,
        "do_not_call": random.random() < 0.06,
        "tenure_months": tenure,
        "monthly_value": round(random.lognormvariate(3.7, 0.35) * (4 if heavy else 1), 2),
    }
    if unknown:
        profile |= {"phone_e164": None, "time_zone": None, "do_not_call": None}
    return Persona(index, rate, heavy, silent, tenure, profile)
