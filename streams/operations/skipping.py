"""Going past one record that ends every worker of a group, on purpose: its committed offset is moved behind that record and no further.

Owns the conditions. What is skipped becomes a dead letter, so that somebody can find it later. It must not show what the record holds.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas import topics
from streams.cluster.groups import committed_by
from streams.cluster.topic_reader import TopicReader, kafka_errors, producer
from streams.core.decode import encode_dead_letter
from streams.core.records import REJECTED_AT, Decoded, Record, Reject
from streams.operations.standing import RefusedError, refuse_members, unreachable
from streams.operations.state_accept import accept_skipped
from streams.operations.state_check import check
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from streams.telemetry.amounts import amount

Group = Literal["sink", "signals"]
GROUPS: Final[dict[Group, tuple[str, tuple[str, ...]]]] = {
    "sink": (SINK_GROUP, (*topics.INPUTS, *topics.OUTPUTS)),
    "signals": (SIGNALS_GROUP, (*topics.INPUTS, topics.REPARTITION)),
}
"""By short name: the group, and what it reads."""


class Skippable(NamedTuple):
    """A record that may be skipped."""

    record: Record
    metadata: str
    """What the group has committed beside the offset."""


async def skippable(settings: Settings, group: Group, topic: str, partition: int, offset: int) -> Skippable:
    """Return the record that stands in the way of the group. Raises RefusedError when it is not the next one, and BrokerError."""
    name, known = GROUPS[group]
    if topic not in known:
        raise RefusedError(f"the {group} group does not read {topic}; it reads {', '.join(known)}")
    await refuse_members(settings, name, group)
    place = TopicPartition(settings.topic(topic), partition)
    at, metadata = await _committed(settings, name, place)
    if at > offset:
        raise RefusedError(
            f"{topic}[{partition}]@{offset} lies behind the {group} group, which has read up to {at}"
        )
    between, record = _read(settings, place, at, offset)
    if record is None:
        raise RefusedError(
            f"there is no record at {topic}[{partition}]@{offset}: look at what the worker said last"
        )
    if between:
        raise RefusedError(
            f"{amount(between, 'record')} before {topic}[{partition}]@{offset} would be skipped too, since the {group} group has read up to "
            f"{at} only: start the worker once more, which goes up to the record that it names, and skip that one"
        )
    if group == "signals" and any(each.problems for each in await check(settings, [partition])):
        raise RefusedError(
            f"the states of partition {partition} lack more than this record: `behoudlijn state check --partition {partition}` says what"
        )
    return Skippable(record, metadata)


async def skip(settings: Settings, group: Group, found: Skippable) -> None:
    """Move the group behind the record, and leave a dead letter of it. Raises BrokerError, and RefusedError when a worker has come."""
    name, record = GROUPS[group][0], found.record
    await refuse_members(settings, name, group)
    _note(settings, group, record)
    if group == "signals":  # before the commit, so that this may be broken off and given again
        await accept_skipped(
            settings, settings.plain_topic(record.topic), record.partition, record.offset + 1
        )
    place = TopicPartition(record.topic, record.partition)
    consumer: Any = AIOKafkaConsumer(
        **settings.aiokafka_options(), group_id=settings.topic(name), enable_auto_commit=False
    )
    try:
        await consumer.start()
        consumer.assign([place])
        await consumer.commit({place: OffsetAndMetadata(record.offset + 1, found.metadata)})
    except (KafkaError, OSError) as error:
        raise unreachable(settings, error) from error
    finally:
        await consumer.stop()


def _note(settings: Settings, group: Group, record: Record) -> None:
    reject = Reject("invalid_field", f"an operator skipped it for the {group} group (`topics skip`)")
    letter = encode_dead_letter(Decoded(record, REJECTED_AT, None, reject, (), anonymous=False))
    sender = producer(settings)
    try:
        with kafka_errors(settings):
            sender.send(settings.topic(topics.DEAD_LETTERS), key=None, value=letter).get(timeout=60)
    finally:
        sender.close(timeout=10)


def _read(settings: Settings, place: Any, start: int, offset: int) -> tuple[int, Record | None]:
    """Return how many records lie from `start` up to the offset, and the record there."""
    between, position = 0, start
    with TopicReader(settings) as reader:
        while (
            position < offset and (found := reader.first(place.topic, place.partition, position)) is not None
        ):
            if found.offset >= offset:
                break
            between, position = between + 1, found.offset + 1
            if between > 1_000:
                break
        kept = reader.one(place.topic, place.partition, offset)
    return between, None if kept is None else kept[0]


async def _committed(settings: Settings, group: str, place: TopicPartition) -> tuple[int, str]:
    try:
        known = (await committed_by(settings.aiokafka_options(), settings.topic(group))).get(place)
    except (KafkaError, OSError) as error:
        raise unreachable(settings, error) from error
    return (0, "") if known is None else (known.offset, known.metadata)
