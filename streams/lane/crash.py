"""The guard around every loop of a worker: an error ends the app, with nothing unfinished acknowledged.

Owns that no error is swallowed or outlived: Faust restarts an agent that raised, and goes on behind the failed event. It must
not judge an error, nor try again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import faust


@asynccontextmanager
async def crash_on_error(app: faust.App) -> AsyncIterator[None]:
    """End `app` when the block raises, and let the error go on. A cancellation is a stop, not an error."""
    try:
        yield
    except Exception as error:
        await app.crash(error)
        raise
