"""The handler that writes the log to standard error, and waits for nobody who does not read it.

Owns the bound on that wait. A pipe whose reader has stopped would hold up the event loop, and with it heartbeats, health and the end of the
process; so lines are lost instead, counted, and told when somebody reads again. What a line says is `log`'s.
"""

from __future__ import annotations

import logging
import os
import select
import stat
from typing import Any, Final

import structlog

_PATIENCE_MS: Final = 100
"""For a reader that is only slow; one that has stopped is waited for once."""
_PIECE: Final = select.PIPE_BUF
"""A pipe that is ready takes so many bytes without making anybody wait."""
_log = structlog.get_logger(__name__)


class LogHandler(logging.StreamHandler[Any]):
    """Of one stream; where that is no pipe, as any other handler."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._lost = 0
        self._number = _pipe_of(stream)
        self._ready = select.poll()
        if self._number is not None:
            self._ready.register(self._number, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or lose it."""
        if self._number is None:
            super().emit(record)
            return
        try:
            line = (self.format(record) + self.terminator).encode(errors="backslashreplace")
        except Exception:  # noqa: BLE001  (as every handler does)
            self.handleError(record)
            return
        if not self._write(self._number, line):
            self._lost += 1
        elif self._lost:
            lost, self._lost = self._lost, 0
            _log.warning("nobody read the log for a while, and lines of it are lost", lines=lost)
            if self._lost:  # that one too
                self._lost = lost

    def _write(self, number: int, line: bytes) -> bool:
        for start in range(0, len(line), _PIECE):
            if not self._ready.poll(0 if self._lost else _PATIENCE_MS):
                return False
            try:
                os.write(number, line[start : start + _PIECE])
            except OSError:
                return True  # nobody is there any more, who could miss it
        return True


def _pipe_of(stream: Any) -> int | None:
    """Return the number of a stream that is a pipe or a socket; none for any other."""
    try:
        number: int = stream.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError, AttributeError):
        return None
    return number if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
