"""Values as producers send them: whole numbers that came as floats, and times that are texts with a zone.

Owns one rule for each. A float without a fraction is the whole number (pandas and JavaScript send such). A fraction of a second is
rounded half up where the field is a duration, and refused elsewhere. A time is ISO 8601 with date, time and zone: digits alone are no
time, since nobody can tell seconds from milliseconds or a spreadsheet's days.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from math import floor
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

INSTANT_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:?[0-9]{2}"


def _whole(value: float) -> int:
    if not value.is_integer():
        raise ValueError("a whole number is expected")
    return int(value)


def _half_up(value: float) -> int:
    return floor(value + 0.5)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `ge` to `le`; with `duration`, one of seconds, of which a fraction is rounded half up."""

    ge: int
    le: int
    duration: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        whole = core_schema.int_schema(strict=True, ge=self.ge, le=self.le)
        convert = _half_up if self.duration else _whole
        fraction = core_schema.chain_schema(
            [
                core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.ge, le=self.le),
                core_schema.no_info_plain_validator_function(convert),
            ]
        )
        return core_schema.union_schema(
            [
                whole,
                fraction,
            ],  # in this order, so that whole numbers, which come in millions, stay in the parser
            mode="left_to_right",
            custom_error_type="whole_number",
            custom_error_message=f"a {'number' if self.duration else 'whole number'} from {self.ge} to {self.le} is expected",
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": "number" if self.duration else "integer",
            "minimum": self.ge,
            "maximum": self.le,
        }


class _InstantText:
    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.chain_schema(
            [
                core_schema.str_schema(pattern=INSTANT_PATTERN),
                core_schema.datetime_schema(strict=False, tz_constraint="aware"),
            ]
        )
        return core_schema.json_or_python_schema(text, core_schema.datetime_schema(tz_constraint="aware"))

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


Instant = Annotated[datetime, _InstantText]
"""An instant: ISO 8601 with date, time and any zone."""

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def within_calendar(at: datetime) -> datetime:
    """Return an instant with which one can compute. Raises ValueError for one that is not between the years 1970 and 9000."""
    if not _FIRST <= at < _LAST:
        raise ValueError("it must lie between the years 1970 and 9000")
    return at


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"Factory", "localtime"}  # which are no places


def known_zone(name: str) -> str:
    """Return the name of a zone that the time zone database has. Raises ValueError with the nearest names for any other.

    >>> known_zone("Europe/Amsterdam")
    'Europe/Amsterdam'
    >>> known_zone("Amsterdam")
    Traceback (most recent call last):
    ...
    ValueError: no time zone has this name; near: Europe/Amsterdam
    """
    zones = _zones()
    if name in zones:
        return name
    # `Etc/GMT+1` is west of Greenwich, where who writes GMT+1 is not.
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(zones) if not zone.startswith("Etc/")}
    near = [cities[city] for city in get_close_matches(name.rpartition("/")[2].lower(), cities, 3, 0.75)]
    raise ValueError(
        "no time zone has this name"
        + (f"; near: {', '.join(near)}" if near else "; names are as of Europe/Amsterdam")
    )


KnownTimeZone = Annotated[str, AfterValidator(known_zone)]
"""A name of the IANA time zone database."""
