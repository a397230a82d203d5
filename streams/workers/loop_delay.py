"""How late the event loop of a worker is: what one task computes, all others wait for, `/healthz` and heartbeats' answers too.

Owns the looking, each second. It must not judge what is late.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

_EVERY_SECONDS = 1.0


@asynccontextmanager
async def loop_delay_told(observe: Callable[[float], object]) -> AsyncIterator[None]:
    """Tell `observe`, within the block, by how many seconds a look came later than it was due."""
    task = asyncio.create_task(_look_forever(observe), name="loop-delay")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look_forever(observe: Callable[[float], object]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _EVERY_SECONDS
        await asyncio.sleep(_EVERY_SECONDS)
        observe(max(0.0, loop.time() - due))
