"""How many timers a run judges besides its records, so that neither waits for long for the other (decision 13).

Owns the numbers; when a batch is made and what else is judged, the worker decides. Pure.
"""

from typing import Final

from streams.core.engine import ALL

PER_RECORD: Final = 0.2
LEAST: Final = 6
"""About twice what comes on average. Where more fall due at once they are put off."""
AT_ONCE: Final = 50
"""Of those put off, judged in one batch where no records come: a few milliseconds, then records can have their turn."""
_MOST_DOUBLINGS: Final = 10


def share_of(records: int, max_batch: int, overdue_seconds: float) -> int:
    """How many timers a run of so many records judges: all, where it is one of a backlog and no event is waited for.

    `overdue_seconds`: for how long some timer has been put off; the share doubles with each second.
    """
    if 2 * records > max_batch:
        return ALL
    return max(LEAST, int(records * PER_RECORD)) << min(int(overdue_seconds), _MOST_DOUBLINGS)
