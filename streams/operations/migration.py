"""Moves the customers of one installation to another with a different number of partitions, by their states.

Owns the conditions under which that is safe, and that every state arrives byte for byte. Words about numbers go along, since lists are
compared with them. It publishes nothing and
changes nothing of the source. The target is an installation under another prefix: its topics have the new number
from the beginning, so that a customer's events and state never lie apart.

What the old workers cannot finish (they refuse topics to which partitions were added) is carried over when that is asked for: unread
records first, then the states, and with them the outputs that may not have been published. So states under the new prefix say that
all is there. Before they do, everything may be broken off and done again, since events count once by their id.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Final, NamedTuple

from schemas import topics
from streams.cluster import codecs
from streams.cluster.groups import committed_by, members_of
from streams.cluster.partitioning import partition_of
from streams.core.erasure import is_reserved, united
from streams.core.objections import united_objections
from streams.operations.carrying import Unread, carry, unread
from streams.operations.objections import copy_words
from streams.policies import load_policy
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.agreement import agreed_of
from streams.state.changelog import ChangelogError, Sending
from streams.state.delivery import Deliveries
from streams.state.fencing import Change, FencedChangelog
from streams.state.recovery import ChangelogReader, recover
from streams.state.store import SignalsStore
from streams.telemetry.amounts import amount

_PIECE: Final = 10_000
"""States in one write."""


class MigrationError(Exception):
    """It is not safe to move the states now; the message says what to do first. Nothing was changed."""


class Moved(NamedTuple):
    """What was moved. `clock` is the partition time (ms) with which all new partitions begin, `carried` counts records."""

    customers: int
    clock: int
    before: int
    after: int
    carried: int


async def migrate(
    source: Settings,
    target: Settings,
    *,
    carry_over: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Moved:
    """Copy every customer's state to the partition that is theirs in `target`; durable and compared on return.

    The source's workers must have stopped with everything read and published, and those of `target` must not have begun. `carry_over`:
    copy what was not read, and let the new workers publish what may not have been; `tell` hears how many records were copied.
    Raises MigrationError when it is not safe, BrokerError, and what reading and writing a changelog raises.
    """
    if problem := codecs.problem():
        raise MigrationError(problem)
    await _refuse_running(source)
    await _refuse_begun(target)
    left = await unread(source)
    if left.positions and not carry_over:
        raise MigrationError(_advice(left))
    changelog = source.topic(topics.CHANGELOG)
    recovered = await recover(changelog, left.changelog, source.aiokafka_options())
    unsent = [sending for part in recovered for sending in part.unsent]
    if unsent and not carry_over:
        raise MigrationError(
            f"{amount(len(unsent), 'output')} of the last batches may not have been published. Start the signals worker on the "
            "old prefix, leave it alone for half a minute, stop it, and begin again; where it cannot start, give --carry-over, and "
            "the workers of the new prefix publish them"
        )
    # Whoever was decided at a partition's time is never decided at an earlier one, so the latest counts for all.
    clock = max(part.store.clock.now for part in recovered)
    moved = placed((part.store.states for part in recovered), target.partitions)
    _refuse_others(await _states(target), moved, target)
    carried = await carry(source, target, left.positions, tell) if left.positions else 0
    await asyncio.to_thread(copy_words, source, target)
    await write_states(target, {number: (states, clock) for number, states in moved.items()}, unsent)
    if await _states(target) != moved:
        raise ChangelogError(
            f"{target.topic(topics.CHANGELOG)} does not hold the states that were written to it: has something "
            "else written there? Delete the topics of the new prefix, look for it, and begin again"
        )
    customers = sum(part.store.customers for part in recovered)
    return Moved(customers, clock, source.partitions, target.partitions, carried)


def placed(parts: Iterable[Mapping[str, bytes]], partitions: int) -> dict[int, dict[str, bytes]]:
    """Return the states of all `parts` in the partitions where they belong among so many.

    A marker of an erased customer goes to every partition: it does not tell whose it is, and where it is not needed it
    covers nobody, until its time is over. So does what is known of a number. Of several for one customer, or number, the greatest counts.
    """
    moved: dict[int, dict[str, bytes]] = {number: {} for number in range(partitions)}
    every = list(parts)
    for states in every:
        for key, data in states.items():
            if not is_reserved(key):
                moved[partition_of(key.encode(), partitions)][key] = data
    markers = united(every) | united_objections(every)
    for home in moved.values():
        home.update(markers)
    return moved


async def write_states(
    settings: Settings,
    partitions: Mapping[int, tuple[dict[str, bytes], int]],
    unsent: Iterable[Sending] = (),
) -> None:
    """Write states by customer, with partition time (ms), into changelog partitions; whose worker publishes `unsent` before anything else.

    It claims the partitions, as a worker does. Raises EffectsError when a record is not delivered.
    """
    topic, policy = settings.topic(topics.CHANGELOG), load_policy(settings.policy)
    outboxes: dict[int, dict[str, list[Sending]]] = defaultdict(lambda: defaultdict(list))
    for sending in unsent:
        home = partition_of(sending.key.encode(), settings.partitions)
        outboxes[home][sending.key].append(sending)
    deliveries = Deliveries(settings, lambda: None)
    fenced = FencedChangelog(topic, settings, deliveries)
    await deliveries.start()
    try:
        async with ChangelogReader(SignalsStore, topic, partitions, settings.aiokafka_options()) as reader:
            await reader.to_end()
            await fenced.claim(reader)
        for number, (states, clock) in partitions.items():
            store = SignalsStore(number)
            store.agreed = agreed_of(settings, policy)
            own = outboxes[number]
            customers = list(dict.fromkeys(chain(states, own)))  # one who has left may have an output yet
            for start in range(0, max(1, len(customers)), _PIECE):
                changes = {
                    customer: Change(states.get(customer, b""), own.get(customer, ()))
                    for customer in customers[start : start + _PIECE]
                }
                await fenced.write(store, changes, 1, clock, policy.label)
    finally:
        await deliveries.stop()


async def _states(settings: Settings) -> dict[int, dict[str, bytes]]:
    parts = await recover(
        settings.topic(topics.CHANGELOG), range(settings.partitions), settings.aiokafka_options()
    )
    return {part.store.number: part.store.states for part in parts}


def _refuse_others(
    there: Mapping[int, dict[str, bytes]], moved: Mapping[int, dict[str, bytes]], target: Settings
) -> None:
    """Refuse states of the target, but for those that an attempt which broke off has left."""
    others = sum(len(states.items() - moved[number].items()) for number, states in there.items())
    if others:
        raise MigrationError(
            f"{target.topic(topics.CHANGELOG)} holds {amount(others, 'state')} already that are not those of the old prefix: choose a "
            "prefix that is new"
        )


async def _refuse_running(source: Settings) -> None:
    group = source.topic(SIGNALS_GROUP)
    members = await members_of(source.aiokafka_options(), group)
    if members:
        raise MigrationError(
            f"signals workers of group {group} still run ({len(members)}): stop them when they have read everything"
        )


async def _refuse_begun(target: Settings) -> None:
    group, options = target.topic(SIGNALS_GROUP), target.aiokafka_options()
    if await members_of(options, group) or await committed_by(options, group):
        raise MigrationError(
            f"signals workers of group {group} have begun with the new prefix already: choose a prefix that is new"
        )


def _advice(left: Unread) -> str:
    """Return why states must not be moved without what is unread, and what to do."""
    said = f"the signals worker has not read everything of {', '.join(left.places())}"
    if left.grown:
        return (
            f"{said}, and cannot, since partitions were added to the topics. Stop the producers, and begin again with --carry-over: it copies "
            "what is unread to the new topics (docs/scaling.md)"
        )
    return (
        f"{said}. Stop the producers to the old prefix, let the worker catch up (its lag is 0), stop it, and begin again; where it cannot, "
        "--carry-over copies what is unread to the new topics"
    )
