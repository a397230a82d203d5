"""The merger: one sequence, by event time, out of the topics of one partition number.

Owns the order in which records are judged. Knows neither Kafka nor a clock: what was fetched, and the time,
are told. It never reorders records of one topic, so an early record behind a late one waits for its turn, as
in Kafka Streams.

For a complete backlog the order depends on the records alone, not on fetch sizes, the order of responses or
the size of a micro-batch: a record goes out only when the head of every topic is known, be it that there is none.
"""

from collections import deque
from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Generic, TypeVar

from streams.core.records import REJECTED_AT, Placed

ItemT = TypeVar("ItemT", bound=Placed)


class _Queue(Generic[ItemT]):
    """The buffered records of one topic: chunks as pushed, read from `chunk[start]` on."""

    __slots__ = (
        "bytes_left",
        "chunk",
        "chunks",
        "empty_since",
        "high_watermark",
        "idle_ms",
        "next_offset",
        "rank",
        "size",
        "start",
        "taken",
        "topic",
    )

    def __init__(self, topic: str, rank: int, idle_ms: int) -> None:
        self.topic = topic
        self.rank = rank
        self.idle_ms = idle_ms
        self.clear()

    def clear(self) -> None:
        self.chunk: Sequence[ItemT] = ()
        self.start = 0
        self.size = 0  # bytes of `chunk` when it was whole
        self.chunks: deque[tuple[Sequence[ItemT], int]] = deque()
        self.bytes_left = 0  # bytes of `chunks`, without `chunk`
        self.next_offset = -1  # after the last record pushed
        self.high_watermark: int | None = None  # None until a fetch response told it
        self.empty_since: int | None = None
        self.taken = -1  # after the last record of the last chunk used up

    @property
    def empty(self) -> bool:
        return self.start >= len(self.chunk) and not self.chunks

    @property
    def awaited(self) -> bool:
        """Nothing is buffered, but the partition holds more, or nobody knows yet whether it does."""
        return self.empty and (self.high_watermark is None or self.next_offset < self.high_watermark)

    def settle(self) -> bool:
        """Move on to the next chunk when one is used up; False when nothing is left."""
        if self.start < len(self.chunk):
            return True
        if self.chunk:
            self.taken = self.chunk[-1].offset + 1
        if not self.chunks:
            self.chunk, self.start, self.size = (), 0, 0
            return False
        self.chunk, self.size = self.chunks.popleft()
        self.bytes_left -= self.size
        self.start = 0
        return True

    def buffered_bytes(self) -> int:
        if not self.chunk:
            return self.bytes_left
        return self.bytes_left + self.size * (len(self.chunk) - self.start) // len(self.chunk)


