"""What came of one attempt to call back: a fact, the callback that was given, and an objection to calls."""

from typing import Final

from schemas.outcome import OutcomeEvent
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import DISPOSITIONS, OUTCOME, Fact, identity_of
from streams.core.state import State


def reached(event: object) -> bool:
    """Return whether an event reports that the customer was spoken to."""
    return isinstance(event, OutcomeEvent) and event.disposition == "ANSWERED_HUMAN"


def _fact(event: OutcomeEvent, at: int) -> Fact:
    disposition = DISPOSITIONS.index(event.disposition)
    return Fact(at, identity_of("outcome", event.event_id), OUTCOME, disposition, 0, 0, 0, 0, 0)


def _register(state: State, event: OutcomeEvent, at: int, _: int) -> bool:
    if event.disposition == "ANSWERED_HUMAN" and at > state.given_at:
        state.given_at = at
        return True
    if event.disposition == "DO_NOT_CALL" and at > state.objected_at:
        state.objected_at = at
        return True
    return False


def _words(fact: Fact, _: Codes) -> list[str]:
    return [DISPOSITIONS[fact.a].lower().replace("_", " ")]


RULES: Final[EventRules] = EventRules(
    kind=OUTCOME, fact=_fact, register=_register, noun="callback", words=_words
)
