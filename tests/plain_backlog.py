"""A backlog in memory, as plain as can be: what `streams.files.backlog` must be like, whatever it spares.

Owns nothing of production but the decoder, the partitioner and the merger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode
from streams.core.merge import Merger
from streams.core.records import Decoded, Record
from streams.files.ndjson import Line, likely_topic


def queues_of(lines: Iterable[Line], partitions: int, as_of: int = -1) -> dict[int, dict[str, list[Decoded]]]:
    """Decode lines and route them: partition -> topic -> records with offsets as a broker would give them."""
    queues: dict[int, dict[str, list[Decoded]]] = {
        p: {t: [] for t in topics.INPUTS} for p in range(partitions)
    }
    for arrival, line in enumerate(lines):
        topic = likely_topic(line.data)
        decoded = decode(Record(topic, 0, 0, as_of, None, line.data))
        event = decoded.event
        if event is None:
            routing = b"%d" % line.number
        elif decoded.anonymous or event.customer_id is None:
            routing = event.event_id.encode()
        else:
            routing = event.customer_id.encode()
        everywhere = topic == topics.OBJECTIONS
        for partition in range(partitions) if everywhere else (partition_of(routing, partitions),):
            queue = queues[partition][topic]
            record = decoded.record._replace(partition=partition, offset=len(queue))
            queue.append(decoded._replace(record=record, arrival=arrival))
    return queues


def runs_of(queues: dict[str, list[Decoded]], max_batch: int = 2_000) -> Iterator[list[Decoded]]:
    """The merged micro-batches of one partition's complete backlog."""
    merger: Merger[Decoded] = Merger(tuple(topics.INPUTS), 0, max_batch)
    for topic, records in queues.items():
        if records:
            merger.push(topic, records)
        merger.fetched(topic, len(records), len(records), 0)
    while micro_batch := merger.take(0):
        yield micro_batch
