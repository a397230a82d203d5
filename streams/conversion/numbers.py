"""Numbers and durations as people and spreadsheets write them."""

import re
from math import isfinite
from typing import Final

from streams.conversion.texts import Typed

_WRITTEN: Final = {
    ".": re.compile(
        r"[+-]?(?:\d{1,3}(?:[, '\u00a0\u202f]\d{3})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?\.\d+"
    ),
    ",": re.compile(
        r"[+-]?(?:\d{1,3}(?:[. '\u00a0\u202f]\d{3})+|\d+)(?:,\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?,\d+"
    ),
}
_GROUPS: Final = {
    ".": str.maketrans("", "", ", '\u00a0\u202f"),
    ",": str.maketrans(",", ".", ". '\u00a0\u202f"),
}
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{2})(?:[.,](\d{1,6}))?", re.ASCII)
_ISO: Final = re.compile(
    r"PT(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?", re.IGNORECASE | re.ASCII
)


def number_of(text: str, decimal: str) -> int | float | None:
    """Return the number that a text is, with this decimal mark and groups of three by another; None when it is none.

    >>> [number_of(*each) for each in (("1.234,5", ","), ("1,234.5", "."), ("12,0", ","), ("1_0.5", "."), ("x", "."))]
    [1234.5, 1234.5, 12, None, None]
    """
    if len(text) < 16 and text.isdecimal() and text.isascii():
        return int(text)
    if type(text) is Typed:
        decimal = "."
    if len(text) > 40 or (not text.isascii() and "\u00a0" not in text and "\u202f" not in text):
        return None
    if _WRITTEN[decimal].fullmatch(text) is None:
        return None
    return _exact(float(text.translate(_GROUPS[decimal])))


def seconds_of(text: str, decimal: str, unit_seconds: float) -> int | float | None:
    """Return the seconds of a duration: a number of units, `h:mm:ss`, `m:ss`, or ISO 8601; None when it is none.

    >>> [seconds_of(text, ".", 1) for text in ("90", "1:30", "0:01:30", "PT1M30S", "1:5")]
    [90, 90, 90, 90, None]
    """
    number = number_of(text, decimal)
    if number is not None:
        return _exact(round(number * unit_seconds, 9))
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hours, minutes, rest, fraction = clock.groups("0")
        if (hours != "0" and int(minutes) > 59) or int(rest) > 59:
            return None
        whole = int(hours) * 3_600 + int(minutes) * 60 + int(rest)
        return whole + float(f"0.{fraction}") if int(fraction) else whole
    iso = _ISO.fullmatch(text)
    if iso is None or not any(iso.groups()):
        return None
    hours, minutes, rest = iso.groups("0")
    return _exact(int(hours) * 3_600 + int(minutes) * 60 + float(rest))


def _exact(number: float) -> int | float | None:
    """Return a whole number as such; None for what is too large to be a number."""
    if not isfinite(number):
        return None
    return int(number) if abs(number) < 2**53 and float(number).is_integer() else number
