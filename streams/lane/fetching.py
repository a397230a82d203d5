"""Fetching: from the Kafka client into the lane, and where each partition is read on.

Owns the positions of the lane's partitions: a fetch and a seek never overlap. Partitions that hold enough are left out, and so
are those whose log is to be begun anew. It must not commit, nor hand anything out.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from streams.lane.consumer_thread import Fetched, LaneConsumerThread
from streams.lane.lane import Lane
from streams.lane.log_moves import Committed, LogMoves
from streams.lane.micro_batch import TP

_POLL_SECONDS = 0.5
"""How long a fetch may wait while nothing else is due."""
BLOCKED_SECONDS = 0.02
"""The same while records wait for a fetch response: an empty response wakes nobody, so look again soon."""
_MOST_AT_ONCE = 250
"""After more records than this, decoded in about a millisecond, others have their turn in the event loop."""


class Flow(Protocol):
    """What Faust's consumer tells of its life."""

    flow_active: bool
    """Off during a rebalance: nothing that was fetched then counts."""

    async def wait_first(self, *waited: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109  (Faust's signature)
        """Wait for the first of these; at a stop, no longer."""


class Fetching:
    """Of one consumer. `generation` counts the rebalances of its group; `on_records` is called when micro-batches may be ready."""

    def __init__(
        self,
        flow: Flow,
        lane: Lane[Any],
        thread: LaneConsumerThread,
        moves: LogMoves,
        *,
        generation: Callable[[], int],
        on_records: Callable[[], None],
    ) -> None:
        self._flow = flow
        self._lane = lane
        self._thread = thread
        self._moves = moves
        self._generation = generation
        self._on_records = on_records
        self._positions = asyncio.Lock()  # a fetch and a seek must not overlap
        self._told: dict[TP, tuple[int, int]] = {}  # what the lane knows of positions and ends
        self._left_out: frozenset[TP] = frozenset()  # partitions not asked for in the present fetch
        self._room = asyncio.Event()  # one of them may go on

    async def seek(self, left_out: frozenset[str]) -> Mapping[TP, Committed]:
        """Start the lane over at what the group has committed; what that was, for every partition that is ours. Of topics `left_out`
        nothing is fetched.
        """
        async with self._positions:
            self._lane.forget()
            committed = await self._thread.committed()
            read = {tp: each for tp, each in committed.items() if tp.topic not in left_out}
            await self._thread.hold(committed.keys() - read.keys())
            start = await self._moves.begin(read)
            self._told.clear()
            ours = {tp: each.offset for tp, each in read.items() if tp.topic in self._lane.topics}
            self._lane.assign(ours, {tp: start[tp] for tp in ours}, left_out)
            return committed

    async def once(self, active: frozenset[TP]) -> Mapping[TP, list[Any]]:
        """Fetch the `active` partitions into the lane once, without those that hold enough. Returns the records of topics that
        are not the lane's.

        A full partition is left out of the request to the client, which keeps one response and fetches no
        further; the client's own `pause` would throw that response away and fetch it again.
        """
        if self._moves.waiting:
            async with self._positions:
                for tp in await self._moves.settle():
                    self._told.pop(tp, None)
        self._left_out = frozenset(self._lane.full() | self._moves.waiting)
        wanted = active - self._left_out
        if not wanted:  # the client takes an empty set for all partitions
            self._room.clear()
            await self._flow.wait_first(self._room.wait(), timeout=_POLL_SECONDS)
            return {}
        async with self._positions:
            generation = self._generation()
            blocked = self._lane.blocked
            wait_seconds = BLOCKED_SECONDS if blocked else _POLL_SECONDS
            fetched = await self._thread.fetch(wanted, wait_seconds, urgent=blocked)
            if not self._flow.flow_active or generation != self._generation():
                return {}  # a rebalance came; all positions are about to be sought
            await self._accept(fetched)
        self._moves.note({tp: at for tp, at in fetched.outside.items() if tp.topic in self._lane.topics})
        return {tp: records for tp, records in fetched.records.items() if tp.topic not in self._lane.topics}

    async def _accept(self, fetched: Fetched) -> None:
        epoch = self._lane.epoch
        self._lane.ends.tell(
            {tp: end for tp, end in fetched.logs.items() if tp.topic in self._lane.topics}, time.monotonic()
        )
        ends = {
            tp: end
            for tp, end in fetched.ends.items()
            if end != self._told.get(tp) and tp.topic in self._lane.topics
        }
        for tp, (_, high_watermark) in ends.items():
            self._lane.fetched(tp, 0, high_watermark)  # what comes below is known of before anything goes out
        decoded = 0
        for tp, records in fetched.records.items():
            if tp.topic in self._lane.topics:
                if decoded > _MOST_AT_ONCE:
                    decoded = 0
                    self._on_records()
                    await asyncio.sleep(0)
                    if self._lane.epoch != epoch:
                        return  # a rebalance came in between
                self._lane.accept(tp, records)
                decoded += len(records)
        for tp, (position, high_watermark) in ends.items():
            self._lane.fetched(tp, position, high_watermark)
        self._told.update(ends)
        self._on_records()

    def make_room(self) -> None:
        """End a fetch that waits when a partition that was left out may go on: after a micro-batch was taken out of the lane."""
        if self._left_out - self._lane.full() - self._moves.waiting:
            self._left_out = frozenset()
            self._room.set()
            self._thread.interrupt()

    async def look_at_ends(self) -> None:
        """Ask where the logs end of which no fetch response tells: those left out, all in a recovery; and watch open transactions."""
        epoch, ours = self._lane.epoch, self._lane.assignment.committed
        old = self._lane.ends.stale(ours, time.time_ns() // 1_000_000)
        if old:
            try:
                found = await self._thread.log_ends(old)
            except KafkaError:
                return  # the brokers are away, which others tell; asked again soon
            if self._lane.epoch != epoch:
                return
            self._lane.ends.tell(found, time.monotonic())
        self._lane.ends.watch(ours, time.monotonic())

    async def look_at_logs(self) -> None:
        """Ask whether each topic is still the one that is read."""
        await self._moves.look(self._told)
