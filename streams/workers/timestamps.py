"""Whether the brokers stamp the records that a worker reads, and keep its states: asked of the cluster at start; and stamps looked up in
what the sink reads.

Owns these checks and what they say. It must not alter a topic. Where producers stamp records, a clock that is wrong, or none at all,
would say how late it is: `time_bound` is the second line, for a topic that is altered under a running signals worker.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from schemas.topics import CHANGELOG
from streams.cluster.topics import TIMESTAMP_TYPE, TopicsError, differing, inspect, misset, wanted
from streams.settings import Settings
from streams.state.broker_time import OF_THE_BROKER

_CLEANUP: Final = "cleanup.policy"
"""Where it deletes, states go with the segments in which they were last written."""


class Stamped(Protocol):
    """What a Kafka client tells of a record's time (ms): the broker's, or its producer's."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def timestamp_type(self) -> int | None: ...


async def check_timestamps(settings: Settings, names: Iterable[str]) -> None:
    """Raise `TopicsError` when the topics `names` (without prefix) are not stamped by the brokers, or a changelog among them is not compacted
    alone; `BrokerError` when Kafka cannot be reached.

    A broker that does not report how its topics are set is believed to stamp: the embedded one does not, and is for trials.
    """
    found = {report.name: report.found for report in await asyncio.to_thread(inspect, settings)}
    changelog = settings.topic(CHANGELOG)
    needed = {settings.topic(name) for name in names}
    problems = [
        misset(topic, key, *pair)
        for topic in wanted(settings)
        if topic.name in needed and (there := found[topic.name]) is not None
        for key in (TIMESTAMP_TYPE, *([_CLEANUP] if topic.name == changelog else []))
        if (pair := differing(topic, there).get(key)) is not None
    ]
    if problems:
        raise TopicsError(problems)


def unbelieved(fetched: Sequence[Stamped], tolerance_ms: int) -> frozenset[int]:
    """Return the offsets of records that a producer, not the broker, has stamped further ahead of this machine's clock than the tolerance.

    The sink writes nothing to Kafka, so no answer tells it the brokers' time; what a broker has stamped it believes.
    """
    latest = time.time_ns() // 1_000_000 + tolerance_ms
    return frozenset(
        each.offset for each in fetched if each.timestamp > latest and each.timestamp_type != OF_THE_BROKER
    )
