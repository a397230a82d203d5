"""Which of two deliveries of one event counts: the later revision, then the later arrival. One rule for the core, the sink and files.

A delivery without `revised_at` has no revision, and yields to every one that has. Of one revision the later arrival counts: Kafka's time
of the record, then its offset; in files, where all arrive at once, the later line.
"""

from datetime import datetime
from typing import Final

from schemas.instants import ms_of

NO_REVISION: Final = 0
"""Before every revision."""
_OFFSET_BITS: Final = 20
_OFFSET_MASK: Final = (1 << _OFFSET_BITS) - 1
_LAST_MS: Final = 4_102_444_800_000
"""1 January 2100: so that an arrival fits in 63 bits, and a revision in every table."""


def arrival_of(timestamp: int, offset: int) -> int:
    """Return a number that is greater for a later arrival: by Kafka's time (ms) of the record, then by its offset.

    >>> arrival_of(1_000, 7) < arrival_of(1_000, 8) < arrival_of(1_001, 0)
    True
    """
    return min(max(timestamp, 0), _LAST_MS) << _OFFSET_BITS | offset & _OFFSET_MASK


def revision_of(revised_at: datetime | None) -> int:
    """Return the revision (ms) of an event's `revised_at`; `NO_REVISION` where it has none, or one of before 1970.

    One of after 2100 is of 2100, which is the last that the sink's tables hold.
    """
    return NO_REVISION if revised_at is None else min(max(ms_of(revised_at), NO_REVISION), _LAST_MS)
