"""What comes between the positions of a new assignment and its first micro-batch, such as the recovery of state.

Owns whether that has been done for the present assignment. It must not know what is done.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from streams.lane.lane import Lane
from streams.lane.micro_batch import Assignment


class Preparation:
    """Of one consumer. `on_assigned` is awaited once for each assignment of partitions; where it raises, the app ends."""

    def __init__(
        self, lane: Lane[Any], on_assigned: Callable[[Assignment], Coroutine[Any, Any, None]]
    ) -> None:
        self._lane = lane
        self._on_assigned = on_assigned
        self._given = False  # whether the group has given us partitions, in this generation
        self._epoch = -1  # the lane's, for which `on_assigned` ran
        self._running: asyncio.Task[None] | None = None

    def given(self, partitions: bool) -> None:
        """Note a new generation of the group, and whether it has given us partitions."""
        self._given = partitions

    def revoke(self) -> None:
        """Note that the group takes the partitions back, and give up what is being done for them."""
        self._given = False
        if self._running is not None:
            self._running.cancel()

    async def run(self) -> None:
        """Await `on_assigned`; `revoke` cancels it, and then nothing is done."""
        epoch = self._lane.epoch
        self._running = asyncio.create_task(self._on_assigned(self._lane.assignment), name="lane-prepare")
        try:
            await asyncio.wait({self._running})
            if not self._running.cancelled():
                self._running.result()
                self._epoch = epoch
        finally:
            self._running.cancel()
            self._running = None

    @property
    def due(self) -> bool:
        """Whether partitions are ours and `on_assigned` has yet to run for them."""
        return bool(self._lane.assignment.partitions) and self._epoch != self._lane.epoch

    @property
    def done(self) -> bool:
        """Whether partitions are ours and `on_assigned` has run for them."""
        return bool(self._lane.assignment.partitions) and self._epoch == self._lane.epoch

    @property
    def forgotten(self) -> bool:
        """Whether the group has given us partitions, and nothing is being done to begin with them."""
        return self._given and not self.done and self._running is None
