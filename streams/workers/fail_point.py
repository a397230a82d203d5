"""A place at which a test lets something happen to a worker's process.

Owns which places there are, and what may happen there. Nowhere does anything happen unless a place is named.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final


class FailPoint:
    """Called at each place by its name; it lets the process fail at the one that is wanted.

    The value is `[action@]name[:n]`, for the n-th passage of a place (`before_changelog`, `after_changelog`,
    `after_outputs`, `before_ack`, `after_commit`). Actions: `kill` (as kill -9, the default), `stop` (as SIGSTOP), `hang` (the
    loop stands still).
    """

    def __init__(self, wanted: str = "") -> None:
        action, _, place = wanted.rpartition("@")
        self._name, _, count = place.partition(":")
        self._act = _ACTIONS[action or "kill"]
        self._left = int(count or 1)

    def __call__(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                self._act()


def _hang() -> None:
    while True:
        time.sleep(1)


_ACTIONS: Final[Mapping[str, Callable[[], None]]] = {
    "kill": partial(os._exit, 137),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "hang": _hang,
}
