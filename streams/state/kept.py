"""Kept stores: what was ours before a rebalance, until it is known whether it is ours again (decision 30).

Owns which of them may be gone on with. A store that is taken here is as its changelog was up to the offset after our last write; what others
have written since is read from there (`recovery`), and the partition is claimed anew. It must not read or write Kafka.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple

from streams.state.store import StoreT

SECONDS: Final = 60.0
"""For so long a store is kept for the next assignment: it takes memory, and a changelog forgets after a day who left it."""


class Held(NamedTuple):
    """A partition as we hold it in its changelog: our fencing epoch and word, and the offset that our next record gets."""

    epoch: int
    owner: str
    next_offset: int


@dataclass(frozen=True, slots=True)
class Kept(Generic[StoreT]):
    """A store, and how its partition was held when it was last written."""

    store: StoreT
    held: Held


class KeptStores(Generic[StoreT]):
    """Of one worker. `held` tells how a partition is held; `now` is the time in seconds, of a clock that goes on while the machine sleeps."""

    def __init__(self, held: Callable[[int], Held | None], now: Callable[[], float] = time.time) -> None:
        self._held = held
        self._now = now
        self._stores: list[StoreT] = []
        self._since = 0.0
        self._forgetting: asyncio.TimerHandle | None = None

    def keep(self, stores: Iterable[StoreT]) -> None:
        """Keep the stores of an assignment that ends now: for the next one, if it comes soon."""
        self._forget()
        self._stores, self._since = list(stores), self._now()
        self._forgetting = asyncio.get_running_loop().call_later(SECONDS, self._forget)

    def take(self, partitions: Iterable[int]) -> dict[int, Kept[StoreT]]:
        """Return those stores of `partitions` that are whole, and forget all. No batch may be under work."""
        fresh = abs(self._now() - self._since) < SECONDS
        numbers, stores = set(partitions), self._stores
        self._forget()
        found: dict[int, Kept[StoreT]] = {}
        for store in stores:
            held = self._held(store.number)
            if fresh and store.whole and store.number in numbers and held is not None:
                found[store.number] = Kept(store, held)
        return found

    def _forget(self) -> None:
        self._stores = []
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
