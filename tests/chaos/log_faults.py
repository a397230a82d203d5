"""The faults of logs: a topic is deleted and made anew, retention passes frozen workers, a transaction stands open and nobody ends it.

Owns what has to be known of a log before it goes, so that afterwards it is certain which records the workers have read: the
feeder is held meanwhile, and what is there is read back into the history. It must not choose what is hit, nor when.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp

from deploy.embedded.process import ChildError
from schemas import topics
from streams.cluster.topics import COMPACTED
from streams.core.records import Record
from streams.settings import Settings
from streams.state.recovery import recover
from tests.chaos.cluster import Cluster
from tests.chaos.feeder import Feeder
from tests.chaos.fleet import Fleet, Life, freeze, thaw
from tests.chaos.history import History
from tests.chaos.logs import read_logs
from tests.chaos.profile import PRODUCER_KILL, RETENTION, TOPIC_ANEW, TOPIC_ANEW_UNREAD, Profile
from tests.chaos.progress import Progress
from tests.chaos.recovery import Recovery
from tests.chaos.schedule import Fault, How

_READ_SECONDS: Final = 120.0
_WRITTEN_SECONDS: Final = 2.0
_COUNTED_SECONDS: Final = 60.0
_WINDOWS: Final = 3
"""So many are fed to workers that are frozen."""

_RETAINED: Final = tuple(name for name in topics.INPUTS if name not in COMPACTED)
"""Inputs that have a retention; the others are compacted, and Kafka refuses to remove their beginning."""


class LogFaults:
    """Carries them out upon the topics of one run."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        fleets: dict[str, Fleet],
        cluster: Cluster,
        progress: Progress,
        feeder: Feeder,
        history: History,
        recovery: Recovery,
    ) -> None:
        self._profile = profile
        self._settings = settings
        self._fleets = fleets
        self._cluster = cluster
        self._progress = progress
        self._feeder = feeder
        self._history = history
        self._recovery = recovery
        self.how: Mapping[str, How] = {
            TOPIC_ANEW: self._topic_made_anew,
            TOPIC_ANEW_UNREAD: self._topic_made_anew_unread,
            RETENTION: self._passed_by_retention,
            PRODUCER_KILL: self._producer_killed,
        }

    async def _topic_made_anew(self, fault: Fault) -> None:
        done = await self._make_anew(_one_of(tuple(topics.INPUTS), fault))
        await self._note_log(fault, done)

    async def _topic_made_anew_unread(self, fault: Fault) -> None:
        done = await self._make_anew_unread(_one_of(_RETAINED, fault))
        await self._note_log(fault, done)

    async def _passed_by_retention(self, fault: Fault) -> None:
        name = _one_of(_RETAINED, fault)
        done = await self._pass_by(name, fault.chance / 2, self._profile.frozen_seconds)
        await self._note_log(fault, done)
        if not await self._counted():
            self._recovery.tally.late[f"{fault.name} (not counted)"] += 1

    async def _note_log(self, fault: Fault, done: bool) -> None:
        if not done:
            self._recovery.tally.late[f"{fault.name} (not reached)"] += 1
        await self._recovery.note_all(fault.name, self._recovery.watch_all())

    async def _producer_killed(self, fault: Fault) -> None:
        """Its transaction stands open over every partition of a topic until the brokers take it back."""
        name = _one_of(tuple(topics.INPUTS), fault)
        try:
            async with self._feeder.transactions.of_another_process(name) as producer:
                recoveries = self._recovery.watch_all()
                await asyncio.to_thread(producer.kill)
                await self._recovery.note_all(fault.name, recoveries)
        except ChildError:  # on a slow machine its time is over before it has begun
            self._recovery.tally.late[f"{fault.name} (not reached)"] += 1

    async def _make_anew(self, name: str) -> bool:
        """Deletes a topic that everyone has read to its end, and makes it again; False when they did not get there."""
        async with self._feeder.held():
            await self._feeder.raise_barrier(name)
            if not all([await self._read_to(group, name, await self._ends(name)) for group in self._fleets]):
                return False
            self._history.take(name, await self._log(name))
            await self._replace(name)
        return True

    async def _make_anew_unread(self, name: str) -> bool:
        """The same while workers stand still, so that some records are never read; which ones, nobody can say for sure."""
        read = self._committed("signals", name)
        frozen = await self._freeze()
        try:
            await self._windows_fed()
            async with self._feeder.held():
                log = await self._log(name)
                unsure = [record for record in log if record.offset >= read.get(record.partition, 0)]
                self._history.doubtful.update(self._history.place(name, record) for record in unsure)
                self._history.take(name, log)
                await self._replace(name)
        finally:
            _thaw(frozen)
        return True

    async def _pass_by(self, name: str, share: float, frozen_seconds: float) -> bool:
        """Retention removes what came since the workers are frozen, all but this share of it; False when nothing was removed.

        Nothing of it can have been read: they had read all before, and are frozen until their session is over.
        """
        async with self._feeder.held():
            await self._feeder.raise_barrier(name)
            read = await self._ends(name)
            if not (await self._read_to("signals", name, read) and await self._written_down(name, read)):
                return False
            frozen = await self._freeze()
        until = time.monotonic() + frozen_seconds
        try:
            await self._windows_fed()
            async with self._feeder.held():
                ends = await self._ends(name)
                if not all([await self._read_to(g, name, ends) for g in self._fleets if g != "signals"]):
                    return False
                first = {number: end - int(share * (end - read[number])) for number, end in ends.items()}
                await self._remove(name, read, first)
            await asyncio.sleep(max(0.0, until - time.monotonic()))
        finally:
            _thaw(frozen)
        return True

    async def _counted(self) -> bool:
        """Waits until the workers have counted what retention took from them; False when they do not, or count too much."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            return await _in_time(_COUNTED_SECONDS, lambda: self._all_counted(session))

    async def _all_counted(self, session: aiohttp.ClientSession) -> bool:
        fleet = self._fleets["signals"]
        await fleet.look(session)
        return fleet.lost() == self._history.lost

    async def _remove(self, name: str, read: Mapping[int, int], first: Mapping[int, int]) -> None:
        gone = [record for record in await self._log(name) if record.offset < first[record.partition]]
        unread = [record for record in gone if record.offset >= read[record.partition]]
        self._history.unread.update(self._history.place(name, record) for record in unread)
        self._history.take(name, gone)
        self._history.lost.update({(name, number): at - read[number] for number, at in first.items()})
        topic = self._settings.topic(name)
        await self._cluster.remove_before({(topic, number): at for number, at in first.items()})

    async def _replace(self, name: str) -> None:
        await self._cluster.make_anew(self._settings, name)
        self._progress.begins_anew(self._settings.topic(name))
        self._history.begin_anew(name)

    async def _freeze(self) -> list[Life]:
        """Stops every signals worker, one that is just being started too."""
        fleet, frozen = self._fleets["signals"], list[Life]()
        for _ in range(5):
            for life in fleet.now.values():
                if life.child.running and life not in frozen:
                    freeze(life)
                    frozen.append(life)
            await asyncio.sleep(0.1)
        return frozen

    async def _windows_fed(self) -> None:
        wanted = self._feeder.windows.total() + _WINDOWS

        async def fed() -> bool:
            return self._feeder.windows.total() >= wanted

        await _in_time(_READ_SECONDS, fed)

    async def _read_to(self, group: str, name: str, ends: Mapping[int, int]) -> bool:
        async def there() -> bool:
            read = self._committed(group, name)
            return read == ends  # not beyond: of a topic that was made anew that would be the old log

        return await _in_time(_READ_SECONDS, there)

    async def _written_down(self, name: str, ends: Mapping[int, int]) -> bool:
        """Waits until the changelog says that the states hold what was read, markers included: where that is removed before, workers
        refuse to go on (decision 27).
        """
        changelog, options = self._settings.topic(topics.CHANGELOG), self._settings.aiokafka_options()

        async def so() -> bool:
            recovered = await recover(changelog, range(self._settings.partitions), options)
            return all(part.store.inputs.get(name, 0) >= ends[part.store.number] for part in recovered)

        await asyncio.sleep(_WRITTEN_SECONDS)
        return await _in_time(_READ_SECONDS, so)

    def _committed(self, group: str, name: str) -> dict[int, int]:
        topic = self._settings.topic(name)
        return {number: at for (of, number), at in self._progress.committed(group).items() if of == topic}

    async def _ends(self, name: str) -> dict[int, int]:
        return {number: end for (_, number), end in (await self._progress.ends([name])).items()}

    async def _log(self, name: str) -> list[Record]:
        return (await read_logs(self._settings, [name]))[name]


def _thaw(frozen: list[Life]) -> None:
    for life in frozen:
        thaw(life)


async def _in_time(seconds: float, so: Callable[[], Awaitable[bool]]) -> bool:
    deadline = time.monotonic() + seconds
    while not await so():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.2)
    return True


def _one_of(names: tuple[str, ...], fault: Fault) -> str:
    return names[int(fault.chance * len(names))]
