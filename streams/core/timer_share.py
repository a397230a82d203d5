"""How many timers a micro-batch judges besides its records, so that neither keeps the other waiting for long (decision 13).

Owns the numbers. When a batch is made, and what else it judges, is the worker's to decide. Pure.
"""

from typing import Final

from streams.core.engine import ALL

PER_RECORD: Final = 0.2
LEAST: Final = 6
"""Every micro-batch judges at least so many, about twice what falls due meanwhile on average. What exceeds its share is put off."""
AT_ONCE: Final = 50
"""Put-off timers judged in one go while no records arrive: this takes a few milliseconds, after which records have their turn."""
_MOST_DOUBLINGS: Final = 10


def share_of(records: int, max_batch: int, overdue_seconds: float) -> int:
    """Return how many timers a micro-batch of `records` judges; `ALL` when it is more than half full, as in a backlog that nobody waits for.

    `overdue_seconds`: since when the oldest put-off timer has waited; the share doubles with each second of it.

    >>> share_of(100, 2_000, overdue_seconds=0.0), share_of(100, 2_000, overdue_seconds=2.0), share_of(1_500, 2_000, 0.0)
    (20, 80, -1)
    """
    if 2 * records > max_batch:
        return ALL
    return max(LEAST, int(records * PER_RECORD)) << min(int(overdue_seconds), _MOST_DOUBLINGS)
