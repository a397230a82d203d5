"""Rebuilds the states of partitions, on purpose: from what the topics hold, with what was said to the world, while no worker runs.

Owns the order. How a state is put together is `streams.core.rebuilding`; when it may be done, and what it would do, `repair_prospect`. It
publishes nothing and commits nothing: what lies behind the committed positions is the worker's to decide. It may be killed at any time
and run again: no worker starts from a partition whose repair has not ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition

from schemas import topics
from sinks.contract import Erased
from streams.cluster.partitioning import partition_of
from streams.cluster.placed_reader import reading_from
from streams.cluster.reading import read_to_ends
from streams.cluster.topics import COMPACTED
from streams.core.erasure import Erasure, is_reserved, markers_of, united
from streams.core.objections import united_objections
from streams.core.policy import Policy
from streams.core.rebuilding import rebuilt
from streams.core.replay import Replay
from streams.core.said import Told
from streams.core.state import NEVER
from streams.core.wording import Wording
from streams.operations.input_replay import InputReplay
from streams.operations.refused_records import RefusedRecords, read_refused
from streams.operations.repair_prospect import changelog_of
from streams.operations.standing import INPUTS, RefusedError, Standing, refuse_members, standing
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.agreement import agreed_of
from streams.state.broker_time import BrokerTime, most_ahead_ms
from streams.state.changelog import PARTITION_KEY, ChangelogError
from streams.state.delivery import Deliveries
from streams.state.fencing import Change, FencedChangelog, as_text
from streams.state.recovery import ChangelogReader, Reading
from streams.state.store import SignalsStore
from streams.telemetry.amounts import amount

_PIECE: Final = 10_000
"""States in one write."""
_SAID: Final = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.SIGNALS)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a repair of one partition did. `time`: partition time in ms, none without an event."""

    partition: int
    events: int
    ahead: int
    customers: int
    markers: int
    untold: int
    """Records of outputs that this release could not read."""
    time: int | None


