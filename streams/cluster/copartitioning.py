"""Whether all topics have the number of partitions that the settings name; asked of the cluster at start, and while a worker runs.

Owns this check and what it says. It must not make or change a topic. With another number the home of a
customer would be computed wrongly, and events sent to where nobody looks for them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from schemas import topics
from streams.settings import Settings
from streams.telemetry.amounts import amount

TOPICS: Final = (
    *topics.INPUTS,
    topics.TRIGGERS,
    topics.SHADOW_TRIGGERS,
    topics.SIGNALS,
    topics.CHANGELOG,
    topics.REPARTITION,
)
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 1.0
"""A topic that was just made is not known to every broker at once."""


class PartitionsError(Exception):
    """A topic is absent, or has another number of partitions; the message has what to do."""


async def check_partitions(metadata: Callable[[], Awaitable[Any]], settings: Settings) -> None:
    """Raise `PartitionsError` when the topics do not fit. `metadata` asks the cluster (`Deliveries.metadata`)."""
    for tries_left in reversed(range(_TRIES)):
        cluster = await metadata()
        found = {name: len(cluster.partitions_for_topic(settings.topic(name)) or ()) for name in TOPICS}
        if all(found.values()) or not tries_left:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    problem = problem_of(found, settings)
    if problem:
        raise PartitionsError(problem)


def problem_of(found: Mapping[str, int], settings: Settings) -> str:
    """Return what is wrong with these numbers of partitions (0: no such topic); empty when they fit."""
    absent = [settings.topic(name) for name, number in found.items() if not number]
    if absent:
        return (
            f"there is no topic {', '.join(absent)}, or we may not read it: run `behoudlijn topics ensure`, "
            "or check BEHOUDLIJN_TOPIC_PREFIX and our rights"
        )
    others = {settings.topic(name): number for name, number in found.items() if number != settings.partitions}
    if others:
        return (
            f"every topic must have {amount(settings.partitions, 'partition')}, but "
            f"{', '.join(f'{topic} has {number}' for topic, number in others.items())}. Where nothing runs yet, set "
            "BEHOUDLIJN_PARTITIONS to what all topics have, or make those topics anew. Partitions that were added cannot be taken "
            "away, and part customers from their states: move to new topics with `behoudlijn topics migrate` (docs/scaling.md)"
        )
    return ""


def refuse_changed(settings: Settings, found: Mapping[str, int]) -> None:
    """Raise `PartitionsError` when topics, by full name, have other numbers of partitions; one that is not found is another matter."""
    there = {name: number for name in TOPICS if (number := found.get(settings.topic(name)))}
    problem = problem_of(there, settings)
    if problem:
        raise PartitionsError(problem)
