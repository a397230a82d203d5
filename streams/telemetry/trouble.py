"""A trouble that lasts, told when it begins, when its reason becomes another one, and when it is over.

Owns that whoever tries again does not say so each time. It must not try, nor decide what is a trouble.
"""

from typing import Any


class Trouble:
    """One kind of trouble of one process. `log`: a structlog logger; `began` and `ended` are what is logged."""

    def __init__(self, log: Any, began: str, ended: str) -> None:
        self._log = log
        self._began = began
        self._ended = ended
        self._reason = ""

    def tell(self, reason: str, **fields: Any) -> None:
        """Say that it is there, unless that was said with this reason."""
        if reason != self._reason:
            self._log.warning(self._began, reason=reason, **fields)
        self._reason = reason

    def over(self) -> None:
        """Say that it is over, if it was there."""
        if self._reason:
            self._log.info(self._ended)
        self._reason = ""
