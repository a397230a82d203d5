"""Public holidays, from the library `holidays`: by calendar and year, each looked up once. Owns what a calendar's name may be."""

import warnings
from datetime import date
from functools import cache


@cache
def holidays_of(calendar: str, year: int) -> frozenset[date]:
    """Return the public holidays of a year. `calendar`: a country of two letters (`NL`), or a part of one (`DE-BY`)."""
    from holidays import country_holidays  # a quarter of a second, which only those wait who have a calendar

    country, _, part = calendar.partition("-")
    with warnings.catch_warnings():  # of years of which it knows a part of the holidays, or none
        warnings.simplefilter("ignore")
        return frozenset(country_holidays(country, subdiv=part or None, years=year, expand=False))


def known_calendar(name: str) -> str:
    """Return the name of a calendar that the library has. Raises ValueError for any other, with those of the country.

    >>> known_calendar("DE-BY")
    'DE-BY'
    >>> known_calendar("NL-XX")
    Traceback (most recent call last):
    ...
    ValueError: no holidays are known of NL-XX; of NL: NL, NL-Midden, NL-Noord, NL-Zuid
    """
    from holidays import list_supported_countries

    countries = list_supported_countries()
    country, dash, part = name.partition("-")
    if len(country) != 2 or country not in countries:
        raise ValueError(
            f"no holidays are known of {name}; a country has two letters, as in NL, or NL-Noord for a part of it"
        )
    if dash and part not in countries[country]:
        known = [country, *(f"{country}-{each}" for each in sorted(countries[country]))]
        raise ValueError(f"no holidays are known of {name}; of {country}: {', '.join(known)}")
    return name
