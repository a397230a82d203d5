"""Instants: between ms since the epoch, UTC, in which everything is computed, and the texts and datetimes of messages."""

from datetime import UTC, datetime
from typing import Final

_EPOCH_DAY: Final = 719_163
"""`date(1970, 1, 1).toordinal()`."""
_DAY_MS: Final = 86_400_000


def ms_of(at: datetime) -> int:
    """Return the ms of an aware datetime; what is finer is cut off, towards the past.

    In integers: `timestamp()` goes through a timedelta and a float, which takes twice as long, for every event. Raises
    ValueError when there is no zone.
    """
    zone = at.tzinfo
    if zone is None:
        raise ValueError("a datetime without a zone is no instant")
    seconds = (at.hour * 60 + at.minute) * 60 + at.second
    ms = (at.toordinal() - _EPOCH_DAY) * _DAY_MS + seconds * 1000 + at.microsecond // 1000
    offset = zone.utcoffset(at)  # at.utcoffset() would ask the same, and take three times as long
    if offset:
        ms -= offset.days * _DAY_MS + offset.seconds * 1000
    return ms


def from_text(text: str) -> int:
    """Return the ms of an ISO 8601 text, as `ms_of`. Raises ValueError for another text, and when there is no zone.

    >>> from_text("1970-01-01T01:00:00.25+01:00")
    250
    """
    return ms_of(datetime.fromisoformat(text))


def to_datetime(ms: int) -> datetime:
    """Return the datetime, in UTC.

    >>> to_datetime(1_500).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    return datetime.fromtimestamp(ms / 1000, UTC)
