"""Times as sources write them: which instant a text stands for, or why it stands for none.

Owns formats, zones, and the two hours a year that a clock shows twice or never. A time is never guessed: its format is the mapping's.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import ms_of
from streams.conversion.refusals import RecordError
from streams.conversion.shapes import Shape
from streams.conversion.texts import Text, Typed, source_text
from streams.core.decode import EARLIEST_MS, LATEST_MS
from streams.mappings.language import Hint, Mapping, Time


class Instant(NamedTuple):
    """An instant in both forms that are needed: ms since the epoch, and ISO 8601 in UTC, as events carry it."""

    ms: int
    iso: str


FindInstant = Callable[[Any], Instant | None]
"""Finds an instant in a record; None where there is none."""
Naive = Callable[[str], datetime]
"""Reads a text as a datetime, with a zone where it says one. Raises ValueError."""

_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)
_BEFORE_ZONE: Final = re.compile(r" (?=[Z+-])")
_NUMBER: Final = re.compile(r"\d{1,17}(?:[.,]\d{1,12})?", re.ASCII)
_EXCEL_DAY_0: Final = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 60 of a spreadsheet is a 29 February 1900 that never was: from 1 March on, days count from here."""
_BLANK: Final = "[\\s\u00a0\u202f]+"
"""Also the narrow blanks that browsers put before AM and PM."""
_PER_SECOND: Final = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
_HOUR: Final = timedelta(hours=1)
_DISORDER: Final = timedelta(minutes=1)
"""By so much a record may be older than the one before it and be of the same pass: writers are not quite in step."""
_WITHIN_HOUR: Final = {f"{second // 60:02d}:{second % 60:02d}": second * 1_000 for second in range(3_600)}
"""The ms of `MM:SS`."""
_MOST_HOURS: Final = 10_000
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january januari", "feb february februari", "mar march mrt maart", "apr april", "may mei",
            "jun june juni", "jul july juli", "aug august augustus", "sep sept september",
            "oct october okt oktober", "nov november", "dec december",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
"""Months in English and Dutch."""
_DIRECTIVES: Final = {
    "d": r"(?P<d>\d{1,2})", "m": r"(?P<m>\d{1,2})", "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d\d)", "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})", "M": r"(?P<M>\d{1,2})", "S": r"(?P<S>\d{1,2})", "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp]\.?[Mm]\.?)", "b": r"(?P<b>[^\W\d]+)\.?", "B": r"(?P<b>[^\W\d]+)\.?",
    "z": r"(?P<z>Z|[+-]\d\d:?\d\d)", "%": "%",
}  # fmt: skip


def instant(time: Time, shape: Shape, mapping: Mapping, name: str) -> FindInstant:
    """Return what finds the instant of `time`. `name` is what a message calls it."""
    text = source_text(time, shape, mapping.blanks, gaps=True)
    zone = time.zone or mapping.time_zone
    read = reader(time.format)
    settle = _Settled(ZoneInfo(zone), time, shape, mapping, name) if zone is not None else None
    hours = _Hours()
    fixed = time.doubled != "order" and time.format.endswith(("iso", "%H:%M:%S"))

    def found(record: Any) -> Instant | None:
        said = text(record)
        hour, rest = hours.get(said[:-5]), _WITHIN_HOUR.get(said[-5:])
        if hour is not None and rest is not None:  # as a rule; made so for speed (docs/performance.md)
            return tuple.__new__(Instant, (hour[0] + rest, f"{hour[1]}{said[-5:]}Z"))
        if not said:
            return None
        # A spreadsheet's date is known as one, whatever the format.
        typed = type(said) is Typed and _ISO.fullmatch(said) is not None
        try:
            at = (_iso if typed else read)(said)
            if at.tzinfo is not None:
                return _instant_of(at if at.tzinfo is UTC else at.astimezone(UTC))
            if settle is None:
                raise RecordError("invalid_time", f"{name}: it says no zone; set time_zone in the mapping")
            instant = _instant_of(settle(at, record))
        except (ValueError, OverflowError):
            raise RecordError("invalid_time", f"{name}: no time of format {time.format}") from None
        if fixed and not typed and settle.is_steady(at):
            hours.learn(said, instant)
        return instant

    return found


