"""The faults of workers: killed, killed or stopped between two steps of a batch, frozen past their session, added and removed.

Owns what is done to them. It must not choose which fault comes when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from tests.chaos.fleet import Fleet, Life, freeze, stopped, thaw
from tests.chaos.profile import FAIL_POINT, FROZEN_POINT, JOIN_LEAVE, KILL, ZOMBIE, Profile
from tests.chaos.recovery import RECOVERY_SECONDS, Recovery
from tests.chaos.schedule import Fault, How

_VICTIM_SECONDS: Final = 120.0


class WorkerFaults:
    """Upon the fleets of one run."""

    def __init__(self, profile: Profile, fleets: dict[str, Fleet], recovery: Recovery) -> None:
        self._profile = profile
        self._fleets = fleets
        self._recovery = recovery
        self._extra = 0
        self.how: Mapping[str, How] = {
            KILL: self._kill,
            FAIL_POINT: self._fail_point,
            FROZEN_POINT: self._frozen_point,
            ZOMBIE: self._zombie,
            JOIN_LEAVE: self._join_and_leave,
        }

    async def _kill(self, fault: Fault) -> None:
        life = await self._victim(fault)
        recovery = self._recovery.watch(fault.group, life.partitions)
        await asyncio.to_thread(life.child.kill)
        self._recovery.tally.kills += 1
        self._recovery.tally.note(fault.name, await recovery)

    async def _fail_point(self, fault: Fault) -> None:
        """One more worker joins, and dies at the named place of one of its first batches."""
        fleet, slot = self._fleets[fault.group], self._extra_slot(fault.group)
        life = await fleet.once(slot, f"{fault.detail}:{1 + int(fault.chance * 6)}")
        ended = await asyncio.to_thread(life.child.wait_quietly, RECOVERY_SECONDS)
        recovery = self._recovery.watch(fault.group, life.partitions)
        code = await asyncio.to_thread(life.child.kill)
        fleet.now.pop(slot, None)
        fleet.ends[code if code is not None else 0] += 1
        self._recovery.tally.kills += 1
        if not ended or code != 137:
            self._recovery.tally.late[f"{fault.name} (not reached, code {code})"] += 1
        self._recovery.tally.note(fault.name, await recovery)

    async def _frozen_point(self, fault: Fault) -> None:
        """One more worker joins and stops in the middle of a batch; it wakes when its partitions are another's."""
        fleet, slot = self._fleets[fault.group], self._extra_slot(fault.group)
        life = await fleet.once(slot, f"stop@{fault.detail}:{2 + int(fault.chance * 6)}")
        for _ in range(int(RECOVERY_SECONDS * 10)):
            if stopped(life) or not life.child.running:
                break
            await asyncio.sleep(0.1)
        reached, life.frozen = stopped(life), True
        recovery = self._recovery.watch(fault.group, life.partitions)
        await asyncio.sleep(self._profile.frozen_seconds + 2 * fault.chance)
        thaw(life)
        if not reached:
            self._recovery.tally.late[f"{fault.name} (not reached)"] += 1
        self._recovery.tally.note(fault.name, await recovery)
        # It ends by itself, or takes part again: both are fine as long as its late writes do not count.
        await asyncio.to_thread(life.child.wait_quietly, 3)
        await fleet.leave(slot)

    async def _zombie(self, fault: Fault) -> None:
        life = await self._victim(fault)
        freeze(life)
        recovery = self._recovery.watch(fault.group, life.partitions)
        await asyncio.sleep(self._profile.frozen_seconds + 2 * fault.chance)
        thaw(life)
        self._recovery.tally.note(fault.name, await recovery)

    async def _join_and_leave(self, fault: Fault) -> None:
        fleet = self._fleets[fault.group]
        slots = [self._extra_slot(fault.group) for _ in range(self._profile.joins)]
        for slot in slots:
            await fleet.keep(slot)
            self._recovery.tally.joins += 1
            await asyncio.sleep(fault.chance)
        self._recovery.tally.note(
            f"{fault.group}: joins", await self._recovery.watch(fault.group, self._recovery.partitions)
        )
        for slot in slots:
            await fleet.leave(slot)
            self._recovery.tally.leaves += 1
            await asyncio.sleep(fault.chance)
        self._recovery.tally.note(
            f"{fault.group}: leaves", await self._recovery.watch(fault.group, self._recovery.partitions)
        )

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
