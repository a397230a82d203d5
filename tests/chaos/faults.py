"""The faults of one run, by class, each with those who carry it out.

Owns that the faults of a round come together, and that the next round waits until the workers have recovered. It must not
choose which fault comes when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from tests.chaos.recovery import Tally
from tests.chaos.schedule import Fault, How, Round


class Faults:
    """Carries out rounds of faults. `how`: the classes of fault that each of the hands knows."""

    def __init__(self, tally: Tally, how: Iterable[Mapping[str, How]]) -> None:
        self._tally = tally
        self._how = {kind: act for each in how for kind, act in each.items()}

    async def carry_out(self, together: Round) -> None:
        """One round: all at once; returns when the workers have recovered."""
        await asyncio.gather(*(self._one(fault) for fault in together))

    async def _one(self, fault: Fault) -> None:
        await self._how[fault.kind](fault)
        self._tally.injected[fault.name] += 1