def _instant_of(at: datetime) -> Instant:
    ms = ms_of(at)
    if not EARLIEST_MS <= ms < LATEST_MS:
        raise RecordError("invalid_time", "a time between the years 1970 and 9000 is expected")
    return Instant(ms, at.replace(tzinfo=None).isoformat() + "Z")


class _Hours(dict[str, tuple[int, str]]):
    """What is known of whole hours, in which most times lie: of `2026-04-01 10:` in Amsterdam that it is `2026-04-01T08:` in UTC."""

    def learn(self, text: str, at: Instant) -> None:
        """Keep the hour of a text that ends in `:MM:SS`, if it is a whole hour of UTC too."""
        rest = _WITHIN_HOUR.get(text[-5:])
        if rest is None or text[-6:-5] != ":" or at.iso[13:] != f":{text[-5:]}Z":
            return
        if len(self) >= _MOST_HOURS:
            self.clear()
        self[text[:-5]] = at.ms - rest, at.iso[:14]


class _Settled:
    """A local time becomes an instant. The doubled hour is told by a hint or refused, the missing one is refused."""

    def __init__(self, zone: ZoneInfo, time: Time, shape: Shape, mapping: Mapping, name: str) -> None:
        self._zone, self._name = zone, name
        self._hint: Text | None = None
        if isinstance(time.doubled, Hint):
            source = Time.model_construct(paths=time.doubled.paths, either=None, join=" ")
            self._hint = source_text(source, shape, mapping.blanks)
            self._summer = {word.lower() for word in time.doubled.summer}
            self._winter = {word.lower() for word in time.doubled.winter}
        self._by_order = time.doubled == "order"
        self._last: datetime | None = None
        self._unsure: datetime | None = None
        self._second = False
        self._offsets: dict[tuple[int, int, int, int], timedelta | None] = {}

    def is_steady(self, at: datetime) -> bool:
        """Return whether the clock does not change in the hour of a local time that was settled before."""
        return self._offsets.get((at.year, at.month, at.day, at.hour)) is not None

    def __call__(self, at: datetime, record: Any) -> datetime:
        key = at.year, at.month, at.day, at.hour
        try:
            offset = self._offsets[key]
        except KeyError:
            offset = self._offsets[key] = self._steady(at)
        if offset is None:
            offset = self._changing(at, record)
        else:
            self._second = False
        if self._by_order:
            self._last = at
        return (at - offset).replace(tzinfo=UTC)

    def _steady(self, at: datetime) -> timedelta | None:
        """Return the offset of the whole hour that `at` lies in; None when it changes there, or the hour comes twice or never."""
        begin = at.replace(minute=0, second=0, microsecond=0)
        found = {
            self._zone.utcoffset(each.replace(fold=fold))
            for each in (begin, begin + _HOUR / 2, begin + _HOUR - timedelta(microseconds=1))
            for fold in (0, 1)
        }
        return found.pop() if len(found) == 1 else None

    def _changing(self, at: datetime, record: Any) -> timedelta:
        first, second = self._zone.utcoffset(at), self._zone.utcoffset(at.replace(fold=1))
        assert first is not None
        assert second is not None
        if first == second:
            self._second = False
            return first
        if first < second:
            raise RecordError("invalid_time", f"{self._name}: the clock was put forward over this time")
        if self._by_order and (later := self._by_those_before(at)) is not None:
            return second if later else first
        said = self._hint(record).lower() if self._hint is not None else ""
        if self._hint is not None and said in self._summer:
            return first
        if self._hint is not None and said in self._winter:
            return second
        raise RecordError(
            "ambiguous_time",
            f"{self._name}: the clock showed this time twice; say which by `doubled`, or export times with their offset",
        )

    def _by_those_before(self, at: datetime) -> bool | None:
        """Return whether a time of the doubled hour is of its second pass; None while no record before it tells."""
        before = self._last or self._unsure
        gone_back = before is not None and _DISORDER < before - at < 2 * _HOUR
        if self._last is None and not gone_back:
            self._unsure = at
            return None
        self._second = gone_back or (self._second and self._last is not None and at - self._last < _HOUR)
        return self._second


