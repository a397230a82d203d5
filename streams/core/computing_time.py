"""How a batch shares its computing time out between records and timers, and with whoever else waits (decision 30).

Owns the numbers. A batch is computed in short steps, each as long as its caller measures; what a step cost decides what comes next, so
that one customer's costly events, or timers that fall due by ten thousands, hold up nobody for longer than a step and a batch. Pure: it reads no
clock, and must not choose which records or timers they are.
"""

from typing import Final

BATCH_SECONDS: Final = 0.1
"""Of computing: a batch that took so long is carried out, and what is left of its records becomes another one."""
TURN_SECONDS: Final = 0.01
"""After so much computing others have their turn in the event loop."""
TIMERS_SECONDS: Final = 0.01
"""Of a batch for the timers that were put off, or half of what its records took, whichever is more."""
RECORDS_AT_ONCE: Final = 32
TIMERS_AT_ONCE: Final = 8
"""Of one step: a few milliseconds at most, be it the costliest customer's."""
_STUB: Final = 0.5
"""What would take less than this share of a batch is no batch of its own."""


class ComputingTime:
    """Of one batch that has `records` to begin with: the seconds that it has taken so far, and what it may go on with.

    >>> time = ComputingTime(60)
    >>> time.next_records(), time.took_records(32, 0.2), time.next_records()
    (32, None, 0)
    >>> time.next_timers(), time.took_timers(0.11), time.next_timers()
    (8, None, 0)
    """

    __slots__ = ("_left", "_taken", "records_seconds", "timers_seconds")

    def __init__(self, records: int) -> None:
        self._left = records
        self._taken = 0
        self.records_seconds = 0.0
        self.timers_seconds = 0.0

    @property
    def seconds(self) -> float:
        """All that it took."""
        return self.records_seconds + self.timers_seconds

    def next_records(self) -> int:
        """Return how many records it takes now; 0 when there are no more, or when they are the next batch's."""
        if self._taken and self.records_seconds >= BATCH_SECONDS:
            rest = self._left * self.records_seconds / self._taken
            if rest > BATCH_SECONDS * _STUB or self.records_seconds >= BATCH_SECONDS * (1 + _STUB):
                return 0
        return min(self._left, RECORDS_AT_ONCE)

    def took_records(self, count: int, seconds: float) -> None:
        """Note a step of records."""
        self._left -= count
        self._taken += count
        self.records_seconds += seconds

    def next_timers(self) -> int:
        """Return how many timers it judges now; 0 when their share is used up."""
        return TIMERS_AT_ONCE if self.timers_seconds < max(TIMERS_SECONDS, self.records_seconds / 2) else 0

    def took_timers(self, seconds: float) -> None:
        """Note a step of timers."""
        self.timers_seconds += seconds
