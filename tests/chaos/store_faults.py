"""The faults of ClickHouse: down, refusing, slow, silent, cutting its answers, and in every trouble that passes.

Owns what is done to the store and to the road to it. It must not choose which fault comes when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Final

from tests.chaos.cluster import Store
from tests.chaos.profile import STORE_CUTS, STORE_DOWN, STORE_ERRS, STORE_HANGS, STORE_REFUSES, STORE_SLOW
from tests.chaos.proxy import Road
from tests.chaos.recovery import Recovery
from tests.chaos.schedule import Fault, How
from tests.clickhouse_troubles import TROUBLES

_ERRS_SECONDS: Final = 10.0


class StoreFaults:
    """Upon one store."""

    def __init__(self, store: Store, recovery: Recovery) -> None:
        self._store = store
        self._recovery = recovery
        self.how: Mapping[str, How] = {
            STORE_DOWN: self._store_killed,
            STORE_REFUSES: lambda fault: self._road(fault, Road.REFUSED, 5),
            STORE_SLOW: lambda fault: self._road(fault, Road.SLOW, 6),
            STORE_HANGS: lambda fault: self._road(fault, Road.SILENT, 8),
            STORE_CUTS: self._store_cuts,
            STORE_ERRS: self._store_errs,
        }

    async def _store_killed(self, fault: Fault) -> None:
        await self._store.kill()
        await asyncio.sleep(5)
        await self._store.start_again()
        self._recovery.tally.note(fault.name, await self._recovery.watch("sink", self._recovery.partitions))

    async def _road(self, fault: Fault, road: Road, seconds: float) -> None:
        await self._store.proxy.set(road)
        await asyncio.sleep(seconds)
        await self._store.proxy.set(Road.OPEN)
        self._recovery.tally.note(fault.name, await self._recovery.watch("sink", self._recovery.partitions))

    async def _store_cuts(self, fault: Fault) -> None:
        proxy = self._store.proxy
        before = proxy.seen["answers cut"]
        await proxy.set(Road.CUT)
        for _ in range(300):
            if proxy.seen["answers cut"] >= before + 2:
                break
            await asyncio.sleep(0.05)
        else:
            self._recovery.tally.late[f"{fault.name} (no insert came)"] += 1
        await proxy.set(Road.OPEN)
        self._recovery.tally.note(fault.name, await self._recovery.watch("sink", self._recovery.partitions))

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
            self._recovery.tally.late[f"{fault.name} (no insert came)"] += 1
        self._recovery.tally.note(fault.name, await self._recovery.watch("sink", self._recovery.partitions))
