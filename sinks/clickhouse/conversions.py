"""How what was read in a message becomes what columns take. Pure; compiled with `rows`, since it runs for every record.

A conversion changes a row in place, at the positions of all columns that need it: a call for each column would take as long as
all the rest of a row. Times are integers of milliseconds since the epoch, UTC, as the DateTime64(3) columns take them without
loss.
"""

from typing import Any, Final

from schemas.instants import ms_of
from schemas.revisions import revision_of

_LAST_MS: Final = 4_102_444_800_000
"""1 January 2100: partitions by month end there, and nothing later is an event."""


def within(ms: int) -> int:
    """Return what the tables hold: 1970 to 2100."""
    return 0 if ms < 0 else min(ms, _LAST_MS)


def milliseconds(row: list[Any], positions: list[int]) -> None:
    """Aware times, or None, become milliseconds."""
    for each in positions:
        at = row[each]
        if at is not None:
            row[each] = within(ms_of(at))


def revision(row: list[Any], positions: list[int]) -> None:
    """Aware times, or None, become milliseconds; a time that makes no revision becomes None."""
    for each in positions:
        at = row[each]
        if at is not None:
            row[each] = revision_of(at) or None


def beginnings(row: list[Any], positions: list[int]) -> None:
    """Windows become when each begins, in milliseconds; none where nothing is said of any."""
    for each in positions:
        row[each] = [within(ms_of(opens)) for opens, _ in row[each] or ()]


def ends(row: list[Any], positions: list[int]) -> None:
    """Windows become when each ends."""
    for each in positions:
        row[each] = [within(ms_of(closes)) for _, closes in row[each] or ()]


def answer(row: list[Any], positions: list[int]) -> None:
    """Three answers, not two: yes, no or unknown. A code that a schema may have one day stands as it is."""
    for each in positions:
        value = row[each]
        row[each] = "yes" if value is True else "no" if value is False else value or "unknown"


def is_known(row: list[Any], positions: list[int]) -> None:
    """Whether there is a value: of what is not kept itself."""
    for each in positions:
        row[each] = row[each] is not None


def text_or_empty(row: list[Any], positions: list[int]) -> None:
    """Put an empty text where there is none."""
    for each in positions:
        if row[each] is None:
            row[each] = ""


def empty(row: list[Any], positions: list[int]) -> None:
    """Nothing to say: of what a kind of event does not have."""
    for each in positions:
        row[each] = ""
