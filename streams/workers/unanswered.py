"""The callback that has been owed longest: of all customers of a worker who asked for one, may be called, and still can be.

Owns what is remembered between two looks, so that a look costs little while few states change. How long somebody could have been
called is `core.callable_time`.
"""

from streams.core.callable_time import Waiting, waited, waiting
from streams.core.erasure import Erasure
from streams.core.objections import recall
from streams.core.policy import Policy
from streams.core.state import decode
from streams.state.store import SignalsStore, Store


class Unanswered:
    """Of one worker."""

    def __init__(self, store: Store[SignalsStore], policy: Policy, erasure: Erasure) -> None:
        self._store = store
        self._policy = policy
        self._erasure = erasure
        self._known: dict[str, tuple[bytes, Waiting | None]] = {}

    def longest_ms(self, now: int) -> int:
        """Return for how long (ms) the one who waits longest could have been called; 0 when nobody waits. `now`: ms, wall clock."""
        asked = sorted(
            (since, customer_id, part.number)
            for part in self._store
            for customer_id, since in part.waiting.items()
        )
        parts = {part.number: part for part in self._store}
        before, self._known, longest = self._known, {}, 0
        for since, customer_id, number in asked:
            if now - since <= longest:
                break  # nobody who asked later can have waited longer
            part = parts[number]
            data, known = part.states[customer_id], before.get(customer_id)
            if known is None or known[0] is not data:
                known = data, self._waiting(part, data)
            self._known[customer_id] = known
            if known[1] is not None:
                longest = max(longest, waited(known[1], now, self._policy))
        return longest

    def _waiting(self, part: SignalsStore, data: bytes) -> Waiting | None:
        state = decode(data)
        if part.clock.objections:
            recall(state, part.states, self._erasure, part.clock.now)
        return waiting(state, self._policy)
