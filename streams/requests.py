"""Callbacks that customers asked for and have not been given, followed through the states of this worker.

Owns no state of its own that matters: it is derived from the store, for a gauge. It must not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.core.state import decode


class OpenRequests:
    """Open requests per partition, as times of the request in ms since the epoch."""

    def __init__(self) -> None:
        self._open: dict[int, dict[str, int]] = {}

    def take(self, partition: int, states: Mapping[str, bytes | None]) -> None:
        """Learn the states that a batch or a recovery brought; None is a customer who left the store."""
        known = self._open.setdefault(partition, {})
        for customer_id, data in states.items():
            state = decode(data) if data else None
            if state is not None and state.request_open:
                known[customer_id] = state.requested_at
            else:
                known.pop(customer_id, None)

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget partitions that are another worker's now."""
        kept = set(partitions)
        self._open = {number: known for number, known in self._open.items() if number in kept}

    def oldest(self) -> int | None:
        """The earliest request that is open, None without one."""
        return min((at for known in self._open.values() for at in known.values()), default=None)

    def age_seconds(self, now_ms: int) -> float:
        """How long the oldest one has been waiting at `now_ms`; 0 without one."""
        at = self.oldest()
        return 0.0 if at is None else max(0.0, (now_ms - at) / 1000)
