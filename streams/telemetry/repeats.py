"""Lines of libraries that repeat: one a minute of each kind, with how many there were since.

Owns what is a repetition. Libraries tell of each try, and try several times a second: an outage would be thousands of lines, between
which ours, one for each change, are not found. The first of a kind is always written, with its traceback. It must not touch a line of
ours, and so none that says why a worker ends.
"""

import logging
import re
import time
from collections.abc import Callable, Collection
from threading import Lock
from typing import Final

_A_WHILE_SECONDS: Final = 60.0
_KINDS: Final = 1_000
_VARYING: Final = re.compile(r"0x[0-9a-f]+|\d+|'[^']*'|\"[^\"]*\"")
"""What differs between lines of one kind whose text was filled in by the library itself."""


class Repeats:
    """A filter of a handler. `ours`: first names of loggers that are let through whatever they say."""

    def __init__(self, ours: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._ours = frozenset(ours)
        self._clock = clock
        self._lock = Lock()
        self._told: dict[tuple[str, int, str, str], tuple[float, int]] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        """Return whether the line is to be written; one that stands for others says for how many."""
        if record.name.partition(".")[0] in self._ours or record.levelno >= logging.CRITICAL:
            return True
        raised = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        kind = record.name, record.levelno, raised, _VARYING.sub("…", str(record.msg))
        now = self._clock()
        with self._lock:
            at, left_out = self._told.get(kind, (-_A_WHILE_SECONDS, 0))
            if now - at < _A_WHILE_SECONDS:
                self._told[kind] = at, left_out + 1
                return False
            if len(self._told) >= _KINDS:
                self._told.clear()
            self._told[kind] = now, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like it before)", ()
        return True
