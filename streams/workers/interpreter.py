"""How the interpreter runs a worker: its event loops, when it looks for garbage, how soon a thread gets its turn.

Owns settings of the whole process, which only the process that is a worker may make.
"""

import asyncio
import gc
import sys

_GC_THRESHOLDS = (500_000, 20, 100)
_SWITCH_SECONDS = 0.0005
"""How long a thread that waits for the interpreter leaves it to another one: Python's 5 ms are as much as a small batch
takes, and the thread of the Kafka client waits so for each step that it makes."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop of uvloop, where there is one."""
    try:
        import uvloop
    except ImportError:  # not made for every platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def tune() -> None:
    """Let garbage be looked for seldom from now on, and never in what there is already; let threads take turns soon.

    Records die together and young, and without cycles; full collections over all states took nearly half the time, and
    looking at what has just been fetched every 50,000 objects still 5% (signals) to 15% (sink).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_SECONDS)
