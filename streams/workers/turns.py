"""The turns of partitions: one batch of a partition at a time, so runs, timers and recoveries wait for each other.

Owns the locks. Partitions do not wait for each other, so that one is computed while the writes of another are confirmed.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager


class Turns:
    """Of one worker; by partition number."""

    def __init__(self) -> None:
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, number: int) -> asyncio.Lock:
        """Return the lock that a batch of this partition holds."""
        return self._locks[number]

    @asynccontextmanager
    async def of_all(self, numbers: Iterable[int]) -> AsyncIterator[None]:
        """Hold the locks of several partitions: no batch of theirs is under work."""
        async with AsyncExitStack() as held:
            for number in numbers:
                await held.enter_async_context(self._locks[number])
            yield
