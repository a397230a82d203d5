"""A trouble that lasts, told when it begins and when it is over.

Owns that whoever tries again does not say so each time. It must not try, nor decide what is a trouble.
"""

from typing import Any


class Trouble:
    """One kind of trouble of one process. `log`: a structlog logger; `began` and `ended` are what is logged."""

    def __init__(self, log: Any, began: str, ended: str) -> None:
        self._log = log
        self._began = began
        self._ended = ended
        self._there = False

    def tell(self, reason: str, **fields: Any) -> None:
        """Say that it is there, unless that was said. `reason`: the first one; later tries may fail in other ways."""
        if not self._there:
            self._log.warning(self._began, reason=reason, **fields)
        self._there = True

    def over(self) -> None:
        """Say that it is over, if it was there."""
        if self._there:
            self._log.info(self._ended)
        self._there = False
