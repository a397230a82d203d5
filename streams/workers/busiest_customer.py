"""The busiest customer of a partition: which share of its recent records is one customer's.

Owns what recent means. It must not tell who it is: a customer id is never in a metric.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from streams.core.records import Decoded

_SECONDS: Final = 10.0
_RECORDS: Final = 10_000
_LEAST: Final = 100
"""Of fewer records nobody is said to be the busiest."""


class BusiestCustomer:
    """Of one partition. Records are counted for ten seconds, or until there are 10,000; the share is that of the last full count."""

    def __init__(self) -> None:
        self._counting: Counter[str | None] = Counter()
        self._records = 0
        self._began = 0.0
        self._share = 0.0

    def add(self, records: Sequence[Decoded], now: float) -> None:
        """Count records. `now`: seconds of a steady clock, as of `share`."""
        self._close(now)
        self._counting.update(
            [each.event.customer_id for each in records if each.event is not None and not each.anonymous]
        )
        self._records += len(records)

    def share(self, now: float) -> float:
        """Return the share, 0 to 1; 0 while there are few records."""
        self._close(now)
        return self._share

    def _close(self, now: float) -> None:
        if self._records < _RECORDS and now - self._began < _SECONDS:
            return
        self._counting.pop(None, None)  # nobody's
        most = max(self._counting.values(), default=0)
        self._share = most / self._records if self._records >= _LEAST else 0.0
        self._counting.clear()
        self._records, self._began = 0, now
