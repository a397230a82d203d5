"""Goes on, on purpose, with the states that are there: what is missing of them stays missing.

Owns what that writes: a claim of each partition, which says from now on that its states hold all that was committed. It must not change
a state.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas import topics
from streams.core.policy import Policy
from streams.operations.standing import INPUTS, refuse_members, standing
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.agreement import agreed_of
from streams.state.delivery import Deliveries
from streams.state.fencing import FencedChangelog
from streams.state.recovery import ChangelogReader


async def accept(settings: Settings, policy: Policy, numbers: Iterable[int]) -> None:
    """Go on with the states as they are: from now on they count as holding all that was committed.

    Raises RefusedError while members run, ChangelogError for a changelog that cannot be read, and what writing raises.
    """
    numbers = list(numbers)
    await refuse_members(settings, SIGNALS_GROUP, "signals")
    now = await standing(settings, numbers)
    deliveries = Deliveries(settings, lambda: None)
    await deliveries.start()
    try:
        topic = settings.topic(topics.CHANGELOG)
        async with ChangelogReader(topic, numbers, settings.aiokafka_options()) as reader:
            await reader.to_end()
            for number, reading in reader.readings.items():
                committed, store = now.committed[number], reading.store
                store.inputs = {name: committed.get(name, 0) for name in INPUTS}
                store.changelog_id = ""  # whichever it is when a worker starts
                store.changelog_start = now.logs[number][topics.CHANGELOG].start
                if not reading.known:
                    store.agreed, store.policy = agreed_of(settings, policy), policy.label
            await FencedChangelog(topic, settings, deliveries).claim(reader)
    finally:
        await deliveries.stop()