def reader(written: str) -> Naive:
    """Return what reads texts of a format."""
    if written == "iso":
        return _iso
    if written == "excel":
        return _excel
    if written in _PER_SECOND:
        return _epoch(_PER_SECOND[written])
    return _by_directives(written)


def _iso(text: str) -> datetime:
    if _ISO.fullmatch(text) is None:
        raise ValueError("no ISO 8601")
    return datetime.fromisoformat(_BEFORE_ZONE.sub("", text))


def _excel(text: str) -> datetime:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("no number")
    days = float(text.replace(",", "."))
    if not 61 <= days < 2_958_466:
        raise ValueError("no day of a spreadsheet")
    # Half a millisecond: what a spreadsheet keeps of a time of day is a fraction of binary digits.
    return (_EXCEL_DAY_0 + timedelta(milliseconds=round(days * 86_400_000))).replace(tzinfo=None)


def _epoch(per_second: int) -> Naive:
    def read(text: str) -> datetime:
        if _NUMBER.fullmatch(text) is None:
            raise ValueError("no number")
        whole, _, fraction = text.replace(",", ".").partition(".")
        microseconds = int(whole) * (1_000_000 // per_second)
        if fraction:
            microseconds += int(fraction.ljust(12, "0")) * (1_000_000 // per_second) // 10**12
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)

    return read


@lru_cache(maxsize=256)
def _by_directives(written: str) -> Naive:
    parts = re.findall(r"%.|[^%]+", written)
    pattern = "".join(
        _DIRECTIVES[part[1]] if part.startswith("%") else re.escape(part).replace(r"\ ", _BLANK)
        for part in parts
    )
    if any(_is_digits(one) and _is_digits(other) for one, other in pairwise(parts)):
        pattern = pattern.replace(r"\d{1,2}", r"\d\d")  # `2026111` could be two days
    match = re.compile(pattern, re.ASCII if "(?P<b>" not in pattern else 0).fullmatch
    names = set(re.findall(r"\?P<(\w)>", pattern))
    numbers = "d" in names and "m" in names and "Y" in names and names <= set("dmYHMS")

    def read(text: str) -> datetime:
        found = match(text)
        if found is None:
            raise ValueError("another format")
        part = found.groupdict("0")
        if numbers:  # as a rule
            return datetime(  # noqa: DTZ001 - its zone is the mapping's
                int(part["Y"]), int(part["m"]), int(part["d"]), int(part.get("H", 0)), int(part.get("M", 0)),
                int(part.get("S", 0)),
            )  # fmt: skip
        return _put_together(part)

    return read


def _is_digits(part: str) -> bool:
    return part in ("%d", "%m", "%Y", "%y", "%H", "%I", "%M", "%S", "%f")


def _put_together(part: dict[str, str]) -> datetime:
    year = int(part["Y"]) if "Y" in part else 2000 + int(part["y"]) if "y" in part else 0
    month = _MONTHS[part["b"].lower()] if part.get("b", "").lower() in _MONTHS else int(part.get("m", 0))
    hour = int(part.get("H", 0))
    if "I" in part:
        twelfth = int(part["I"])
        if not 1 <= twelfth <= 12:
            raise ValueError("no hour of twelve")
        hour = twelfth % 12 + 12 * part.get("p", "a").lower().startswith("p")
    at = datetime(  # noqa: DTZ001 - its zone is the mapping's, or follows
        year, month, int(part.get("d", 1)), hour, int(part.get("M", 0)), int(part.get("S", 0)),
        int(part.get("f", "0").ljust(6, "0")[:6]),
    )  # fmt: skip
    if "z" not in part:
        return at
    return at.replace(tzinfo=datetime.strptime(part["z"].replace("Z", "+0000"), "%z").tzinfo)
