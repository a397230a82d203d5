"""The lane: from fetched records to merged micro-batches, and from acknowledged micro-batches to offsets that may be committed.

Owns what is buffered, handed out and acknowledged, for the partitions of one assignment. Knows neither the
Kafka client nor Faust; `transport` moves the bytes and asks the lane what to do next.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic

from streams.core.merge import ItemT, Merger
from streams.core.records import FetchedRecord
from streams.lane.log_ends import LogEnds
from streams.lane.micro_batch import TP, Assignment, Lag, LaneSettings, MicroBatch

_SMALLEST_LIMIT = 64 * 1024
_NOTHING = Assignment((), {})


Decode = Callable[[TP, Sequence[FetchedRecord]], Sequence[ItemT]]
"""Makes items of what was fetched of one partition (not empty), in its order; at least one."""


class LaneError(Exception):
    """The lane cannot go on; the process must end without acknowledging anything more."""


class _Partition(Generic[ItemT]):
    """What is merged together: its merger, and its micro-batches in the order in which they were handed out."""

    def __init__(self, topics: tuple[str, ...], number: int, settings: LaneSettings) -> None:
        self.number = number
        self.topics = topics
        unawaited = settings.unawaited.intersection(topics)
        self.merger: Merger[ItemT] = Merger(topics, settings.idle_ms, settings.max_batch, unawaited)
        self.in_flight: deque[MicroBatch[ItemT]] = deque()
        self.sizes: dict[int, int] = {}  # of those, in bytes, where there may be several
        self.bytes_in_flight = 0
        self.done: set[int] = set()
        self.handed_out: dict[TP, int] = {}


class Lane(Generic[ItemT]):
    """Records in, micro-batches out, acknowledgements back, for the input topics of one worker.

    `decode` turns fetched records of a partition into what runs are made of; where it raises, the worker ends. `clock`:
    ms, steady. `wake` is called when room or work appeared; the transport sets it.
    """

    def __init__(self, settings: LaneSettings, decode: Decode[ItemT], clock: Callable[[], int]) -> None:
        self.settings = settings
        self.topics = frozenset(settings.topics)
        self.left_out: frozenset[str] = frozenset()
        """Those of the topics that are not read in this assignment."""
        self.wake: Callable[[], None] = lambda: None
        self.assignment = _NOTHING
        self.ends = LogEnds()
        self._decode = decode
        self._clock = clock
        self._epoch = 0
        self._number = 0
        self._partitions: dict[TP, _Partition[ItemT]] = {}  # several topics share one when they are merged
        self._order: deque[_Partition[ItemT]] = deque()
        self._begun: set[int] = set()
        self._full: set[TP] = set()
        self._limit = settings.max_buffer_bytes
        self._acked: dict[TP, int] = {}
        self._start: dict[TP, int] = {}
        self._newest: dict[TP, int] = {}

    # -- what is read ---------------------------------------------------------------------------------------

    def assign(
        self,
        committed: Mapping[TP, int | None],
        start: Mapping[TP, int],
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        """Start over with these partitions, each read from its offset of `start`; none of the topics `left_out` is among them.

        Where something else was committed, the start is to be committed too: it is the true position. Raises `LaneError` when topics to
        be merged are not co-partitioned: a customer's events lie apart.
        """
        self.forget()
        self.left_out = left_out
        if self.settings.merged:
            self._assign_merged(committed)
        else:
            for tp in sorted(committed):
                self._partitions[tp] = _Partition((tp.topic,), tp.partition, self.settings)
        self._order.extend(dict.fromkeys(self._partitions.values()))
        numbers = tuple(sorted({tp.partition for tp in committed}))
        self.assignment = Assignment(numbers, dict(committed))
        self._start = dict(start)
        self._acked.update(
            (tp, start[tp]) for tp, offset in committed.items() if offset not in (None, start[tp])
        )
        share = self.settings.max_total_bytes // max(1, len(committed))
        self._limit = max(_SMALLEST_LIMIT, min(self.settings.max_buffer_bytes, share))

    def _assign_merged(self, committed: Iterable[TP]) -> None:
        wanted = tuple(topic for topic in self.settings.topics if topic not in self.left_out)
        numbers: dict[int, set[str]] = {}
        for topic, partition in committed:
            numbers.setdefault(partition, set()).add(topic)
        for partition, topics in sorted(numbers.items()):
            if topics != set(wanted):
                missing = ", ".join(sorted(set(wanted) - topics))
                raise LaneError(
                    f"partition {partition} of {missing} is not assigned to this worker, although others of "
                    "that number are; give all input topics the same number of partitions"
                )
            shared: _Partition[ItemT] = _Partition(wanted, partition, self.settings)
            self._partitions.update((TP(topic, partition), shared) for topic in wanted)

    def forget(self) -> None:
        """Drop every buffer and every micro-batch; later acknowledgements of those micro-batches change nothing."""
        self._epoch += 1
        self.assignment = _NOTHING
        self.ends.forget()
        self._partitions.clear()
        self._order.clear()
        for state in (self._begun, self._full, self._acked, self._start, self._newest):
            state.clear()

    @property
    def epoch(self) -> int:
        """Counts assignments: a micro-batch of an earlier one is stale."""
        return self._epoch

    def accept(self, tp: TP, records: Sequence[FetchedRecord]) -> None:
        """Decode and buffer fetched records of one partition, in offset order."""
        self._partitions[tp].merger.push(tp.topic, self._decode(tp, records))
        self._newest[tp] = max(self._newest.get(tp, 0), records[-1].timestamp)

    def fetched(self, tp: TP, next_offset: int, high_watermark: int) -> None:
        """Tell where reading of a partition goes on and where it ends, as a fetch response said."""
        self._partitions[tp].merger.fetched(tp.topic, next_offset, high_watermark, self._clock())
        if next_offset:
            self._pass(tp)

    def position(self, tp: TP) -> int:
        """Return up to where all of a partition is acknowledged."""
        return self._acked.get(tp, self._start[tp])

    def settled(self, tp: TP) -> bool:
        """Return whether all that was read of a partition is acknowledged."""
        partition = self._partitions[tp]
        return partition.merger.head(tp.topic) is None and not any(
            tp in micro_batch.end_offsets for micro_batch in partition.in_flight
        )

    def restart(self, tp: TP, offset: int) -> None:
        """Go on reading a partition at `offset`, be it an earlier one, and have that committed.

        For a log that does not hold the position any more. Raises `ValueError` unless the partition is settled.
        """
        if not self.settled(tp):
            raise ValueError(f"records of {tp.topic}[{tp.partition}] are not acknowledged")
        partition = self._partitions[tp]
        partition.merger.restart(tp.topic, offset)
        partition.handed_out.pop(tp, None)
        self._acked[tp] = self._start[tp] = offset

    def _pass(self, tp: TP) -> None:
        """Pass what holds no records (transaction markers, what was taken back or compacted) once nothing is left before
        it: retention may remove it, and nothing is lost then.
        """
        position = self._partitions[tp].merger.next_offset(tp.topic)
        if position > self.position(tp) and self.settled(tp):
            self._acked[tp] = position

    def full(self) -> set[TP]:
        """Return the partitions that hold enough and must not be fetched for now."""
        for tp, partition in self._partitions.items():
            held = partition.merger.buffered_bytes(tp.topic)
            if held >= self._limit:
                self._full.add(tp)
            elif held * 2 < self._limit:
                self._full.discard(tp)
        return self._full

    def buffered_bytes(self) -> int:
        """Return the bytes held in all buffers, counted as `Merger.buffered_bytes` does; micro-batches in flight not included."""
        return sum(partition.merger.buffered_bytes() for partition in self._order)

    @property
    def blocked(self) -> bool:
        """Some partition holds records that wait for another topic of its number."""
        return any(partition.merger.blocked for partition in self._order)

    def waiting(self, number: int, besides: MicroBatch[ItemT] | None = None) -> bool:
        """Return whether records of this partition number wait to be worked on.

        They wait in a micro-batch that was handed out already (`besides`, the one under work, does not count), or in the merger, where
        they would make the next micro-batch if another one might be handed out now.
        """
        now = self._clock()
        return any(
            any(micro_batch is not besides for micro_batch in part.in_flight) or part.merger.wait_ms(now) == 0
            for part in self._order
            if part.number == number
        )

    # -- what is handed out ---------------------------------------------------------------------------------

    def next_micro_batch(self) -> MicroBatch[ItemT] | None:
        """Return the next micro-batch of any partition that has room for one; partitions take turns."""
        now = self._clock()
        for _ in range(len(self._order)):
            partition = self._order[0]
            self._order.rotate(-1)
            if self._may_hand_out(partition):
                records = partition.merger.take(now)
                if records:
                    return self._hand_out(partition, records)
        return None

    def _may_hand_out(self, partition: _Partition[ItemT]) -> bool:
        """Return whether another micro-batch may be under work: by their number, and where there may be several, by their bytes."""
        return (
            len(partition.in_flight) < self.settings.max_in_flight and partition.bytes_in_flight < self._limit
        )

    def _hand_out(self, partition: _Partition[ItemT], records: list[ItemT]) -> MicroBatch[ItemT]:
        ends: dict[TP, int] = {}
        for topic in partition.topics:
            tp, end = TP(topic, partition.number), partition.merger.taken(topic)
            if end is not None and end != partition.handed_out.get(tp):
                ends[tp] = end
        partition.handed_out.update(ends)
        self._number += 1
        micro_batch = MicroBatch(partition.number, records, ends, self._epoch, self._number)
        partition.in_flight.append(micro_batch)
        if self.settings.max_in_flight > 1:
            size = partition.sizes[micro_batch.number] = sum(record.size for record in records)
            partition.bytes_in_flight += size
        return micro_batch

    def wait_seconds(self) -> float | None:
        """Return how long until an idle wait ends that holds records back; None when there is none."""
        waits = [
            wait
            for partition in self._order
            if self._may_hand_out(partition) and (wait := partition.merger.wait_ms(self._clock())) is not None
        ]
        return min(waits) / 1000 if waits else None

    # -- what is done ---------------------------------------------------------------------------------------

    def current(self, micro_batch: MicroBatch[ItemT]) -> bool:
        """Return False when a rebalance or a seek came since: drop the micro-batch, its records will be read again."""
        return micro_batch.epoch == self._epoch

    def begin(self, micro_batch: MicroBatch[ItemT]) -> bool:
        """Mark that work on a micro-batch began: a rebalance waits for it. False for a stale micro-batch: skip it."""
        if not self.current(micro_batch):
            return False
        self._begun.add(micro_batch.number)
        return True

    @property
    def busy(self) -> bool:
        """Work on some micro-batch began and has not been acknowledged."""
        return bool(self._begun)

    def ack(self, micro_batch: MicroBatch[ItemT]) -> bool:
        """Acknowledge a micro-batch: its offsets may be committed once all earlier micro-batches of its partition are done.

        False, and nothing changes, for a stale micro-batch or one acknowledged before.
        """
        if not self.current(micro_batch):
            return False
        partition = self._partitions[next(iter(micro_batch.end_offsets))]
        if micro_batch.number in partition.done or micro_batch not in partition.in_flight:
            return False
        self._begun.discard(micro_batch.number)
        partition.done.add(micro_batch.number)
        while partition.in_flight and partition.in_flight[0].number in partition.done:
            first = partition.in_flight.popleft()
            partition.done.discard(first.number)
            partition.bytes_in_flight -= partition.sizes.pop(first.number, 0)
            self._acked.update(first.end_offsets)
            for tp in first.end_offsets:
                self._pass(tp)
        self.wake()
        return True

    @property
    def acked(self) -> Mapping[TP, int]:
        """Per partition the offset that may be committed: up to there all is acknowledged or holds no record; of this epoch
        only.
        """
        return self._acked

    def caught_up(self, number: int) -> bool:
        """Return whether all that this partition number held at its last fetch is worked through, of every topic."""
        parts = [part for part in self._order if part.number == number]
        return all(
            not part.in_flight and all(part.merger.caught_up(topic) for topic in part.topics)
            for part in parts
        )

    def lag(self) -> dict[TP, Lag]:
        """Return how far each partition is behind what was acknowledged."""
        return {tp: self._lag_of(tp) for tp in self.assignment.committed}

    def _lag_of(self, tp: TP) -> Lag:
        partition = self._partitions[tp]
        end, newest = self.ends.of(tp), self._newest.get(tp)
        if end is None:
            end = partition.merger.high_watermark(tp.topic)
        in_flight = (
            item
            for micro_batch in partition.in_flight
            for item in micro_batch.records
            if item.topic == tp.topic
        )
        oldest = next(in_flight, None) or partition.merger.head(tp.topic)
        if oldest is None and end is not None and partition.merger.next_offset(tp.topic) >= end:
            return Lag(0, None, newest)  # trailing transaction markers are no lag
        records = None if end is None else max(0, end - self.position(tp))
        told = oldest is not None and oldest.timestamp >= 0
        return Lag(records, oldest.timestamp if oldest and told else None, newest)
