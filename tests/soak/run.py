"""One run of a scenario: others alone, then beside what strikes, then alone again. Owns the phases, and what is kept of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.equality import states_of
from tests.soak.scenario import Scenario
from tests.soak.stage import Stage, staged

_MOST_SECONDS = 3_600.0
_ANSWERED_SECONDS = 120.0
_LOOK_SECONDS = 0.2
_ALLOWANCE_MIB = 32.0
"""Memory is back when it is within so much of what it was before and what the new states take: buffers, and what an allocator holds."""
_OVERHEAD_BYTES = 400
"""Of a state beside its bytes: key, value and timer as objects."""


async def run(
    scenario: Scenario, seconds: float, directory: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return the row of the table."""
    await asyncio.to_thread(directory.mkdir, parents=True)
    async with staged(
        scenario.name,
        seconds,
        directory,
        say,
        workers=scenario.workers,
        with_store=scenario.with_store,
        prepare=scenario.prepare,
        **scenario.settings,
    ) as stage:
        say(f"{scenario.name}: the workers are ready; others alone at {scenario.rate:g}/s")
        await _alone(stage, "before", scenario.rate, seconds / 2)
        before, customers = stage.resident(), await _states(stage)
        memory = _Memory(stage)
        if scenario.until is not None:
            await scenario.until(stage)
        say(f"{scenario.name}: {scenario.says}")
        over = asyncio.Event()
        asking = asyncio.create_task(stage.others.ask("beside", scenario.rate, _MOST_SECONDS, over))
        await scenario.strike(stage)
        over.set()
        await asking
        await stage.others.until_answered(_ANSWERED_SECONDS)
        say(f"{scenario.name}: it is over; others alone until memory is back")
        grown = max(0, await _states(stage) - customers)
        back = await _until_back(stage, before + grown / 2**20 + _ALLOWANCE_MIB, seconds)
        await _alone(stage, "after", scenario.rate, seconds / 4)
        if scenario.check is not None:
            await scenario.check(stage)
        memory.stop()
        return _row(scenario, stage, before, memory.peak, back)


async def _alone(stage: Stage, phase: str, rate: float, seconds: float) -> None:
    await stage.others.ask(phase, rate, max(2.0, seconds))
    await stage.others.until_answered(_ANSWERED_SECONDS)


async def _states(stage: Stage) -> int:
    """Bytes of all states."""
    return sum(
        len(key) + len(data) + _OVERHEAD_BYTES for key, data in (await states_of(stage.settings)).items()
    )


class _Memory:
    """The most that the signals workers took together."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.peak = 0.0
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            self.peak = max(self.peak, self._stage.resident())
            await asyncio.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        self._task.cancel()


async def _until_back(stage: Stage, wanted: float, most_seconds: float) -> float | None:
    began = time.monotonic()
    while time.monotonic() - began < most_seconds:
        if stage.resident() <= wanted:
            return (time.monotonic() - began) / 60
        await asyncio.sleep(_LOOK_SECONDS)
    return None


def _row(scenario: Scenario, stage: Stage, before: float, peak: float, back: float | None) -> dict[str, Any]:
    others = stage.others
    return {
        "scenario": scenario.name,
        "says": scenario.says,
        **{phase: others.seen(phase)._asdict() for phase in ("before", "beside", "after")},
        "lost": others.lost + stage.lost,
        "doubled": others.doubled + stage.doubled,
        "repeated": others.repeated,
        "memory_mib": {"before": before, "peak": peak, "after": stage.resident()},
        "back_minutes": back,
        "notes": stage.notes,
    }
