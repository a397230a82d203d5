"""How the workers come back from a fault, and the tally of both.

Owns the recovery time: seconds from the fault (of an outage: from its end) until every partition that it hit has committed more
than before. It must not do anything to anybody.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.fleet import Fleet
from tests.chaos.progress import Progress

RECOVERY_SECONDS: Final = 60.0


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


class Recovery:
    """Watches the groups of one run. `partitions`: how many there are."""

    def __init__(self, partitions: int, fleets: dict[str, Fleet], progress: Progress) -> None:
        self.partitions = range(partitions)
        self.tally = Tally()
        self._fleets = fleets
        self._progress = progress

    def watch(self, group: str, partitions: Iterable[int]) -> asyncio.Task[float | None]:
        """Begins to wait for these partitions; for all when nobody has seen which ones a worker had."""
        hit = frozenset(partitions) or frozenset(self.partitions)
        return asyncio.create_task(
            self._progress.until_advanced(group, hit, RECOVERY_SECONDS), name=f"recovery-{group}"
        )

    def watch_all(self) -> list[asyncio.Task[float | None]]:
        """Begins to wait for every partition of every group."""
        return [self.watch(group, self.partitions) for group in self._fleets]

    async def note_all(self, name: str, recoveries: list[asyncio.Task[float | None]]) -> None:
        """Notes how these came back."""
        for seconds in await asyncio.gather(*recoveries):
            self.tally.note(name, seconds)