class Merger(Generic[ItemT]):
    """Merges the records of `topics`, all of one partition number.

    `topics`: their order breaks ties of event time. `idle_ms`: how long a caught-up topic is waited for
    before the others go on without it. `max_batch`: the most records that one `take` returns. `unawaited`:
    topics for which `idle_ms` does not hold, since they are mostly empty; what they are known to hold is
    waited for all the same. The times that the methods are told come from one clock, in ms; it need not be
    the wall clock.
    """

    def __init__(
        self,
        topics: Sequence[str],
        idle_ms: int = 0,
        max_batch: int = 2000,
        unawaited: Collection[str] = (),
    ) -> None:
        if not topics or len(set(topics)) != len(topics):
            raise ValueError("a merger needs at least one topic, and each only once")
        if idle_ms < 0 or max_batch < 1:
            raise ValueError("idle_ms must be 0 or more, max_batch 1 or more")
        if not set(unawaited) <= set(topics):
            raise ValueError("a merger cannot leave a topic unawaited that it does not merge")
        self.topics = tuple(topics)
        self.max_batch = max_batch
        self._queues: list[_Queue[ItemT]] = [
            _Queue(topic, rank, 0 if topic in unawaited else idle_ms) for rank, topic in enumerate(topics)
        ]
        self._by_topic = {queue.topic: queue for queue in self._queues}

    def push(self, topic: str, records: Sequence[ItemT]) -> None:
        """Add records of one topic in offset order. The sequence is kept, not copied: leave it alone after.

        Raises `ValueError` when an offset was pushed before: a position went back without `clear`.
        """
        if not records:
            return
        queue = self._by_topic[topic]
        first = records[0].offset
        if first < queue.next_offset:
            raise ValueError(
                f"offset {first} of {topic} was pushed before (expected {queue.next_offset} or later)"
            )
        queue.next_offset = records[-1].offset + 1
        size = 0
        for each in records:
            size += each.size
        queue.chunks.append((records, size))
        queue.bytes_left += size
        queue.empty_since = None

    def fetched(self, topic: str, next_offset: int, high_watermark: int, now: int) -> None:
        """Tell what a fetch response said, in offsets: where reading goes on, and where the partition ends.

        A `next_offset` below what was pushed changes nothing: give 0 to tell a new end before its records are pushed.
        """
        queue = self._by_topic[topic]
        queue.next_offset = max(queue.next_offset, next_offset)
        queue.high_watermark = high_watermark
        if queue.empty and queue.empty_since is None and queue.next_offset >= high_watermark:
            queue.empty_since = now

    def restart(self, topic: str, offset: int) -> None:
        """Go on reading `topic` at `offset`, be it an earlier one. Raises `ValueError` while anything of it is buffered."""
        queue = self._by_topic[topic]
        if not queue.empty:
            raise ValueError(f"{topic} still has buffered records")
        queue.clear()
        queue.next_offset = offset

    def next_offset(self, topic: str) -> int:
        """Return where reading of `topic` goes on, past markers and what was taken back; -1 when it is not known."""
        return self._by_topic[topic].next_offset

    def take(self, now: int) -> list[ItemT]:
        """Return the next records in merged order, at most `max_batch`; empty when none may go out yet."""
        micro_batch: list[ItemT] = []
        heads: list[tuple[int, int]] = []
        held = False  # a caught-up topic is still worth waiting for: only rejects pass
        for queue in self._queues:
            if queue.settle():
                heads.append((queue.chunk[queue.start].at, queue.rank))
            elif queue.awaited:
                return micro_batch
            elif queue.empty_since is not None and now - queue.empty_since < queue.idle_ms:
                held = True
        heapify(heads)
        room = self.max_batch
        while heads and room:
            at, rank = heads[0]
            if held and at >= 0:
                break
            queue = self._queues[rank]
            chunk, start = queue.chunk, queue.start
            end = min(len(chunk), start + room)
            stop = start + 1
            if len(heads) > 1:
                limit, rival = heads[1] if len(heads) == 2 else min(heads[1], heads[2])
                if rival < rank:
                    limit -= 1  # the rival wins a tie
                if held and limit >= 0:
                    limit = REJECTED_AT
                while stop < end and chunk[stop].at <= limit:
                    stop += 1
            elif held:
                while stop < end and chunk[stop].at < 0:
                    stop += 1
            else:
                stop = end
            micro_batch += chunk[start:stop]
            room -= stop - start
            queue.start = stop
            if stop < len(chunk):
                heapreplace(heads, (chunk[stop].at, rank))
            elif queue.settle():
                heapreplace(heads, (queue.chunk[0].at, rank))
            else:
                heappop(heads)
                if queue.awaited:
                    break
                queue.empty_since = now
                held = held or queue.idle_ms > 0
        return micro_batch

    def taken(self, topic: str) -> int | None:
        """Return the offset after the last record of `topic` that went out; None when none did since `clear`."""
        queue = self._by_topic[topic]
        if queue.start:
            return queue.chunk[queue.start - 1].offset + 1
        return None if queue.taken < 0 else queue.taken

    def head(self, topic: str) -> ItemT | None:
        """Return the record of `topic` that goes out next, None when none is buffered."""
        queue = self._by_topic[topic]
        return queue.chunk[queue.start] if queue.settle() else None

    @property
    def blocked(self) -> bool:
        """Records are held back by a topic whose partition holds more, or may do so."""
        return any(queue.awaited for queue in self._queues) and not self.empty

    @property
    def empty(self) -> bool:
        """Nothing is buffered."""
        return all(queue.empty for queue in self._queues)

    def caught_up(self, topic: str) -> bool:
        """Nothing of `topic` is buffered, and its partition held no more when it was fetched last."""
        queue = self._by_topic[topic]
        return queue.empty and not queue.awaited

    def high_watermark(self, topic: str) -> int | None:
        """Return where the partition of `topic` ended, as the last fetch response told; None before the first."""
        return self._by_topic[topic].high_watermark

    def wait_ms(self, now: int) -> int | None:
        """Return the milliseconds until an idle wait ends that holds records back; None when no clock can help."""
        if self.empty or any(queue.awaited for queue in self._queues):
            return None
        until = [queue.empty_since + queue.idle_ms for queue in self._queues if queue.empty_since is not None]
        return max(0, max(until) - now) if until else 0

    def buffered_bytes(self, topic: str | None = None) -> int:
        """Return the bytes held of one topic, or of all: the sum of `Placed.size`.

        Exact where a pushed chunk ends, an average inside one.
        """
        queues = self._queues if topic is None else [self._by_topic[topic]]
        return sum(queue.buffered_bytes() for queue in queues)

    def clear(self) -> None:
        """Forget everything, what was fetched too: after a rebalance or a seek."""
        for queue in self._queues:
            queue.clear()
