"""A child process that is kept running: started again when it ended in a way that a new start mends, with growing pauses, for a while.

Owns when that is and what is said. It waits for nothing: whoever keeps the stack up asks it from time to time.
"""

import signal
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from deploy.embedded.process import ChildError, ChildProcess
from streams.telemetry.exit_codes import MEANINGS, ExitCode

MOST_ENDS: Final = 5
WINDOW_SECONDS: Final = 60.0
"""A child that ends `MOST_ENDS` times within this is given up."""
_FIRST_PAUSE: Final = 1.0


class KeptRunning:
    """One child, started already. `ready` asks it; `say` hears what happened. `clock`: seconds, steady."""

    def __init__(
        self,
        child: ChildProcess,
        ready: Callable[[], bool],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._child, self._ready, self._say, self._clock = child, ready, say, clock
        self._ends: deque[float] = deque(maxlen=MOST_ENDS)
        self._start_at: float | None = None
        self._told = True  # that it is ready

    def look(self) -> None:
        """Start it again when it has ended and its pause is over. Raises `ChildError` when that would not help."""
        now = self._clock()
        if self._start_at is not None:
            if now >= self._start_at:
                self._start_at = None
                self._child.start()
        elif not self._child.running:
            self._ended(now)
        elif not self._told and self._ready():
            self._told = True
            self._say(f"The {self._child.name} is ready again.")

    def _ended(self, now: float) -> None:
        code = self._child.kill()  # also what it may have started, and its number is free
        how = _how(code)
        if not _mended_by_a_start(code):
            raise ChildError(
                f"the {self._child.name} {how}, and starting it again would not mend that; its last output:\n"
                f"{self._child.tail() or '(none)'}"
            )
        self._ends.append(now)
        if len(self._ends) == MOST_ENDS and now - self._ends[0] < WINDOW_SECONDS:
            raise ChildError(
                f"the {self._child.name} {how}, for the {MOST_ENDS}th time within {WINDOW_SECONDS:g} s: given up; its "
                f"last output:\n{self._child.tail() or '(none)'}"
            )
        lately = sum(now - at < WINDOW_SECONDS for at in self._ends)
        pause = 0.0 if lately == 1 else _FIRST_PAUSE * 2 ** (lately - 2)
        self._start_at, self._told = now + pause, False
        self._say(
            f"The {self._child.name} {how}: it is started again" + (f" in {pause:g} s." if pause else ".")
        )


def _mended_by_a_start(code: int | None) -> bool:
    """Return whether the end was a signal's, or has a code with which the same may be started again; also one that nobody asked for."""
    if code is None or code <= 0:
        return True
    return code in tuple(ExitCode) and ExitCode(code).again


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    meaning = MEANINGS.get(ExitCode(code), ("", ""))[0] if code in tuple(ExitCode) else ""
    return f"ended with code {code}" + (f" ({meaning.rstrip('.')})" if code and meaning else "")
