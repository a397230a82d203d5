"""Where a group stands: its members, what it has committed, where its logs begin and end, and whether they are those that it has read.

Owns asking Kafka for it, for tools that look at states or change them while no worker runs. It must not change anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas import topics
from streams.cluster.groups import committed_by, members_of
from streams.cluster.placed_reader import reading_from
from streams.cluster.topic_reader import BrokerError
from streams.cluster.topics import topic_ids
from streams.lane.log_moves import differ
from streams.settings import SIGNALS_GROUP, Settings

INPUTS = (*topics.INPUTS, topics.REPARTITION)
"""What a signals worker reads, in the order in which it is merged."""


class RefusedError(Exception):
    """It is not safe to change the states or positions of a group now; the message says what to do first. Nothing was changed."""


class Log(NamedTuple):
    """One partition of a topic: where it begins and where it ends, in offsets."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one group. Logs and positions by partition and topic, without prefix."""

    members: int
    committed: Mapping[int, Mapping[str, int]]
    logs: Mapping[int, Mapping[str, Log]]
    anew: Mapping[int, frozenset[str]]
    """Topics whose log is not the one of which the group has committed. A worker reads them from their beginning."""
    changelog_id: str
    """Kafka's; empty where the brokers have no ids, or the changelog was not asked for."""

    def read(self, number: int, name: str) -> int:
        """Return up to where the group has read what the log of this topic holds now; 0 where it has committed nothing."""
        offset = self.committed[number].get(name, 0)
        return min(offset, self.logs[number][name].start) if name in self.anew[number] else offset


async def standing(
    settings: Settings, numbers: Iterable[int], names: Iterable[str] = (*INPUTS, topics.CHANGELOG)
) -> Standing:
    """Return where the signals group stands with the partitions `numbers` of the topics `names`. Raises BrokerError."""
    numbers, names = list(numbers), list(names)
    places = {
        (number, name): TopicPartition(settings.topic(name), number) for number in numbers for name in names
    }
    try:
        group, options = settings.topic(SIGNALS_GROUP), settings.aiokafka_options()
        members, committed = await members_of(options, group), await committed_by(options, group)
        starts, ends = await _bounds(settings, list(places.values()))
        ids = await asyncio.to_thread(topic_ids, settings, list(map(settings.topic, names)))
    except (KafkaError, OSError) as error:
        raise unreachable(settings, error) from error
    logs = {key: Log(starts[at], ends[at]) for key, at in places.items()}
    left = {key: committed[at] for key, at in places.items() if at in committed}
    anew = {key for key, each in left.items() if is_anew(each, logs[key], ids.get(places[key].topic, ""))}
    return Standing(
        len(members),
        {
            number: {name: left[number, name].offset for name in names if (number, name) in left}
            for number in numbers
        },
        {number: {name: logs[number, name] for name in names} for number in numbers},
        {number: frozenset(name for name in names if (number, name) in anew) for number in numbers},
        ids.get(settings.topic(topics.CHANGELOG), ""),
    )


def is_anew(committed: OffsetAndMetadata, log: Log, topic_id: str) -> bool:
    """Return whether a log is another one than was committed: its topic was made anew (workers commit the id of the topic that they read),
    or it ends before that offset.
    """
    return committed.offset > log.end or differ(committed.metadata, topic_id)


async def refuse_members(settings: Settings, group: str, worker: str) -> None:
    """Raise RefusedError while workers take part in `group`, BrokerError when nobody answers."""
    try:
        members = await members_of(settings.aiokafka_options(), settings.topic(group))
    except (KafkaError, OSError) as error:
        raise unreachable(settings, error) from error
    if members:
        raise RefusedError(
            f"{worker} workers of group {settings.topic(group)} still run ({len(members)}), or ended less than "
            "the session time-out ago: stop them first"
        )


async def _bounds(settings: Settings, places: list[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
    async with reading_from(settings.aiokafka_options(), dict.fromkeys(places, 0)) as consumer:
        return await consumer.beginning_offsets(places), await consumer.end_offsets(places)


def unreachable(settings: Settings, error: Exception) -> BrokerError:
    """Return what to raise for an error of the client."""
    return BrokerError(
        f"Kafka at {settings.kafka_bootstrap}: {type(error).__name__}: {error}. Check BEHOUDLIJN_KAFKA_BOOTSTRAP, the security settings, "
        "and that the broker runs."
    )
