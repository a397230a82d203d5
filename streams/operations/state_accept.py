"""Goes on, on purpose, with the states that are there: what is missing of them stays missing.

Owns what that writes: a claim of each partition, which says from now on that its states hold all that was committed. It must not change
a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from schemas import topics
from streams.core.policy import Policy
from streams.operations.standing import INPUTS, refuse_members, standing
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.agreement import agreed_of
from streams.state.delivery import Deliveries
from streams.state.fencing import FencedChangelog
from streams.state.recovery import ChangelogReader, Reading
from streams.state.store import SignalsStore


async def accept(settings: Settings, policy: Policy, numbers: Iterable[int]) -> None:
    """Go on with the states as they are: from now on they count as holding all that was committed.

    Raises RefusedError while members run, ChangelogError for a changelog that cannot be read, and what writing raises.
    """
    numbers = list(numbers)
    await refuse_members(settings, SIGNALS_GROUP, "signals")
    now = await standing(settings, numbers)

    def whole(reading: Reading[SignalsStore]) -> None:
        store = reading.store
        committed = now.committed[store.number]
        store.inputs = {name: committed.get(name, 0) for name in INPUTS}
        store.changelog_id = ""  # whichever it is when a worker starts
        store.changelog_start = now.logs[store.number][topics.CHANGELOG].start
        if not reading.known:
            store.agreed, store.policy = agreed_of(settings, policy), policy.label

    await _claim(settings, numbers, whole)


async def accept_skipped(settings: Settings, topic: str, number: int, end: int) -> None:
    """Let the states of a partition count as holding one input up to `end`, and nothing else otherwise than they did. Raises as `accept`."""

    def skipped(reading: Reading[SignalsStore]) -> None:
        reading.store.inputs = {**reading.store.inputs, topic: end}

    await _claim(settings, [number], skipped)


async def _claim(
    settings: Settings, numbers: list[int], change: Callable[[Reading[SignalsStore]], None]
) -> None:
    deliveries = Deliveries(settings, lambda: None)
    await deliveries.start()
    try:
        topic = settings.topic(topics.CHANGELOG)
        async with ChangelogReader(SignalsStore, topic, numbers, settings.aiokafka_options()) as reader:
            await reader.to_end()
            for reading in reader.readings.values():
                change(reading)
            await FencedChangelog(topic, settings, deliveries).claim(reader)
    finally:
        await deliveries.stop()
