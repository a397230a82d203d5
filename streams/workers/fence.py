"""The fence: nothing more is written or sent once the partitions may be another worker's.

Owns the two questions that are asked before each step of a batch and before each request of the producer. It must not write.
What was on its way already is fenced by the changelog itself (`streams.state.fencing`).
"""

from typing import Any

import faust

from streams.lane.lane import Lane
from streams.state.delivery import EffectsError
from streams.state.store import PartitionStore


class StaleError(Exception):
    """The assignment changed during a batch: nothing more of it may be written or sent."""


class Fence:
    """Of one worker, which takes part in its group by `app` and `lane`."""

    def __init__(self, app: faust.App, lane: Lane[Any], session_timeout_s: float) -> None:
        self._app = app
        self._lane = lane
        self._most_seconds = session_timeout_s / 2

    @property
    def heartbeat_age(self) -> float:
        """Seconds since the broker last confirmed our membership; 0 before we take part."""
        return self._app.consumer.heartbeat_age if self._lane.assignment.partitions else 0.0

    @property
    def assignment(self) -> int:
        """The lane's count of assignments: what a partition that is recovered now belongs to."""
        return self._lane.epoch

    def check(self, partition: PartitionStore) -> None:
        """Before each step of a batch: raises `StaleError`, or what `alive` raises, when it must not be taken."""
        self.alive()
        if partition.assignment != self._lane.epoch:
            raise StaleError

    def alive(self) -> None:
        """Before each request of the producer: raises `EffectsError` when this process must not write any more."""
        if self._app.crashed:
            raise EffectsError("the app has crashed; nothing more may be sent")
        if self.heartbeat_age > self._most_seconds:
            raise EffectsError(
                "no heartbeat was confirmed for half the session time-out: the partitions may be another "
                "worker's by now. Nothing more is sent; start the worker again, and look at the broker and "
                "at this machine's load"
            )
