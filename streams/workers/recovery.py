"""What a signals worker does with partitions that were just assigned to it, before it takes their first micro-batch.

Owns the order: ask whether the group agrees, read the changelog to its end (of a partition that was ours until now, from where we last
wrote it: `state.kept`), look whether it is what the offsets rest on, claim the partitions there, publish what may not have been sent, and
only then put the states into the store. It must not decode the changelog (`streams.state.recovery`) nor write it (`streams.state.fencing`).
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import structlog

from schemas import topics
from streams.lane.lane import Lane
from streams.lane.micro_batch import Assignment
from streams.settings import Settings
from streams.state.fencing import FencedChangelog
from streams.state.kept import Kept, KeptStores
from streams.state.recovery import ChangelogReader, Recovered
from streams.state.store import Store
from streams.workers.effects import Effects
from streams.workers.fence import Fence, StaleError
from streams.workers.footing import Footing
from streams.workers.measures import SignalsMetrics
from streams.workers.membership import Membership
from streams.workers.time_bound import TimeBound
from streams.workers.turns import Turns

log = structlog.get_logger(__name__)


class Recovery:
    """Fills the `store` for each new assignment."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        turns: Turns,
        fence: Fence,
        fenced: FencedChangelog,
        effects: Effects,
        bound: TimeBound,
        seen: SignalsMetrics,
        membership: Membership,
        footing: Footing,
        lane: Lane[Any],
    ) -> None:
        self._settings = settings
        self._erasure = settings.erasure()
        self._store = store
        self._turns = turns
        self._fence = fence
        self._fenced = fenced
        self._effects = effects
        self._bound = bound
        self._seen = seen
        self._membership = membership
        self._footing = footing
        self._lane = lane
        self._kept = KeptStores(fenced.held)

    def revoked(self) -> None:
        """Take the stores out of use: their partitions may be another worker's from now on. Some may come back at once."""
        self._kept.keep(self._store)
        self._store.clear()

    async def recover(self, assignment: Assignment) -> None:
        """Take over the partitions of `assignment`; a rebalance cancels it, and the next assignment begins anew.

        Raises what reading and claiming a changelog raises, `AgreementError`, `StatesError`, `LeapError`, `EffectsError`, and
        `ErasureError` without the markers' key.
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
            for part in recovered:
                self._bound.check(part.store)
            for part in recovered:
                part.store.assignment = assigned
                part.store.note_overdue()
                if part.store.clock.reserved:
                    self._erasure.check(part.store.states)
                if part.unsent:
                    try:
                        self._fence.check(part.store)
                        await self._effects.publish(part.store.number, part.unsent)
                    except StaleError:
                        self._store.clear()
                        return  # the group changed meanwhile; the next assignment begins with a recovery too
                    resent += len(part.unsent)
                self._store.put(part.store)
        self._seen.recovered(time.monotonic() - began, resent)
        log.info(
            "customer states recovered",
            partitions=len(recovered),
            kept=len(kept),
            customers=sum(part.store.customers for part in recovered),
            resent=resent,
            seconds=round(time.monotonic() - began, 3),
        )

    async def _read_and_claim(self, assignment: Assignment, kept: Mapping[int, Kept]) -> list[Recovered]:
        topic, options = self._settings.topic(topics.CHANGELOG), self._settings.aiokafka_options()
        async with ChangelogReader(topic, assignment.partitions, options, kept=kept) as reader:
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
