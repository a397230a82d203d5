"""The faults of brokers: killed, rolled, frozen, all of them away, and full.

Owns what is done to the nodes, and that all replicas are in sync before the next fault. It must not choose which fault comes when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from schemas import topics
from streams.telemetry.exit_codes import ExitCode
from tests.chaos.cluster import START_SECONDS, Cluster
from tests.chaos.fleet import Fleet
from tests.chaos.profile import (
    BROKER_DOWN,
    BROKER_KILL,
    BROKER_PAUSE,
    BROKER_ROLL,
    DISK_FULL,
    DISKS_FULL,
    Profile,
)
from tests.chaos.recovery import Recovery
from tests.chaos.schedule import Fault, How

_FULL_SECONDS: Final = 60.0
_ROOM_BYTES: Final = 8_192


class BrokerFaults:
    """Upon one cluster. `signals`: the workers who write to it."""

    def __init__(self, profile: Profile, signals: Fleet, cluster: Cluster, recovery: Recovery) -> None:
        self._profile = profile
        self._signals = signals
        self._cluster = cluster
        self._recovery = recovery
        self.how: Mapping[str, How] = {
            BROKER_KILL: self._broker_kill,
            BROKER_ROLL: self._broker_roll,
            BROKER_PAUSE: self._brokers_frozen,
            BROKER_DOWN: self._brokers_down,
            DISK_FULL: lambda fault: self._disks_full(fault, 1),
            DISKS_FULL: lambda fault: self._disks_full(fault, 2),
        }

    async def _broker_kill(self, fault: Fault) -> None:
        node = self._cluster.nodes[int(fault.chance * len(self._cluster.nodes))]
        recovery = self._recovery.watch_all()
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(4)
        await asyncio.to_thread(node.start, START_SECONDS)
        await self._recovery.note_all(fault.name, recovery)
        await self._cluster.until_in_sync(30)

    async def _broker_roll(self, fault: Fault) -> None:
        for node in self._cluster.nodes:
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(node.start, START_SECONDS)
            await self._cluster.until_in_sync(30)
        await self._recovery.note_all(fault.name, self._recovery.watch_all())

    async def _brokers_frozen(self, fault: Fault) -> None:
        for node in self._cluster.nodes:
            node.pause()
        await asyncio.sleep(self._profile.outage_seconds)
        for node in self._cluster.nodes:
            node.resume()
        await self._recovery.note_all(fault.name, self._recovery.watch_all())
        await self._cluster.until_in_sync(30)

    async def _brokers_down(self, fault: Fault) -> None:
        await self._cluster.kill_all()
        await asyncio.sleep(self._profile.outage_seconds)
        await self._cluster.start()
        await self._recovery.note_all(fault.name, self._recovery.watch_all())
        await self._cluster.until_in_sync(30)

    async def _disks_full(self, fault: Fault, count: int) -> None:
        """Brokers end by their full disks; of two the workers cannot write, and end as well. Then there is room again."""
        nodes = self._cluster.nodes
        full = [nodes[(int(fault.chance * len(nodes)) + number) % len(nodes)] for number in range(count)]
        recoveries = self._recovery.watch_all() if count == 1 else []
        before = self._broken_off()
        for node in full:
            node.fill_disk(self._signals.settings.topic(topics.CALLS), 0, int(fault.chance * _ROOM_BYTES))
        for node in full:
            if not await asyncio.to_thread(node.process.wait_quietly, _FULL_SECONDS):
                self._recovery.tally.late[f"{fault.name} (the broker went on)"] += 1
                await asyncio.to_thread(node.kill)
        if count > 1:
            await self._until_broken_off(fault, before)
        await self._cluster.start()
        await self._recovery.note_all(fault.name, recoveries or self._recovery.watch_all())
        await self._cluster.until_in_sync(30)

    def _broken_off(self) -> int:
        return self._signals.ends[ExitCode.BROKE_OFF]

    async def _until_broken_off(self, fault: Fault, before: int) -> None:
        for _ in range(int(_FULL_SECONDS * 10)):
            if self._broken_off() > before:
                return
            await asyncio.sleep(0.1)
        self._recovery.tally.late[f"{fault.name} (no worker ended)"] += 1
