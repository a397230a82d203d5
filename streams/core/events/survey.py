"""What a customer said about a contact: a fact, and the wish to be called back, which stands until it is met."""

from typing import Final

from schemas.survey import SurveyEvent
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import ANSWERED, CALLBACK_REQUESTED, NOT_ANSWERED, SURVEY, Fact, identity_of
from streams.core.references import reference_to
from streams.core.state import NEVER, State

_FLAGS: Final = (
    (ANSWERED, "question answered"),
    (NOT_ANSWERED, "question not answered"),
    (CALLBACK_REQUESTED, "asked to be called back"),
)


def _fact(event: SurveyEvent, at: int, revision: int, arrival: int) -> Fact:
    flags = CALLBACK_REQUESTED if event.callback_requested else 0
    if event.answered is not None:
        flags |= ANSWERED if event.answered else NOT_ANSWERED
    nps = 0 if event.nps is None else event.nps + 1
    amount, topic = reference_to(event.contact_id)
    return Fact(
        at,
        identity_of("survey", event.event_id),
        SURVEY,
        event.csat or 0,
        nps,
        event.ces or 0,
        flags,
        amount,
        topic,
        revision,
        arrival,
    )


def _asks_for_a_call(fact: Fact) -> bool:
    return bool(fact.flags & CALLBACK_REQUESTED)


def _register(state: State, fact: Fact) -> bool:
    if not _asks_for_a_call(fact) or (fact.at, fact.identity) <= (state.requested_at, state.requested_id):
        return False
    state.requested_at, state.requested_id = fact.at, fact.identity
    return True


def _revoke(state: State, known: Fact, _: int) -> None:
    if (known.at, known.identity) == (state.requested_at, state.requested_id):
        asked = [
            (fact.at, fact.identity) for fact in state.facts if fact.kind == SURVEY and _asks_for_a_call(fact)
        ]
        state.requested_at, state.requested_id = max(asked, default=(NEVER, 0))


def _words(fact: Fact, _: Codes) -> list[str]:
    grades = (("CSAT", fact.a), ("NPS", fact.b - 1 if fact.b else None), ("CES", fact.c))
    words = [f"{name} {grade}" for name, grade in grades if grade is not None and (grade or name == "NPS")]
    return words + [text for flag, text in _FLAGS if fact.flags & flag]


RULES: Final[EventRules] = EventRules(
    kind=SURVEY,
    fact=_fact,
    register=_register,
    registers=_asks_for_a_call,
    revoke=_revoke,
    noun="survey",
    words=_words,
)
