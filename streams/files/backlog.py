"""The backlog that files of events make: records by partition and topic, as a broker would hold them, merged as a worker does.

Records are routed by Kafka's own partitioner in the order of the lines. They are decoded when they come in and once more when they are
merged, since bytes are a tenth of what they mean; memory holds few of either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Self

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import AS_USUAL, Reading, decode
from streams.core.merge import Merger
from streams.core.records import Decoded, Record
from streams.files.ndjson import NO_TIME, Line, decode_line
from streams.files.spill import MOST_BYTES, Spill

_AHEAD_BYTES: Final = 524_288
"""So much of each topic is decoded before it is merged."""
_LENGTH: Final = 4
"""Bytes that tell a record's length before it."""
_Queue = tuple[int, str]
"""Partition and topic."""
_home_of = lru_cache(maxsize=65_536)(partition_of)


class Backlog:
    """Fill it, then go through it partition by partition. Close it, or use it in a `with`.

    `as_of` (ms) stands for the ingestion time; -1 leaves the check for events of the future out. More than `most_bytes` of lines go
    into a temporary file.
    """

    def __init__(
        self, partitions: int, as_of: int = NO_TIME, most_bytes: int = MOST_BYTES, reading: Reading = AS_USUAL
    ) -> None:
        self.partitions = partitions
        self._as_of, self._reading = as_of, reading
        self._spill: Spill[_Queue] = Spill(most_bytes)
        self._counts: Counter[_Queue] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._spill.close()

    def add(self, line: Line) -> Decoded:
        """Decode a line and set it aside. Raises SpillError."""
        decoded = decode_line(line, self._as_of, self._reading)
        event = decoded.event
        if event is None:
            partition = partition_of(b"%d" % line.number, self.partitions)
        elif decoded.anonymous or event.customer_id is None:
            partition = partition_of(event.event_id.encode(), self.partitions)
        else:
            partition = _home_of(event.customer_id.encode(), self.partitions)
        queue = partition, decoded.record.topic
        self._counts[queue] += 1
        self._spill.append(queue, len(line.data).to_bytes(_LENGTH, "little") + line.data)
        return decoded

    def chunks(self, partition: int, topic: str) -> Iterator[list[Decoded]]:
        """Yield the records of a partition of a topic in the order of their offsets, a few hundred at once. Raises SpillError."""
        chunk: list[Decoded] = []
        held = 0
        with self._spill.read((partition, topic)) as stream:
            for offset in range(self._counts[partition, topic]):
                data = stream.read(int.from_bytes(stream.read(_LENGTH), "little"))
                decoded = decode(Record(topic, partition, offset, self._as_of, None, data), self._reading)
                chunk.append(decoded)
                held += decoded.size
                if held > _AHEAD_BYTES:
                    yield chunk
                    chunk, held = [], 0
        yield chunk

    def runs(self, partition: int, max_batch: int = 2_000) -> Iterator[list[Decoded]]:
        """Yield the merged micro-batches of one partition. Raises SpillError."""
        merger: Merger[Decoded] = Merger(tuple(topics.INPUTS), 0, max_batch)
        sources = {topic: self.chunks(partition, topic) for topic in topics.INPUTS}
        for topic in sources:
            merger.fetched(topic, 0, self._counts[partition, topic], 0)
        while True:
            for topic, source in sources.items():
                if merger.head(topic) is None:
                    merger.push(topic, next(source, []))
            micro_batch = merger.take(0)
            if not micro_batch:
                return
            yield micro_batch
