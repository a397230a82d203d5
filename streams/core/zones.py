"""Where a customer may be: the time zones that a profile leaves open. Owns that choice; what is open there is `hours`' own.

Never an arbitrary one of several: who may be in two zones is called when it is day in both.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

Zones = tuple[ZoneInfo, ...]


def candidate_zones(time_zone: str | None, phone: str | None, country: str | None) -> Zones:
    """Return the zones that a customer may be in; none when nothing tells.

    The stated zone; without one, or with one that no time zone database knows (profiles of before may have it), every zone of the
    number, of which a country leaves its own; without those every zone of the country.
    """
    stated = None if time_zone is None else _zone(time_zone)
    if stated is not None:
        return (stated,)
    of_country = () if country is None else _zones_of_country(country)
    of_number = () if phone is None else _zones_of_number(phone)
    if len(of_number) < 2:
        return of_number or of_country
    return tuple(zone for zone in of_number if zone in of_country) or of_number


@cache
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@cache
def _zones_of_prefix(prefix: str) -> Zones:
    try:
        names = time_zones_for_number(phonenumbers.parse(prefix, None))
    except phonenumbers.NumberParseException:
        return ()
    zones = tuple(zone for zone in map(_zone, names) if zone is not None and zone.key != "Etc/Unknown")
    return zones if len(zones) == len(names) else ()


def _zones_of_number(phone: str) -> Zones:
    # The last four digits never decide the zone; without them a bounded cache holds no whole numbers.
    return _zones_of_prefix(phone[:-4] + "0000")


@cache
def _zones_of_country(country: str) -> Zones:
    names = _names_by_country().get(country, [])
    return tuple(zone for zone in map(_zone, names) if zone is not None)


@cache
def _names_by_country() -> dict[str, list[str]]:
    """Return the zones of each country, as the time zone database has them: code, coordinates, name, and a comment perhaps."""
    named: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            named.setdefault(country, []).append(name)
    return named
