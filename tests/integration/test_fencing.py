"""A partition of the changelog passes to another worker, and the first one still writes: on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, NamedTuple

import pytest

from schemas import topics
from streams.cluster.topics import ensure
from streams.core.state import NEVER, State, encode
from streams.settings import Settings
from streams.state.changelog import PARTITION_KEY, Sending, decode_entry
from streams.state.delivery import BATCH_BYTES, Deliveries, EffectsError
from streams.state.fencing import Change, FencedChangelog
from streams.state.recovery import ChangelogReader, Recovered, recover
from streams.state.store import SignalsStore
from tests.integration.conftest import Broker
from tests.integration.worker_program import read_all, settings_of

SAID = [Sending("trigger", "live", "c1", 1_700_000_000_000, b'{"trigger_id":"t","sequence":1}', "t.1")]


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an asynchronous test, with its fixtures."""

    @wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        asyncio.run(test(*arguments, **fixtures))  # type: ignore[arg-type]

    return run


def state(newest: int) -> bytes:
    return encode(State(newest=newest))


class Writer(NamedTuple):
    """One worker's hold on partition 0, without the group that would stop it."""

    settings: Settings
    fenced: FencedChangelog
    deliveries: Deliveries
    recovered: Recovered
    foreign: list[int]

    @property
    def store(self) -> SignalsStore:
        return self.recovered.store

    async def write(self, said: list[Sending] | None = None, **states: int | None) -> None:
        """One batch: a state by its newest time, None for a customer who left."""
        changed = {c: None if newest is None else state(newest) for c, newest in states.items()}
        number = self.store.batch + 1
        changes = {c: None if s is None else Change(s, said or ()) for c, s in changed.items()}
        await self.fenced.write(self.store, changes, number, max(n or 0 for n in states.values()), "p@1")
        self.store.apply(number, changed, set(), outputs=bool(said))


@asynccontextmanager
async def owner(settings: Settings) -> AsyncIterator[Writer]:
    """Takes partition 0 over, as a worker does after a rebalance."""
    topic = settings.topic(topics.CHANGELOG)
    deliveries = Deliveries(settings, lambda: None)
    await deliveries.start()
    try:
        foreign: list[int] = []
        fenced = FencedChangelog(topic, settings, deliveries, foreign.append)
        async with ChangelogReader(SignalsStore, topic, [0], settings.aiokafka_options()) as reader:
            await reader.to_end()
            await fenced.claim(reader)
        yield Writer(settings, fenced, deliveries, reader.readings[0].finish(), foreign)
    finally:
        await deliveries.stop()


async def read_back(settings: Settings) -> Recovered:
    (recovered,) = await recover(settings.topic(topics.CHANGELOG), [0], settings.aiokafka_options())
    return recovered


@pytest.fixture
def settings(broker: Broker, unique: str) -> Settings:
    chosen = settings_of(broker, unique, partitions=1)
    ensure(chosen)
    return chosen


@in_loop
async def test_the_next_owner_goes_on_where_the_first_one_stopped(settings: Settings) -> None:
    async with owner(settings) as first:
        assert (first.store.batch, first.store.clock.now) == (0, NEVER)
        await first.write(SAID, c1=1)
    async with owner(settings) as second:
        assert second.store.states == {"c1": state(1)}
        assert second.recovered.unsent == SAID, "a claim says nothing of what was delivered"
        await second.write(c2=2)
    recovered = await read_back(settings)
    assert recovered.store.states == {"c1": state(1), "c2": state(2)}
    assert recovered.unsent == []


@in_loop
async def test_the_first_one_ends_at_its_next_write(settings: Settings) -> None:
    async with owner(settings) as first, owner(settings) as second:
        await second.write(c1=2)
        with pytest.raises(EffectsError, match="taken over"):
            await first.write(SAID, c1=1)
        recovered = await read_back(settings)
        assert recovered.store.states == {"c1": state(2)}, "what it wrote before it noticed does not count"
        assert recovered.unsent == []


@in_loop
async def test_late_writes_are_set_right_by_the_owners_next_batch(settings: Settings) -> None:
    async with owner(settings) as first:
        await first.write(c1=1, c2=1, gone=1)
        async with owner(settings) as second:
            await second.write(c1=2, gone=None)
            with pytest.raises(EffectsError, match="taken over"):
                await first.write(SAID, c1=10, c2=None, c3=10, gone=10)
            await second.write(c4=3)
            assert second.foreign == [5], "four customers and the partition's own record"
            expected = {"c1": state(2), "c2": state(1), "c4": state(3)}
            recovered = await read_back(settings)
            assert recovered.store.states == expected
            assert recovered.store.clock.now == 3
            assert await latest_values(settings) == expected, (
                "so compaction may keep only the last of each key"
            )


async def latest_values(settings: Settings) -> dict[str, bytes]:
    """The states that a compacted log would hold, whoever wrote them."""
    latest: dict[bytes, bytes | None] = {}
    for record in (await read_all(settings, topics.CHANGELOG))[topics.CHANGELOG]:
        assert record.key is not None
        latest[record.key] = record.value
    return {
        key.decode(): decode_entry(value).state
        for key, value in latest.items()
        if value is not None and key != PARTITION_KEY
    }


@in_loop
async def test_a_late_write_into_a_large_batch_is_set_right_too(settings: Settings) -> None:
    """The batch is written in several pieces; what lies before the first of them is seen all the same."""
    async with owner(settings) as first:
        await first.write(c1=1)
        async with owner(settings) as second:
            with pytest.raises(EffectsError, match="taken over"):
                await first.write(c1=10, late=10)
            many = {f"m{n}": n for n in range(20_000)}
            assert sum(len(c) + len(state(n)) for c, n in many.items()) > BATCH_BYTES, "or it is one piece"
            await second.write(**many)
            recovered = await read_back(settings)
            assert recovered.store.states == {"c1": state(1)} | {c: state(n) for c, n in many.items()}
            assert recovered.store.batch == 2


@in_loop
async def test_of_two_who_claim_at_once_one_ends_up_with_the_partition(settings: Settings) -> None:
    """Both have read the log to the same end, so that their claims have the same epoch."""
    topic = settings.topic(topics.CHANGELOG)
    async with owner(settings) as writer:
        await writer.write(c1=1)
        mine, other = (FencedChangelog(topic, settings, writer.deliveries) for _ in range(2))
        async with (
            ChangelogReader(SignalsStore, topic, [0], settings.aiokafka_options()) as my_reader,
            ChangelogReader(SignalsStore, topic, [0], settings.aiokafka_options()) as other_reader,
        ):
            await my_reader.to_end()
            await other_reader.to_end()
            await mine.claim(my_reader)
            await other.claim(other_reader)
        assert other_reader.readings[0].epoch == my_reader.readings[0].epoch + 1, "it lost, and claimed anew"
        late = my_reader.readings[0].finish().store
        with pytest.raises(EffectsError, match="taken over"):
            await mine.write(late, {"c1": Change(state(5), ())}, late.batch + 1, 5, "p@1")
        assert (await read_back(settings)).store.states == {"c1": state(1)}
