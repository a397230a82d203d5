"""What inputs hold between two positions: the answer to `ground.ahead`, asked of Kafka.

Owns the look. It must not judge (`ground`), nor commit.
"""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

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
    consumer = AIOKafkaConsumer(
        **settings.aiokafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        for place, verdict in (await _read(consumer, places)).items():
            found[place.partition][settings.plain_topic(place.topic)] = verdict
    except SilenceError as error:
        raise RecoveryError(
            f"nothing is heard of {amount(len(error.left), 'input partition')}, the first of {error.left[0].topic}: "
            "check that it has a leader, then start the worker again"
        ) from None
    finally:
        await consumer.stop()
    return found


async def _read(
    consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, range]
) -> dict[TopicPartition, Between]:
    consumer.assign(list(places))
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
    for place in left:
        consumer.seek(place, max(first[place], places[place].start))
    async for fetched in read_to_ends(consumer, left, most=100, silent_seconds=_SILENT_SECONDS):
        for place, records in fetched.items():
            if place in left and records[0].offset < places[place].stop:
                found[place] = "record"
                del left[place]
    return found
