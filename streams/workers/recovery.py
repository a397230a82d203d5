"""What a worker with states does with partitions that were just assigned to it, before it takes their first micro-batch.

Owns the order: ask whether the group agrees, read the changelog to its end (of a partition that was ours until now, from where we last
wrote it: `state.kept`), look whether it is what the offsets rest on, claim the partitions there, publish what may not have been sent, and
only then put the states into the store. It must not decode the changelog (`streams.state.recovery`) nor write it (`streams.state.fencing`).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol

from streams.lane.lane import Lane
from streams.lane.micro_batch import Assignment
from streams.settings import Settings
from streams.state.fencing import FencedChangelog
from streams.state.kept import Kept, KeptStores
from streams.state.recovery import ChangelogReader, Recovered
from streams.state.store import Store, StoreT
from streams.workers.fence import Fence, StaleError
from streams.workers.footing import Footing
from streams.workers.membership import Membership
from streams.workers.turns import Turns
from streams.workers.writer import Publisher


class Recovers(Protocol[StoreT]):
    """What is peculiar to one kind of worker."""

    def new(self, number: int, /) -> StoreT:
        """Return the store of a partition of which nothing is known yet."""

    async def check(self, stores: Sequence[StoreT], /) -> None:
        """Look at what was recovered before anything is done with it; raise the error of states that must not be gone on with."""

    async def resume(self, store: StoreT, /) -> None:
        """Do what must be done once before the first micro-batch of a partition, whose last outputs were published. Raises `StaleError`."""

    def recovered(self, stores: Sequence[StoreT], kept: int, resent: int, seconds: float, /) -> None:
        """Tell of a recovery: how many stores had been kept, and how many outputs were published by it."""


class Recovery(Generic[StoreT]):
    """Fills the `store` for each new assignment from the changelog `topic` (its full name)."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        kind: Recovers[StoreT],
        store: Store[StoreT],
        turns: Turns,
        fence: Fence,
        fenced: FencedChangelog,
        publisher: Publisher,
        membership: Membership,
        footing: Footing,
        lane: Lane[Any],
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._kind = kind
        self._store = store
        self._turns = turns
        self._fence = fence
        self._fenced = fenced
        self._publisher = publisher
        self._membership = membership
        self._footing = footing
        self._lane = lane
        self._kept: KeptStores[StoreT] = KeptStores(fenced.held)

    def revoked(self) -> None:
        """Take the stores out of use: their partitions may be another worker's from now on. Some may come back at once."""
        self._kept.keep(self._store)
        self._store.clear()

    async def recover(self, assignment: Assignment) -> None:
        """Take over the partitions of `assignment`; a rebalance cancels it, and the next assignment begins anew.

        Raises what reading and claiming a changelog raises, `AgreementError`, `StatesError`, `EffectsError`, and what its kind of
        worker finds wrong with the states.
        """
        began = time.monotonic()
        async with self._turns.of_all(assignment.partitions):  # no batch of the last assignment still writes
            assigned = self._fence.assignment
            self._store.clear()
            kept = self._kept.take(assignment.partitions)
            try:
                recovered = await self._read_and_claim(assignment, kept)
            except StaleError:
                return  # the next assignment begins with a recovery too
            resent = 0
            stores = [part.store for part in recovered]
            await self._kind.check(stores)
            if self._lane.assignment is not assignment:
                return  # the next one begins with a recovery too
            for part in recovered:
                part.store.assignment = assigned
                try:
                    if part.unsent:
                        self._fence.check(part.store)
                        await self._publisher.publish(part.store.number, part.unsent)
                    await self._kind.resume(part.store)
                except StaleError:
                    self._store.clear()
                    return  # the group changed meanwhile; the next assignment begins with a recovery too
                resent += len(part.unsent)
                self._store.put(part.store)
        self._kind.recovered(stores, len(kept), resent, time.monotonic() - began)

    async def _read_and_claim(
        self, assignment: Assignment, kept: Mapping[int, Kept[StoreT]]
    ) -> list[Recovered[StoreT]]:
        options = self._settings.aiokafka_options()
        async with ChangelogReader(
            self._kind.new, self._topic, assignment.partitions, options, kept=kept
        ) as reader:
            # The group is asked meanwhile; nothing is claimed before it has answered.
            await asyncio.gather(reader.to_end(), self._membership.check_after_joining())
            self._refuse_stale(assignment)
            await self._footing.check(reader, *self._positions(assignment))
            self._refuse_stale(assignment)
            await self._fenced.claim(reader)
        return reader.finish()

    def _refuse_stale(self, assignment: Assignment) -> None:
        """Raise `StaleError` where a rebalance came meanwhile: what it cancels does not always hear of it (`asyncio.wait_for` of Python 3.11)."""
        if self._lane.assignment is not assignment:
            raise StaleError(f"another assignment than that of partitions {assignment.partitions}")

    def _positions(
        self, assignment: Assignment
    ) -> tuple[dict[int, dict[str, int]], dict[int, dict[str, int]]]:
        """Return, by partition and topic without prefix, what was committed, and from where is read."""
        committed: dict[int, dict[str, int]] = {number: {} for number in assignment.partitions}
        starts: dict[int, dict[str, int]] = {number: {} for number in assignment.partitions}
        for tp, offset in assignment.committed.items():
            topic = self._settings.plain_topic(tp.topic)
            starts[tp.partition][topic] = self._lane.position(tp)
            if offset is not None:
                committed[tp.partition][topic] = offset
        return committed, starts