class Repair:
    """The repair of partitions by one policy. `erased`: by hash, who was erased, as ClickHouse remembers it."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        wording: Wording,
        erased: Mapping[str, Erased],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._wording = wording
        self._erased = erased
        self._tell = tell
        self._erasure: Erasure = settings.erasure()

    async def run(self, numbers: Iterable[int]) -> list[Rebuilt]:
        """Repair the partitions, one after another; durable and compared on return.

        Raises RefusedError, ErasureError without the markers' key, EffectsError when a record is not delivered, and what reading raises.
        """
        numbers = list(numbers)
        refused = await asyncio.to_thread(read_refused, self._settings)
        deliveries = Deliveries(self._settings, lambda: None)
        await deliveries.start()
        try:
            done = []
            for number in numbers:
                await refuse_members(self._settings, SIGNALS_GROUP, "signals")
                done.append(await self._partition(number, deliveries, refused))
            return done
        finally:
            await deliveries.stop()

    async def _partition(self, number: int, deliveries: Deliveries, refused: RefusedRecords) -> Rebuilt:
        now = await standing(self._settings, [number], (*INPUTS, topics.CHANGELOG, *_SAID))
        async with changelog_of(self._settings, [number]) as reader:
            await reader.to_end()
            (part,) = reader.finish()
            reading, old = reader.readings[number], dict(part.store.states)
            unsent = {sending.key for sending in part.unsent}
            if part.store.repairing:  # one that broke off: nobody can tell any more what was not published
                unsent = set(old)
            if reading.unreadable or not reading.known:  # else it stays as it is until it is written
                reading.store.repairing = True
            clock = BrokerTime()
            fenced = FencedChangelog(
                self._settings.topic(topics.CHANGELOG), self._settings, deliveries, broker_time=clock
            )
            await fenced.claim(reader)  # the brokers tell their time to those who write
            bound = clock.now(number) + most_ahead_ms(self._settings.reading().tolerance_ms)
            upto = {name: now.read(number, name) for name in INPUTS}
            replay = Replay(self._policy, self._erasure, self._markers(old, bound), self._wording)
            self._erasure.check(replay.states)
            source = InputReplay(self._settings, number, upto, bound, refused)
            await source.run(
                replay, lambda events: self._tell(f"partition {number}: {amount(events, 'event')} read")
            )
            told, told_since = await self._told(number, now)
            pending = bool(unsent) or any(now.logs[number][name].end > upto[name] for name in INPUTS)
            if not pending or replay.clock.now == NEVER:
                self._pass_time(replay, told, bound, reading)
            states = rebuilt(
                replay,
                told,
                old,
                self._policy,
                bound=bound,
                told_since=told_since,
                whole=not now.anew[number]
                and all(
                    now.logs[number][name].start == 0 for name in upto if upto[name] and name not in COMPACTED
                ),
                pending=pending,
                unsent=unsent,
            )
            self._tell(f"partition {number}: {amount(len(states), 'state')} to write")
            store = self._store(reading, states, upto, now.logs[number][topics.CHANGELOG].start)
            await self._write(reader, fenced, store, replay.clock.now)
        markers = sum(map(is_reserved, states))
        at = replay.clock.now
        return Rebuilt(
            number,
            source.events,
            source.ahead,
            len(states) - markers,
            markers,
            told.unreadable,
            None if at == NEVER else at,
        )

    def _markers(self, old: Mapping[str, bytes], now: int) -> dict[str, bytes]:
        """Return the markers with which it begins: what the changelog has, what ClickHouse remembers, and what is known of numbers."""
        others = {name: key_id for name, (_, _, key_id) in self._erased.items()}
        if others and any(key_id != self._erasure.key_id for key_id in others.values()):
            raise RefusedError(
                "ClickHouse's table of erasures was written with another key: set BEHOUDLIJN_ERASURE_KEY (or "
                "BEHOUDLIJN_ERASURE_KEY_FILE) to that key"
            )
        remembered = {name: (each.until, each.ordered_at) for name, each in self._erased.items()}
        erased = united([old, markers_of(remembered, self._erasure, now) if remembered else {}])
        return erased | united_objections([old])

    async def _told(self, number: int, now: Standing) -> tuple[Told, int]:
        """Return what was said of the partition's customers, and since when (ms) all of it is known."""
        told, first = Told(), dict.fromkeys((topics.TRIGGERS, topics.SHADOW_TRIGGERS), 2**62)
        places = {TopicPartition(self._settings.topic(name), number): name for name in _SAID}
        async with reading_from(self._settings.aiokafka_options(), dict.fromkeys(places, 0)) as consumer:
            async for fetched in read_to_ends(consumer, dict.fromkeys(places), silent_seconds=60):
                for place, records in fetched.items():
                    name = places[place]
                    for record in records:
                        if name == topics.SIGNALS:
                            told.signals(as_text(record.key or b""), record.value)
                        elif (at := told.trigger(record.value)) is not None:
                            first[name] = min(first[name], at)
        partitions = self._settings.partitions
        told.customers = {
            customer: said
            for customer, said in told.customers.items()
            if partition_of(customer.encode(), partitions) == number
        }
        logs = now.logs[number]
        return told, max(NEVER if logs[name].start == 0 else at for name, at in first.items())

    def _pass_time(self, replay: Replay, told: Told, bound: int, reading: Reading[SignalsStore]) -> None:
        """Let time pass that has passed without events."""
        times = [told.latest(bound), reading.store.clock.now]
        latest = max((at for at in times if at is not None and NEVER < at <= bound), default=NEVER)
        if latest > replay.clock.now:
            replay.feed([], advance_to=latest)

    def _store(
        self, reading: Reading[SignalsStore], states: dict[str, bytes], upto: Mapping[str, int], begins: int
    ) -> SignalsStore:
        """Return the partition as its records will tell it."""
        old, store = reading.store, SignalsStore(reading.store.number)
        # With these is set right what a worker that has lost the partition still writes.
        store.states = states
        store.dead_letters = old.dead_letters
        store.agreed = agreed_of(self._settings, self._policy)
        store.inputs = dict(upto)
        store.changelog_start = begins
        store.begins = reading.end
        store.repairing = True
        store.batch = old.batch + 1  # what the batch before may not have published is decided anew
        return store

    async def _write(
        self,
        reader: ChangelogReader[SignalsStore],
        fenced: FencedChangelog,
        store: SignalsStore,
        clock: int,
    ) -> None:
        reading, states, label = reader.readings[store.number], store.states, self._policy.label
        gone = {*reading.store.states, *reading.store.departed}
        gone.update(as_text(each.key) for each in reading.unreadable if each.key not in (None, PARTITION_KEY))
        reading.store.repairing, reading.store.begins = True, store.begins
        await fenced.claim(reader)
        changes: dict[str, Change | None] = dict.fromkeys(sorted(gone - states.keys()))
        changes |= {key: Change(data, ()) for key, data in states.items()}
        keys = list(changes)
        for begin in range(0, len(keys), _PIECE):
            piece = {key: changes[key] for key in keys[begin : begin + _PIECE]}
            await fenced.write(store, piece, store.batch, clock, label)
            self._tell(f"partition {store.number}: {amount(min(begin + _PIECE, len(keys)), 'state')} written")
        await self._compare(store.number, states)
        store.repairing = False
        await fenced.write(store, {}, store.batch, clock, label)

    async def _compare(self, number: int, states: Mapping[str, bytes]) -> None:
        """Raise ChangelogError when the changelog does not hold these states: no worker starts from it as long as its repair has not ended."""
        async with changelog_of(self._settings, [number]) as reader:
            await reader.to_end()
            reader.finish()
        reading = reader.readings[number]
        if reading.unreadable or reading.store.states != states:
            raise ChangelogError(
                f"partition {number} of {self._settings.topic(topics.CHANGELOG)} does not hold the states that were written to it: has "
                "something else written there? Find it, and give the command again: "
                f"`behoudlijn state repair --partition {number}`"
            )
