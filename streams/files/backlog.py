"""The backlog that files of events make: records by partition and topic, as a broker would hold them, merged as a worker does.

Records are routed by Kafka's own partitioner in the order of the lines, set aside, and decoded when they are merged: memory holds few of
them at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from struct import Struct
from typing import Final, Self

from pydantic_core import from_json

from schemas import topics
from schemas.ids import names_nobody
from streams.cluster.partitioning import partition_of
from streams.core.decode import AS_USUAL, Reading, decode
from streams.core.merge import Merger
from streams.core.records import RECORD_OVERHEAD, Decoded, Record
from streams.files.ndjson import NO_TIME, Line
from streams.files.spill import MOST_BYTES, Spill

PARTITIONS: Final = 8
"""As many as the topics have that `behoudlijn topics create` makes."""
_AHEAD_BYTES: Final = 524_288
"""So much of each topic is decoded before it is merged."""
_LEAST_AHEAD_BYTES: Final = 8_192
"""However many partitions are merged at a time."""
_LONGEST: Final = 128
"""No id is longer; what is remembered of customers stays small."""
_HEAD: Final = Struct("<IIQQ")
"""Before each record: its length, its file and line, and how many lines came before."""


class Backlog:
    """Fill it, then go through it partition by partition. Close it, or use it in a `with`.

    `as_of` (ms) stands for the ingestion time; -1 leaves the check for events of the future out. More than `most_bytes` of lines go
    into a temporary file. `decoded` is told of each line, once, by file and number, when it is decoded.
    """

    def __init__(
        self,
        partitions: int,
        as_of: int = NO_TIME,
        most_bytes: int = MOST_BYTES,
        decoded: Callable[[str, int, Decoded], None] = lambda *_: None,
        reading: Reading = AS_USUAL,
    ) -> None:
        self.partitions = partitions
        self.numbers = False
        """Whether any line has a telephone number of a customer."""
        self._as_of, self._reading = as_of, reading
        self._decoded = decoded
        self._spill: Spill[tuple[int, str]] = Spill(most_bytes)
        self._counts: Counter[tuple[int, str]] = Counter()
        self._files: dict[str, int] = {}
        self._lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._spill.close()

    def add(self, line: Line) -> None:
        """Route a line and set it aside. Raises SpillError."""
        file, number, data = line
        home, topic = self._queue_of(data, number)
        file_number = self._files.setdefault(file, len(self._files))
        record = _HEAD.pack(len(data), file_number, number, self._lines) + data
        for partition in range(self.partitions) if topic == topics.OBJECTIONS else (home,):
            self._counts[partition, topic] += 1
            self._spill.append((partition, topic), record)
        self._lines += 1

    def chunks(self, partition: int, topic: str, share: int = 1) -> Iterator[list[Decoded]]:
        """Yield the records of a partition of a topic in the order of their offsets, a few hundred at once, fewer with a larger `share`.

        Raises SpillError.
        """
        files, told, as_of = list(self._files), self._decoded, self._as_of
        chunk: list[Decoded] = []
        held = 0
        ahead = max(_AHEAD_BYTES // share, _LEAST_AHEAD_BYTES)
        with self._spill.read((partition, topic), ahead) as stream:
            for offset in range(self._counts[partition, topic]):
                length, file_number, number, arrival = _HEAD.unpack(stream.read(_HEAD.size))
                data = stream.read(length)
                decoded = decode(Record(topic, partition, offset, as_of, None, data), self._reading)
                decoded = decoded._replace(arrival=arrival)
                if partition == 0 or topic != topics.OBJECTIONS:  # whose lines lie on every partition
                    told(files[file_number], number, decoded)
                chunk.append(decoded)
                held += length + RECORD_OVERHEAD
                if held > ahead:
                    yield chunk
                    chunk, held = [], 0
        yield chunk

    def runs(self, partition: int, max_batch: int = 2_000, share: int = 1) -> Iterator[list[Decoded]]:
        """Yield the merged micro-batches of one partition. `share`: of so many partitions at a time, which share the memory.

        Raises SpillError.
        """
        merger: Merger[Decoded] = Merger(tuple(topics.INPUTS), 0, max_batch)
        sources = {topic: self.chunks(partition, topic, share) for topic in topics.INPUTS}
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

    def _queue_of(self, data: bytes, number: int) -> tuple[int, str]:
        """Return the partition and topic of a record.

        What the decoder takes has its type and ids where they are looked for here, by the same parser; what it refuses may go anywhere.
        """
        topic, routing = topics.CALLS, b"%d" % number
        try:
            fields = from_json(data)
            if isinstance(fields, dict):
                kind = fields.get("type")
                if isinstance(kind, str) and kind in topics.EVENT_TYPES:
                    topic = topics.EVENT_TYPES[kind].topic
                if topic != topics.OBJECTIONS and fields.get("phone_e164"):
                    self.numbers = True
                customer = _text(fields.get("customer_id"))
                home = None if customer is None else _home_of(customer, self.partitions)
                if home is not None:
                    return home, topic
                event = _text(fields.get("event_id"))
                if event is not None:
                    routing = event.encode()
        except ValueError:  # no JSON, or what is no text and no number that can be written
            pass
        return partition_of(routing, self.partitions), topic


@lru_cache(maxsize=65_536)
def _home_of(customer: str, partitions: int) -> int | None:
    """Return the partition of a customer; None where the id names nobody."""
    return None if names_nobody(customer) else partition_of(customer.encode(), partitions)


def _text(value: object) -> str | None:
    """Return an id as the schema reads it, a whole number as its digits; None for what is no id."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else str(value) if type(value) is int else None
    return None if text is None or len(text) > _LONGEST else text
