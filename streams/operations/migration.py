"""Moves the customers of one installation to another with a different number of partitions, by their states.

Owns the conditions under which that is safe, and that every state arrives byte for byte. It publishes nothing and
changes nothing of the source. The target is an installation under another prefix: its topics have the new number
from the beginning, so that a customer's events and state never lie apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import topics
from streams.cluster import codecs
from streams.cluster.groups import committed_by, members_of
from streams.cluster.partitioning import partition_of
from streams.cluster.placed_reader import reading_from
from streams.cluster.reading import SilenceError, read_to_ends
from streams.core.erasure import is_marker, united
from streams.policies import load_policy
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.agreement import agreed_of
from streams.state.changelog import ChangelogError
from streams.state.delivery import Deliveries
from streams.state.fencing import Change, FencedChangelog
from streams.state.recovery import ChangelogReader, Recovered, recover
from streams.state.store import PartitionStore
from streams.telemetry.amounts import amount

_PIECE: Final = 10_000
"""States in one write."""
_SILENT_SECONDS: Final = 30.0


class MigrationError(Exception):
    """It is not safe to move the states now; the message says what to do first. Nothing was changed."""


class Moved(NamedTuple):
    """What was moved. `clock` is the partition time (ms) with which all new partitions begin."""

    customers: int
    clock: int
    before: int
    after: int


async def migrate(source: Settings, target: Settings) -> Moved:
    """Copy every customer's state to the partition that is theirs in `target`; durable and compared on return.

    The source's workers must have stopped with everything read and published, and `target` must hold no state.
    Raises MigrationError when that is not so, and what reading and writing a changelog raises.
    """
    if problem := codecs.problem():
        raise MigrationError(problem)
    await _refuse_unfinished(source)
    recovered = await recover(
        source.topic(topics.CHANGELOG), range(source.partitions), source.aiokafka_options()
    )
    _refuse_unsent(recovered)
    _refuse_states(await _states(target), target)
    # Whoever was decided at a partition's time is never decided at an earlier one, so the latest counts for all.
    clock = max(part.store.clock.now for part in recovered)
    moved = placed((part.store.states for part in recovered), target.partitions)
    await write_states(target, {number: (states, clock) for number, states in moved.items()})
    if await _states(target) != moved:
        raise ChangelogError(
            f"{target.topic(topics.CHANGELOG)} does not hold the states that were written to it: has something "
            "else written there? Delete the topics of the new prefix, look for it, and begin again"
        )
    customers = sum(part.store.customers for part in recovered)
    return Moved(customers, clock, source.partitions, target.partitions)


def placed(parts: Iterable[Mapping[str, bytes]], partitions: int) -> dict[int, dict[str, bytes]]:
    """Return the states of all `parts` in the partitions where they belong among so many.

    A marker of an erased customer goes to every partition: it does not tell whose it is, and where it is not needed it
    covers nobody, until its time is over. Of several for one customer the greatest times count.
    """
    moved: dict[int, dict[str, bytes]] = {number: {} for number in range(partitions)}
    every = list(parts)
    for states in every:
        for key, data in states.items():
            if not is_marker(key):
                moved[partition_of(key.encode(), partitions)][key] = data
    markers = united(every)
    for home in moved.values():
        home.update(markers)
    return moved


async def write_states(settings: Settings, partitions: Mapping[int, tuple[dict[str, bytes], int]]) -> None:
    """Write states by customer, with partition time (ms), into changelog partitions that hold none yet.

    It claims the partitions, as a worker does. Raises EffectsError when a record is not delivered.
    """
    topic, policy = settings.topic(topics.CHANGELOG), load_policy(settings.policy)
    deliveries = Deliveries(settings, lambda: None)
    fenced = FencedChangelog(topic, settings, deliveries)
    await deliveries.start()
    try:
        async with ChangelogReader(topic, partitions, settings.aiokafka_options()) as reader:
            await reader.to_end()
            await fenced.claim(reader)
        for number, (states, clock) in partitions.items():
            store = PartitionStore(number)
            store.agreed = agreed_of(settings, policy)
            customers = list(states)
            for start in range(0, max(1, len(customers)), _PIECE):
                changes = {c: Change(states[c], ()) for c in customers[start : start + _PIECE]}
                await fenced.write(store, changes, 1, clock, policy.label)
    finally:
        await deliveries.stop()


async def _states(settings: Settings) -> dict[int, dict[str, bytes]]:
    parts = await recover(
        settings.topic(topics.CHANGELOG), range(settings.partitions), settings.aiokafka_options()
    )
    return {part.store.number: part.store.states for part in parts}


def _refuse_unsent(recovered: list[Recovered]) -> None:
    unsent = sum(len(part.unsent) for part in recovered)
    if unsent:
        raise MigrationError(
            f"{amount(unsent, 'output')} of the last batches may not have been published. Start the signals worker on the "
            "old prefix, leave it alone for half a minute, stop it, and begin again"
        )


def _refuse_states(states: Mapping[int, dict[str, bytes]], target: Settings) -> None:
    there = sum(map(len, states.values()))
    if there:
        raise MigrationError(
            f"{target.topic(topics.CHANGELOG)} holds {amount(there, 'state')} already: choose a prefix that is new, or "
            "delete its topics if an earlier attempt broke off"
        )


async def _refuse_unfinished(source: Settings) -> None:
    group, options = source.topic(SIGNALS_GROUP), source.aiokafka_options()
    members = await members_of(options, group)
    if members:
        raise MigrationError(
            f"signals workers of group {group} still run ({len(members)}): stop them when they have read everything"
        )
    committed = await committed_by(options, group)
    unread = await _unread(source, {place: each.offset for place, each in committed.items()})
    if unread:
        raise MigrationError(
            f"the signals worker has not read everything of {', '.join(unread)}. Stop the producers to the old "
            "prefix, let the worker catch up (its lag is 0), stop it, and begin again"
        )


async def _unread(source: Settings, committed: Mapping[Any, int]) -> list[str]:
    """Input topics with records behind what is committed, as fetches tell it."""
    places = [
        TopicPartition(source.topic(name), number)
        for name in (*topics.INPUTS, topics.REPARTITION)
        for number in range(source.partitions)
    ]
    positions = {place: committed.get(place, 0) for place in places}
    unread: set[str] = set()
    left: dict[Any, int | None] = dict.fromkeys(places)
    try:
        async with reading_from(source.aiokafka_options(), positions) as consumer:
            async for fetched in read_to_ends(consumer, left, most=1, silent_seconds=_SILENT_SECONDS):
                for place in fetched:
                    unread.add(place.topic)
                    left.pop(place, None)
        return sorted(unread)
    except SilenceError as error:
        raise MigrationError(
            f"nothing is heard of {amount(len(error.left), 'partition')}, the first of {error.left[0].topic}: is there a leader?"
        ) from None
    except KafkaError as error:
        raise MigrationError(
            f"Kafka at {source.kafka_bootstrap}: {type(error).__name__}: {error}. Check the brokers and the topics"
        ) from error
