"""Every event type with its rules, complete: a type of `schemas.topics.EVENT_TYPES` without a row here is an error at import."""

from typing import Final

from schemas.parts import MissingPartError, complete
from schemas.topics import EVENT_TYPES
from streams.core.events import call, cancellation, outcome, profile, survey
from streams.core.events.rules import EventRules, always

EVENTS: Final[dict[str, EventRules]] = {
    "profile": profile.RULES,
    "erasure": EventRules(),  # `engine` takes it apart from all others: it folds nothing, it takes away
    "objection": EventRules(),  # nor does one by number: it is of no customer
    "call": call.RULES,
    "survey": survey.RULES,
    "cancellation": cancellation.RULES,
    "outcome": outcome.RULES,
}


def _by_kind() -> dict[int, EventRules]:
    complete("event type", EVENT_TYPES, "row of rules", EVENTS, "streams.core.events.table")
    found: dict[int, EventRules] = {}
    for name, rules in EVENTS.items():
        if (rules.kind == 0) != (rules.fact is None) or (rules.fact is None) != (rules.words is None):
            raise MissingPartError(f"event type {name!r}: kind, fact and words go together")
        if (rules.register is None) != (rules.revoke is None):
            raise MissingPartError(f"event type {name!r}: register and revoke go together")
        if rules.kind in found or not 0 <= rules.kind < 64:
            raise MissingPartError(f"event type {name!r}: kind {rules.kind} is another's, or not below 64")
        if rules.kind:
            found[rules.kind] = rules
    return found


BY_KIND: Final = _by_kind()
"""The same by the number of their facts."""

ALWAYS_JUDGED: Final = sum(
    [1 << kind for kind, rules in BY_KIND.items() if rules.register is not None and rules.registers is always]
)
"""The kinds of facts, as bits `1 << kind`, of which each has something to register: none is folded without a judgement."""
