"""What inputs hold between two positions: the answer to `ground.ahead`, asked of Kafka.

Owns the look. It must not judge (`ground`), nor commit.
"""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition

from streams.cluster.placed_reader import reading_from
from streams.cluster.reading import SilenceError, read_to_ends
from streams.settings import Settings
from streams.state.ground import Between
from streams.state.recovery import RecoveryError
from streams.telemetry.amounts import amount

_SILENT_SECONDS = 30.0


async def look(
    settings: Settings, wanted: Mapping[int, Mapping[str, range]]
) -> dict[int, dict[str, Between]]:
    """Return what the inputs' logs hold at these offsets, by partition and topic without prefix. Raises `RecoveryError`."""
    places = {
        TopicPartition(settings.topic(topic), number): offsets
        for number, ranges in wanted.items()
        for topic, offsets in ranges.items()
    }
    found: dict[int, dict[str, Between]] = {number: {} for number in wanted}
    if not places:
        return found
    positions = {place: offsets.start for place, offsets in places.items()}
    try:
        async with reading_from(settings.aiokafka_options(), positions, committed=True) as consumer:
            for place, verdict in (await _read(consumer, places)).items():
                found[place.partition][settings.plain_topic(place.topic)] = verdict
    except SilenceError as error:
        raise RecoveryError(
            f"nothing is heard of {amount(len(error.left), 'input partition')}, the first of {error.left[0].topic}: "
            "check that it has a leader, then start the worker again"
        ) from None
    return found


async def _read(consumer: Any, places: Mapping[TopicPartition, range]) -> dict[TopicPartition, Between]:
    first, end = await consumer.beginning_offsets(list(places)), await consumer.end_offsets(list(places))
    found: dict[TopicPartition, Between] = {}
    left: dict[TopicPartition, int | None] = {}
    for place, offsets in places.items():
        if end[place] < offsets.stop:
            found[place] = "anew"
            continue
        found[place] = "gone" if first[place] > offsets.start else "nothing"
        if first[place] < offsets.stop:
            left[place] = offsets.stop
    async for fetched in read_to_ends(consumer, left, most=100, silent_seconds=_SILENT_SECONDS):
        for place, records in fetched.items():
            if place in left and records[0].offset < places[place].stop:
                found[place] = "record"
                del left[place]
    return found
