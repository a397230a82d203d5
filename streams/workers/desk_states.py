"""What is peculiar to desks when they are recovered: by which rules each goes, and what of its inputs must be read before it is live.

Owns asking Kafka where the inputs end. The recovery itself is `recovery`'s.
"""

from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from streams.core.policy import Policy
from streams.core.release.plan import ReleaseRules
from streams.settings import Settings
from streams.state.desk_store import DeskStore

log = structlog.get_logger(__name__)

INPUTS = (topics.CANDIDATES, topics.COMMANDS)
"""What a desk reads; at the same brokers' time, candidates first."""
_NO_DESK = ReleaseRules({}, {}, {}, frozenset())
"""Of a partition that the policy gives to no desk: whatever is asked there is refused."""


class DeskStates:
    """Of one release worker."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        self._settings = settings
        self._rules = [policy.release_rules[desk] for desk in policy.desks]

    def new(self, number: int) -> DeskStore:
        """Return the store of a desk of which nothing is known yet."""
        return DeskStore(number, self._rules[number] if number < len(self._rules) else _NO_DESK)

    @property
    def desks(self) -> int:
        """How many desks the policy has."""
        return len(self._rules)

    async def check(self, stores: Sequence[DeskStore]) -> None:
        """Note where the inputs of the desks end now. Raises the client's error when nobody answers."""
        places = {
            (store.number, name): TopicPartition(self._settings.topic(name), store.number)
            for store in stores
            for name in INPUTS
        }
        consumer = AIOKafkaConsumer(**self._settings.aiokafka_options(), enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(places.values()))
        finally:
            await consumer.stop()
        for store in stores:
            store.taken_over = True
            store.starting = {name: ends[places[store.number, name]] for name in INPUTS}
            # A log that ends before what was judged of it was made anew since: nothing that it holds was judged.
            anew = {name: 0 for name, end in store.starting.items() if store.inputs.get(name, 0) > end}
            store.inputs = {**store.inputs, **anew}

    async def resume(self, store: DeskStore) -> None:
        """Nothing has to be done once."""

    def recovered(self, stores: Sequence[DeskStore], kept: int, resent: int, seconds: float) -> None:
        """Tell of a recovery: how many stores had been kept, and how many outputs were published by it."""
        log.info(
            "desks recovered",
            partitions=len(stores),
            kept=kept,
            states=sum(len(store.states) for store in stores),
            resent=resent,
            seconds=round(seconds, 3),
        )
