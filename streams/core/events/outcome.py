"""What came of one attempt to call back: a fact with what was said, the callback that was given, and an objection to calls."""

from typing import Final

from schemas.dispositions import DISPOSITION_RULES
from schemas.outcome import OutcomeEvent
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import DISPOSITIONS, OUTCOME, RESULTS, Fact, identity_of
from streams.core.state import NEVER, State
from streams.core.talks import REACHED

_OBJECTION: Final = DISPOSITIONS.index("DO_NOT_CALL")


def reached(event: object) -> bool:
    """Return whether an event reports that the customer was spoken to."""
    return isinstance(event, OutcomeEvent) and DISPOSITION_RULES[event.disposition].reached


def _fact(event: OutcomeEvent, at: int, revision: int, arrival: int) -> Fact:
    disposition, result = DISPOSITIONS.index(event.disposition), RESULTS.index(event.result)
    identity = identity_of("outcome", event.event_id)
    return Fact(at, identity, OUTCOME, disposition, result, 0, 0, 0, 0, revision, arrival)


def _register(state: State, fact: Fact) -> bool:
    if fact.a not in REACHED or fact.at <= state.given_at:
        return False
    state.given_at = fact.at
    return True


def _revoke(state: State, known: Fact, since: int) -> None:
    if known.a not in REACHED or known.at != state.given_at:
        return
    given = [fact.at for fact in state.facts if fact.kind == OUTCOME and fact.a in REACHED]
    # What was asked for before the facts begin may have been given then too: it is not asked for again.
    state.given_at = max(given, default=since if NEVER < state.requested_at <= since else NEVER)


def _insist(state: State, fact: Fact) -> bool:
    if fact.a != _OBJECTION or fact.at <= state.objected_at:
        return False
    state.objected_at = fact.at
    return True


def _words(fact: Fact, _: Codes) -> list[str]:
    words = [DISPOSITIONS[fact.a].lower().replace("_", " ")]
    return [*words, f"result {RESULTS[fact.b]}"] if fact.b else words


RULES: Final[EventRules] = EventRules(
    kind=OUTCOME,
    fact=_fact,
    register=_register,
    revoke=_revoke,
    insist=_insist,
    noun="callback",
    words=_words,
)
