"""The brokers' time, as their answers to what we write to the changelog tell it.

Owns the last answer of each partition, what time it is by it, and how far clocks may differ. It must not decide what time may do. This
machine's clock is no part of it: an answer is aged by a steady clock, which may stand still while the machine sleeps, so this time is
never ahead of the brokers'.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

BROKERS_APART_MS: Final = 60_000
"""The clocks of two brokers may differ so much, whatever the tolerance: one stamps the event, another one the changelog."""
OF_THE_BROKER: Final = 1
"""Kafka's type of a record's time that its broker has set."""


def most_ahead_ms(tolerance_ms: int) -> int:
    """Return how far an event may be ahead of the brokers' time, where the settings tolerate so much."""
    return max(tolerance_ms, BROKERS_APART_MS)


def _wall() -> int:
    return time.time_ns() // 1_000_000


def _steady() -> int:
    return time.monotonic_ns() // 1_000_000


class _Answer(NamedTuple):
    """When a broker took a batch, by its clock; and when we heard of it, by our steady one. Both in ms."""

    stamp: int
    heard: int


class BrokerTime:
    """Of the partitions of one worker. All times are ms; those of the brokers and of `wall` since the epoch, UTC."""

    def __init__(self, wall: Callable[[], int] = _wall, steady: Callable[[], int] = _steady) -> None:
        """`wall`: this machine's clock, which counts only as long as no broker has told a time. `steady`: it never goes back."""
        self._wall = wall
        self._steady = steady
        self._answers: dict[int, _Answer] = {}
        self._newest: _Answer | None = None
        self.skew = 0
        """By how much this machine's clock is ahead of the brokers', at the last answer; with the time that the answer took."""

    def answered(self, partition: int, stamp: int | None) -> None:
        """Note when a broker took what was written to `partition` of the changelog; -1 or None when it does not tell.

        It tells where topics are stamped by brokers (LogAppendTime). Where they are not any more, what was told before holds.
        """
        if stamp is None or stamp < 0:
            return
        self._newest = self._answers[partition] = _Answer(stamp, self._steady())
        self.skew = self._wall() - stamp

    def now(self, partition: int) -> int:
        """Return the time of the broker that leads `partition`, or a little less; another broker's where that one told none."""
        answer = self._answers.get(partition, self._newest)
        return self._wall() if answer is None else answer.stamp + self._steady() - answer.heard

    def ahead_ms(self, partition: int, at: int) -> int:
        """Return by how much `at` is ahead of the brokers' time; 0 when it is not."""
        return max(0, at - self.now(partition))
