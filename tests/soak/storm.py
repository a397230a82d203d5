"""A storm of requests: many customers ask for a callback in the same minute, and each is answered."""

from __future__ import annotations

import time

from tests.soak.scenario import Scenario
from tests.soak.stage import Stage

RATE = 600


async def strike(stage: Stage) -> None:
    """The storm is measured as the others are: they are all alike."""
    began = time.monotonic()
    await stage.others.ask("storm", RATE, stage.seconds)
    await stage.others.until_answered(120)
    seen = stage.others.seen("storm")
    stage.notes.append(
        f"{seen.asked:,} requests at {RATE}/s, answered after {seen.p50:.2f} s (p50), {seen.p99:.2f} s (p99); "
        f"{time.monotonic() - began:.0f} s in all"
    )


SCENARIO = Scenario(name="storm", says="600 requests a second", rate=40, strike=strike)
