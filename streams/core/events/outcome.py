"""What came of one attempt to call back: a fact, the callback that was given, and an objection to calls."""

from typing import Final

from schemas.outcome import OutcomeEvent
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import DISPOSITIONS, OUTCOME, Fact, identity_of
from streams.core.state import NEVER, State

_REACHED: Final = DISPOSITIONS.index("ANSWERED_HUMAN")
_OBJECTION: Final = DISPOSITIONS.index("DO_NOT_CALL")


def reached(event: object) -> bool:
    """Return whether an event reports that the customer was spoken to."""
    return isinstance(event, OutcomeEvent) and event.disposition == "ANSWERED_HUMAN"


def _fact(event: OutcomeEvent, at: int, revision: int, arrival: int) -> Fact:
    disposition = DISPOSITIONS.index(event.disposition)
    identity = identity_of("outcome", event.event_id)
    return Fact(at, identity, OUTCOME, disposition, 0, 0, 0, 0, 0, revision, arrival)


def _register(state: State, fact: Fact) -> bool:
    if fact.a != _REACHED or fact.at <= state.given_at:
        return False
    state.given_at = fact.at
    return True


def _revoke(state: State, known: Fact, since: int) -> None:
    if known.a != _REACHED or known.at != state.given_at:
        return
    given = [fact.at for fact in state.facts if fact.kind == OUTCOME and fact.a == _REACHED]
    # What was asked for before the facts begin may have been given then too: it is not asked for again.
    state.given_at = max(given, default=since if NEVER < state.requested_at <= since else NEVER)


def _insist(state: State, fact: Fact) -> bool:
    if fact.a != _OBJECTION or fact.at <= state.objected_at:
        return False
    state.objected_at = fact.at
    return True


def _words(fact: Fact, _: Codes) -> list[str]:
    return [DISPOSITIONS[fact.a].lower().replace("_", " ")]


RULES: Final[EventRules] = EventRules(
    kind=OUTCOME,
    fact=_fact,
    register=_register,
    revoke=_revoke,
    insist=_insist,
    noun="callback",
    words=_words,
)
