"""What the consumer commits: Faust's, changed so that the lane says which offsets may be committed.

Owns the offsets of the lane's topics; those of any other topic go Faust's own way. It must not decide what is acknowledged
(`lane`), nor when to commit (Faust).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import tuples

from streams.lane.lane import Lane
from streams.lane.micro_batch import TP


class CommittingConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, which takes the offsets of the lane's topics from `Lane.acked`."""

    transport: Any
    _confirmed: Callable[[Mapping[TP, int]], None] = staticmethod(lambda _: None)
    """Is told of each commit that the broker has confirmed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lane: Lane[Any] = self.transport.lane

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what was acknowledged; nothing after a crash.

        Faust tries also then. But a crash ends the client's thread at once: a commit sent to it would wait for its answer
        without end, and so would the process.
        """
        if self.crashed:
            return False
        committed: bool = await super().commit(topics, start_new_transaction)
        if committed:
            self.transport.on_committed()
        return committed

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        # Faust notes offsets as committed whether or not the broker has taken them.
        epoch = self.lane.epoch
        committed: bool = await super()._commit_offsets(offsets, start_new_transaction)
        if committed and self.lane.epoch == epoch:
            self._confirmed({TP(*tp): offset for tp, offset in offsets.items()})
        return committed

    def committed_offsets(self) -> dict[TP, int | None]:
        """Return what was committed of each of the lane's partitions, None for nothing yet."""
        return {tp: self._committed_offset[tp] for tp in self.lane.assignment.committed}

    def _uncommitted(self) -> list[TP]:
        return [tp for tp, offset in self.lane.acked.items() if self._should_commit(tp, offset)]

    def _should_commit(self, tp: Any, offset: int) -> bool:
        # Faust never commits downwards, and not to 0: a log that was made anew would be read from the old position on.
        if tp.topic in self.lane.topics:
            return offset != (self._committed_offset[tp] or 0)
        return bool(super()._should_commit(tp, offset))

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        # Faust knows its own acknowledgements only; ours are the lane's.
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self.lane.acked):
            if topics is None or tp in topics or tp.topic in topics:
                yield tuples.TP(*tp)

    def _new_offset(self, tp: Any) -> int | None:
        # Faust looks for consecutive offsets, which our micro-batches skip: it commits one micro-batch a tick, or none at all.
        if tp.topic in self.lane.topics:
            return self.lane.acked.get(tp)
        offset: int | None = super()._new_offset(tp)
        return offset

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        # Faust lists each offset that holds no record, to find consecutive ones; the lane passes such offsets by itself.
        if tp.topic not in self.lane.topics:
            await super()._add_gap(tp, offset_from, offset_to)

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: Faust's detector counts messages, of which one micro-batch is only one, and it only logs."""
