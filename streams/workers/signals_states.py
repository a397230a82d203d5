"""What is peculiar to the states of signals workers when they are recovered: which of them nobody must go on with, and what is told.

Owns these checks. The recovery itself is `recovery`'s.
"""

from collections.abc import Sequence

import structlog

from streams.core.erasure import Erasure
from streams.state.store import SignalsStore
from streams.workers.adoption import Adoption
from streams.workers.measures import SignalsMetrics
from streams.workers.time_bound import TimeBound

log = structlog.get_logger(__name__)


class SignalsStates:
    """Of one worker."""

    def __init__(self, erasure: Erasure, bound: TimeBound, adoption: Adoption, seen: SignalsMetrics) -> None:
        self._erasure = erasure
        self._bound = bound
        self._adoption = adoption
        self._seen = seen

    def new(self, number: int) -> SignalsStore:
        """Return the store of a partition of which nothing is known yet."""
        return SignalsStore(number)

    async def check(self, stores: Sequence[SignalsStore]) -> None:
        """Raise `LeapError` for a time that has leapt, `ErasureError` without the markers' key, `StatesError` where desks publish."""
        for store in stores:
            self._bound.check(store)
        for store in stores:
            store.note_overdue()
            if store.clock.reserved:
                self._erasure.check(store.states)
            self._adoption.check(store)

    async def resume(self, store: SignalsStore) -> None:
        """Hand over to the desks, where that is to be done."""
        await self._adoption.adopt(store)

    def recovered(self, stores: Sequence[SignalsStore], kept: int, resent: int, seconds: float) -> None:
        """Tell of a recovery: how many stores had been kept, and how many outputs were published by it."""
        self._seen.recovered(seconds, resent)
        log.info(
            "customer states recovered",
            partitions=len(stores),
            kept=kept,
            customers=sum(store.customers for store in stores),
            resent=resent,
            seconds=round(seconds, 3),
        )
