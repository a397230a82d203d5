"""The faults: what is done to processes, brokers and the store, and how long the workers needed to go on.

Owns each class of fault and its recovery time: seconds from the fault (of an outage: from its end) until every partition
that it hit has committed more than before. It must not choose which fault comes when.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from deploy.embedded.process import ChildError
from schemas import topics
from streams.telemetry.exit_codes import ExitCode
from tests.chaos.cluster import START_SECONDS, Cluster, Store
from tests.chaos.feeder import Feeder
from tests.chaos.fleet import Fleet, Life, freeze, stopped, thaw
from tests.chaos.log_faults import RETAINED, LogFaults
from tests.chaos.profile import (
    BROKER_DOWN,
    BROKER_KILL,
    BROKER_PAUSE,
    BROKER_ROLL,
    DISK_FULL,
    DISKS_FULL,
    FAIL_POINT,
    FROZEN_POINT,
    JOIN_LEAVE,
    KILL,
    PRODUCER_KILL,
    RETENTION,
    STORE_CUTS,
    STORE_DOWN,
    STORE_ERRS,
    STORE_HANGS,
    STORE_REFUSES,
    STORE_SLOW,
    TOPIC_ANEW,
    TOPIC_ANEW_UNREAD,
    ZOMBIE,
    Profile,
)
from tests.chaos.progress import Progress
from tests.chaos.proxy import Road
from tests.chaos.schedule import Fault, Round
from tests.clickhouse_troubles import TROUBLES

_RECOVERY_SECONDS: Final = 60.0
_VICTIM_SECONDS: Final = 120.0
_ERRS_SECONDS: Final = 10.0
_FULL_SECONDS: Final = 60.0
_ROOM_BYTES: Final = 8_192


@dataclass(slots=True)
class Tally:
    """What was injected, and how the workers came back."""

    injected: Counter[str] = field(default_factory=Counter)
    recovered: dict[str, list[float]] = field(default_factory=dict)
    """Seconds by class of fault."""
    late: Counter[str] = field(default_factory=Counter)
    """Faults from which the workers had not recovered in a minute."""
    kills: int = 0
    joins: int = 0
    leaves: int = 0

    def note(self, name: str, seconds: float | None) -> None:
        """Notes a recovery, None when it took too long to wait for."""
        if seconds is None:
            self.late[name] += 1
        else:
            self.recovered.setdefault(name, []).append(seconds)


class Faults:
    """Carries out rounds of faults upon one set of fleets."""

    def __init__(
        self,
        profile: Profile,
        fleets: dict[str, Fleet],
        cluster: Cluster,
        store: Store,
        progress: Progress,
        feeder: Feeder,
        logs: LogFaults,
    ) -> None:
        self._profile = profile
        self._fleets = fleets
        self._cluster = cluster
        self._store = store
        self._progress = progress
        self._feeder = feeder
        self._logs = logs
        self._extra = 0
        self.tally = Tally()
        self._how: dict[str, Callable[[Fault], Awaitable[None]]] = {
            KILL: self._kill,
            FAIL_POINT: self._fail_point,
            FROZEN_POINT: self._frozen_point,
            ZOMBIE: self._zombie,
            JOIN_LEAVE: self._join_and_leave,
            BROKER_KILL: self._broker_kill,
            BROKER_ROLL: self._broker_roll,
            BROKER_PAUSE: self._brokers_frozen,
            BROKER_DOWN: self._brokers_down,
            DISK_FULL: lambda fault: self._disks_full(fault, 1),
            DISKS_FULL: lambda fault: self._disks_full(fault, 2),
            TOPIC_ANEW: self._topic_made_anew,
            TOPIC_ANEW_UNREAD: self._topic_made_anew_unread,
            RETENTION: self._passed_by_retention,
            PRODUCER_KILL: self._producer_killed,
            STORE_DOWN: self._store_killed,
            STORE_REFUSES: lambda fault: self._road(fault, Road.REFUSED, 5),
            STORE_SLOW: lambda fault: self._road(fault, Road.SLOW, 6),
            STORE_HANGS: lambda fault: self._road(fault, Road.SILENT, 8),
            STORE_CUTS: self._store_cuts,
            STORE_ERRS: self._store_errs,
        }

    async def carry_out(self, together: Round) -> None:
        """One round: all at once; returns when the workers have recovered."""
        await asyncio.gather(*(self._one(fault) for fault in together))

    async def _one(self, fault: Fault) -> None:
        await self._how[fault.kind](fault)
        self.tally.injected[fault.name] += 1

    # -- workers --------------------------------------------------------------------------------------------

    async def _kill(self, fault: Fault) -> None:
        life = await self._victim(fault)
        recovery = self._watch(fault.group, life.partitions)
        await asyncio.to_thread(life.child.kill)
        self.tally.kills += 1
        self.tally.note(fault.name, await recovery)

    async def _fail_point(self, fault: Fault) -> None:
        """One more worker joins, and dies at the named place of one of its first batches."""
        fleet, slot = self._fleets[fault.group], self._extra_slot(fault.group)
        life = await fleet.once(slot, f"{fault.detail}:{1 + int(fault.chance * 6)}")
        ended = await asyncio.to_thread(life.child.wait_quietly, _RECOVERY_SECONDS)
        recovery = self._watch(fault.group, life.partitions)
        code = await asyncio.to_thread(life.child.kill)
        fleet.now.pop(slot, None)
        fleet.ends[code if code is not None else 0] += 1
        self.tally.kills += 1
        if not ended or code != 137:
            self.tally.late[f"{fault.name} (not reached, code {code})"] += 1
        self.tally.note(fault.name, await recovery)

    async def _frozen_point(self, fault: Fault) -> None:
        """One more worker joins and stops in the middle of a batch; it wakes when its partitions are another's."""
        fleet, slot = self._fleets[fault.group], self._extra_slot(fault.group)
        life = await fleet.once(slot, f"stop@{fault.detail}:{2 + int(fault.chance * 6)}")
        for _ in range(int(_RECOVERY_SECONDS * 10)):
            if stopped(life) or not life.child.running:
                break
            await asyncio.sleep(0.1)
        reached, life.frozen = stopped(life), True
        recovery = self._watch(fault.group, life.partitions)
        await asyncio.sleep(self._profile.frozen_seconds + 2 * fault.chance)
        thaw(life)
        if not reached:
            self.tally.late[f"{fault.name} (not reached)"] += 1
        self.tally.note(fault.name, await recovery)
        # It ends by itself, or takes part again: both are fine as long as its late writes do not count.
        await asyncio.to_thread(life.child.wait_quietly, 3)
        await fleet.leave(slot)

    async def _zombie(self, fault: Fault) -> None:
        life = await self._victim(fault)
        freeze(life)
        recovery = self._watch(fault.group, life.partitions)
        await asyncio.sleep(self._profile.frozen_seconds + 2 * fault.chance)
        thaw(life)
        self.tally.note(fault.name, await recovery)

    async def _join_and_leave(self, fault: Fault) -> None:
        fleet = self._fleets[fault.group]
        slots = [self._extra_slot(fault.group) for _ in range(self._profile.joins)]
        for slot in slots:
            await fleet.keep(slot)
            self.tally.joins += 1
            await asyncio.sleep(fault.chance)
        self.tally.note(f"{fault.group}: joins", await self._watch(fault.group, self._partitions()))
        for slot in slots:
            await fleet.leave(slot)
            self.tally.leaves += 1
            await asyncio.sleep(fault.chance)
        self.tally.note(f"{fault.group}: leaves", await self._watch(fault.group, self._partitions()))

    async def _victim(self, fault: Fault) -> Life:
        fleet = self._fleets[fault.group]
        for _ in range(int(_VICTIM_SECONDS * 10)):
            if victims := fleet.victims():
                return victims[int(fault.chance * len(victims))]
            await asyncio.sleep(0.1)
        raise RuntimeError(
            f"no {fault.group} worker holds a partition after {_VICTIM_SECONDS:g} s: "
            + " / ".join(life.say() for life in fleet.now.values())
        )

    def _extra_slot(self, group: str) -> str:
        self._extra += 1
        return f"{group}-x{self._extra}"

    # -- brokers --------------------------------------------------------------------------------------------

    async def _broker_kill(self, fault: Fault) -> None:
        node = self._cluster.nodes[int(fault.chance * len(self._cluster.nodes))]
        recovery = self._watch_all()
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(4)
        await asyncio.to_thread(node.start, START_SECONDS)
        await self._note_all(fault, recovery)
        await self._cluster.until_in_sync(30)

    async def _broker_roll(self, fault: Fault) -> None:
        for node in self._cluster.nodes:
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(node.start, START_SECONDS)
            await self._cluster.until_in_sync(30)
        await self._note_all(fault, self._watch_all())

    async def _brokers_frozen(self, fault: Fault) -> None:
        for node in self._cluster.nodes:
            node.pause()
        await asyncio.sleep(self._profile.outage_seconds)
        for node in self._cluster.nodes:
            node.resume()
        await self._note_all(fault, self._watch_all())
        await self._cluster.until_in_sync(30)

    async def _brokers_down(self, fault: Fault) -> None:
        await self._cluster.kill_all()
        await asyncio.sleep(self._profile.outage_seconds)
        await self._cluster.start()
        await self._note_all(fault, self._watch_all())
        await self._cluster.until_in_sync(30)

    async def _disks_full(self, fault: Fault, count: int) -> None:
        """Brokers end by their full disks; of two the workers cannot write, and end as well. Then there is room again."""
        nodes = self._cluster.nodes
        full = [nodes[(int(fault.chance * len(nodes)) + number) % len(nodes)] for number in range(count)]
        recoveries = self._watch_all() if count == 1 else []
        before = self._broken_off()
        for node in full:
            node.fill_disk(
                self._fleets["signals"].settings.topic(topics.CALLS), 0, int(fault.chance * _ROOM_BYTES)
            )
        for node in full:
            if not await asyncio.to_thread(node.process.wait_quietly, _FULL_SECONDS):
                self.tally.late[f"{fault.name} (the broker went on)"] += 1
                await asyncio.to_thread(node.kill)
        if count > 1:
            await self._until_broken_off(fault, before)
        await self._cluster.start()
        await self._note_all(fault, recoveries or self._watch_all())
        await self._cluster.until_in_sync(30)

    def _broken_off(self) -> int:
        return self._fleets["signals"].ends[ExitCode.BROKE_OFF]

    async def _until_broken_off(self, fault: Fault, before: int) -> None:
        for _ in range(int(_FULL_SECONDS * 10)):
            if self._broken_off() > before:
                return
            await asyncio.sleep(0.1)
        self.tally.late[f"{fault.name} (no worker ended)"] += 1

    # -- logs and producers -----------------------------------------------------------------------------------

    async def _topic_made_anew(self, fault: Fault) -> None:
        done = await self._logs.make_anew(_one_of(tuple(topics.INPUTS), fault))
        await self._note_log(fault, done)

    async def _topic_made_anew_unread(self, fault: Fault) -> None:
        done = await self._logs.make_anew_unread(_one_of(RETAINED, fault))
        await self._note_log(fault, done)

    async def _passed_by_retention(self, fault: Fault) -> None:
        name = _one_of(RETAINED, fault)
        done = await self._logs.pass_by(name, fault.chance / 2, self._profile.frozen_seconds)
        await self._note_log(fault, done)
        if not await self._logs.counted():
            self.tally.late[f"{fault.name} (not counted)"] += 1

    async def _note_log(self, fault: Fault, done: bool) -> None:
        if not done:
            self.tally.late[f"{fault.name} (not reached)"] += 1
        await self._note_all(fault, self._watch_all())

    async def _producer_killed(self, fault: Fault) -> None:
        """Its transaction stands open over every partition of a topic until the brokers take it back."""
        name = _one_of(tuple(topics.INPUTS), fault)
        try:
            async with self._feeder.transactions.of_another_process(name) as producer:
                recoveries = self._watch_all()
                await asyncio.to_thread(producer.kill)
                await self._note_all(fault, recoveries)
        except ChildError:  # on a slow machine its time is over before it has begun
            self.tally.late[f"{fault.name} (not reached)"] += 1

    # -- store ----------------------------------------------------------------------------------------------

    async def _store_killed(self, fault: Fault) -> None:
        await self._store.kill()
        await asyncio.sleep(5)
        await self._store.start_again()
        self.tally.note(fault.name, await self._watch("sink", self._partitions()))

    async def _road(self, fault: Fault, road: Road, seconds: float) -> None:
        await self._store.proxy.set(road)
        await asyncio.sleep(seconds)
        await self._store.proxy.set(Road.OPEN)
        self.tally.note(fault.name, await self._watch("sink", self._partitions()))

    async def _store_cuts(self, fault: Fault) -> None:
        proxy = self._store.proxy
        before = proxy.seen["answers cut"]
        await proxy.set(Road.CUT)
        for _ in range(300):
            if proxy.seen["answers cut"] >= before + 2:
                break
            await asyncio.sleep(0.05)
        else:
            self.tally.late[f"{fault.name} (no insert came)"] += 1
        await proxy.set(Road.OPEN)
        self.tally.note(fault.name, await self._watch("sink", self._partitions()))

    async def _store_errs(self, fault: Fault) -> None:
        """Every error that passes, before and after the insert took effect, and answers that are none; in an order by chance."""
        before = self._store.double.met
        self._store.lead_to_the_double(*Random(fault.chance).sample(TROUBLES, len(TROUBLES)))
        for _ in range(int(_ERRS_SECONDS * 20)):
            if not self._store.double.left:
                break
            await asyncio.sleep(0.05)
        self._store.lead_to_the_server()
        if self._store.double.met == before:
            self.tally.late[f"{fault.name} (no insert came)"] += 1
        self.tally.note(fault.name, await self._watch("sink", self._partitions()))

    # -- recovery -------------------------------------------------------------------------------------------

    def _partitions(self) -> range:
        return range(self._profile.partitions)

    def _watch(self, group: str, partitions: Iterable[int]) -> asyncio.Task[float | None]:
        """Begins to wait for these partitions; for all when nobody has seen which ones a worker had."""
        hit = frozenset(partitions) or frozenset(self._partitions())
        return asyncio.create_task(
            self._progress.until_advanced(group, hit, _RECOVERY_SECONDS), name=f"recovery-{group}"
        )

    def _watch_all(self) -> list[asyncio.Task[float | None]]:
        return [self._watch(group, self._partitions()) for group in self._fleets]

    async def _note_all(self, fault: Fault, recoveries: list[asyncio.Task[float | None]]) -> None:
        for seconds in await asyncio.gather(*recoveries):
            self.tally.note(fault.name, seconds)


def _one_of(names: tuple[str, ...], fault: Fault) -> str:
    return names[int(fault.chance * len(names))]
