"""The last records of partitions in the changelog, found from its end: what is known of a group's settings without reading its states.

Owns that look. A batch ends with the partition's record, so it is the last one or near it. It must not judge what it finds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition

from streams.cluster.placed_reader import reading_from
from streams.cluster.reading import read_to_ends
from streams.settings import Settings
from streams.state.agreement import Agreed
from streams.state.changelog import PARTITION_KEY, PartitionRecord, decode_partition

_STEPS = (64, 4_096)
"""So many offsets before the end it is looked at, as long as nothing is found."""
_SILENT_SECONDS = 10.0


async def last_records(
    topic: str, partitions: Iterable[int], options: Mapping[str, Any]
) -> dict[int, PartitionRecord]:
    """Return the last record of each of `partitions` of the changelog `topic`, without those of which none is near the end.

    `options`: address and security of an aiokafka client. Raises `SilenceError`, `ChangelogError` and the client's errors.
    """
    found: dict[int, PartitionRecord] = {}
    places = [TopicPartition(topic, number) for number in partitions]
    async with reading_from(options, dict.fromkeys(places, 0)) as consumer:
        first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for step in _STEPS:
            left: dict[TopicPartition, int | None] = {
                place: end[place]
                for place in places
                if place.partition not in found and end[place] > first[place]
            }
            for place in left:
                consumer.seek(place, max(first[place], end[place] - step))
            async for fetched in read_to_ends(consumer, left, silent_seconds=_SILENT_SECONDS):
                for place, records in fetched.items():
                    for record in records:
                        if record.key == PARTITION_KEY and record.value is not None:
                            _keep(found, place.partition, decode_partition(record.value))
    return found


def _keep(found: dict[int, PartitionRecord], number: int, record: PartitionRecord) -> None:
    """Keep the later one; what a worker that had lost the partition wrote late is of an older epoch."""
    before = found.get(number)
    if before is None or record.stamp >= before.stamp:
        found[number] = record


async def last_agreed(settings: Settings, topic: str, partitions: Iterable[int]) -> dict[int, Agreed]:
    """Return the settings under which the states in the changelog `topic` were last written, by partition. Raises as `last_records`."""
    found = await last_records(topic, partitions, settings.aiokafka_options())
    return {number: record.agreed for number, record in found.items()}
