"""Corrections: of the versions of one event one counts, and what the others left in a state goes.

Owns how a fact comes into a state's facts and registers. A version that does not count changes nothing, but that an objection in it holds.
"""

from streams.core.events.rules import EventRules
from streams.core.facts import GONE, Fact, same_content, supersedes
from streams.core.state import State


def take(
    state: State, rules: EventRules, fact: Fact, known: Fact | None, horizon_start: int, keep: int
) -> bool | None:
    """Let a fact, or a ghost, into a state in place of the `known` version: True when that changes what is known of the customer.

    False when the version alone is another, None when all stays. The facts are those after `horizon_start` (ms), the newest `keep`.
    """
    stands = fact.kind != GONE
    changed = stands and rules.insist is not None and rules.insist(state, fact)
    if known is not None and not supersedes(fact, known):
        return changed or None
    added = state.add(fact, keep, known)
    if known is not None:
        if same_content(fact, known):
            return changed
        if rules.revoke is not None and known.kind != GONE:
            oldest = state.facts[0].at if len(state.facts) >= keep else horizon_start
            rules.revoke(state, known, max(oldest, horizon_start))
    if stands and rules.register is not None and rules.register(state, fact):
        changed = True
    return added or changed or None
