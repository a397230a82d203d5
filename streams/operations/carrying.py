"""What the signals workers of an installation left unread, and copying it to the topics of another.

Owns finding it, in every partition that the topics have by now, and that copies come in the order in which the brokers took the records, each
where Kafka's partitioner puts its key. It must not judge records, nor change anything of the source.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import topics
from streams.cluster.groups import committed_by
from streams.cluster.partitioning import partition_of
from streams.cluster.placed_reader import reading_from
from streams.cluster.reading import SilenceError, read_to_ends
from streams.cluster.topic_reader import BrokerError, TopicReader
from streams.operations.standing import INPUTS, unreachable
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.delivery import Deliveries
from streams.telemetry.amounts import amount

_SILENT_SECONDS: Final = 30.0
_TAKE: Final = 2_000


class Unread(NamedTuple):
    """What the group has not read, by partition with the offset from which on; and the partitions that the changelog has."""

    positions: Mapping[TopicPartition, int]
    changelog: range
    grown: bool
    """A topic has more partitions than the settings say."""

    def places(self) -> list[str]:
        """Return the topics with their partitions, in words."""
        numbers: dict[str, list[str]] = {}
        for place in sorted(self.positions):
            numbers.setdefault(place.topic, []).append(str(place.partition))
        return [f"{topic}[{', '.join(own)}]" for topic, own in numbers.items()]


async def unread(settings: Settings) -> Unread:
    """Return which inputs have records behind what the signals group has committed. Raises BrokerError."""
    counts = await asyncio.to_thread(_counts, settings)
    try:
        committed = await committed_by(settings.aiokafka_options(), settings.topic(SIGNALS_GROUP))
    except (KafkaError, OSError) as error:
        raise unreachable(settings, error) from error
    positions = {
        place: committed[place].offset if place in committed else 0
        for name in INPUTS
        for number in range(counts[name])
        for place in [TopicPartition(settings.topic(name), number)]
    }
    found: set[TopicPartition] = set()
    async with _reading(settings, positions) as consumer:
        async for fetched in _first(consumer, positions, most=1):
            found |= fetched.keys()
    return Unread(
        {place: positions[place] for place in found},
        range(counts[topics.CHANGELOG]),
        max(counts.values()) > settings.partitions,
    )


async def carry(
    source: Settings,
    target: Settings,
    positions: Mapping[TopicPartition, int],
    tell: Callable[[int], None] = lambda _: None,
) -> int:
    """Copy what the partitions of `source` hold from `positions` on to the topics of `target`; delivered on return, with how many there were.

    `tell` hears how many there are so far. Raises BrokerError, and EffectsError when a record is not delivered.
    """
    carried = 0
    deliveries = Deliveries(target, lambda: None)
    await deliveries.start()
    try:
        async with _reading(source, positions) as consumer:
            async for records in _by_time(consumer, positions):
                copies = [
                    await deliveries.send(
                        target.topic(topic),
                        record.key,
                        record.value,
                        headers=record.headers,
                        partition=partition,
                    )
                    for record in records
                    for topic in [source.plain_topic(record.topic)]
                    for partition in _homes(topic, record, target.partitions)
                ]
                await deliveries.confirmed(copies)
                carried += len(records)
                tell(carried)
    finally:
        await deliveries.stop()
    return carried


def _counts(settings: Settings) -> dict[str, int]:
    with TopicReader(settings) as reader:
        return {name: len(reader.partitions(settings.topic(name))) for name in (*INPUTS, topics.CHANGELOG)}


def _homes(topic: str, record: Any, partitions: int) -> Iterable[int]:
    """Return where copies go. A record without a key stays among those it was among; an objection by number goes everywhere."""
    if topic == topics.OBJECTIONS:
        return range(partitions)
    return (record.partition % partitions if record.key is None else partition_of(record.key, partitions),)


async def _by_time(consumer: Any, places: Iterable[TopicPartition]) -> AsyncIterator[list[Any]]:
    """Yield what the partitions hold up to their ends, merged by when the brokers took it: a customer whose events came to lie on another
    partition has them in order.
    """
    waiting = {place: deque[Any]() for place in places}
    while waiting:
        wanted = [place for place, records in waiting.items() if not records]
        async for fetched in _first(consumer, wanted, most=_TAKE):
            for place, records in fetched.items():
                waiting[place].extend(records)
        waiting = {place: records for place, records in waiting.items() if records}
        merged = []
        while waiting and all(waiting.values()):
            earliest = min(waiting.values(), key=lambda records: records[0].timestamp)
            merged.append(earliest.popleft())
        yield merged


async def _first(
    consumer: Any, places: Iterable[TopicPartition], *, most: int
) -> AsyncIterator[Mapping[Any, list[Any]]]:
    """Yield the next records of each partition once, if there are any before its end."""
    left: dict[Any, int | None] = dict.fromkeys(places)
    async for fetched in read_to_ends(consumer, left, most=most, silent_seconds=_SILENT_SECONDS):
        yield fetched
        for place in fetched:
            left.pop(place, None)


@asynccontextmanager
async def _reading(settings: Settings, positions: Mapping[TopicPartition, int]) -> AsyncIterator[Any]:
    try:
        async with reading_from(settings.aiokafka_options(), positions, committed=True) as consumer:
            yield consumer
    except SilenceError as error:
        place = error.left[0]
        raise BrokerError(
            f"nothing is heard of {amount(len(error.left), 'partition')}, the first of {place.topic}[{place.partition}]: is there a leader, or "
            "does a transaction stand open?"
        ) from None
    except KafkaError as error:
        raise unreachable(settings, error) from error
