"""Standard output and standard error of a process, however it was started: closed, full, or with nobody who reads.

Owns that words and logs which nobody takes change nothing of what a process does, nor of its code. A result that nobody takes is
another matter: `ending` tells it.
"""

import io
import os
import sys
from typing import Final

_LAST: Final = 2
"""The number of standard error."""


class _Unheard(io.FileIO):
    """A file that takes everything: what it cannot write is lost."""

    def write(self, data: object) -> int:
        """Write, or let it go; return how much was taken."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return memoryview(data).nbytes  # type: ignore[arg-type]


def claim() -> None:
    """Take the streams over. Call it first: a file or a connection would get the number of one that is closed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        pass
    os.close(number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")  # a result cannot be written there
    raw = io.BufferedWriter(_Unheard(_LAST, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)
