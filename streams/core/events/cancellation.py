"""A step of a customer who leaves: a fact, and the stage that the customer is in."""

from typing import Final

from schemas.cancellation import CancellationEvent
from schemas.instants import ms_of
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import CANCELLATION, CONFIRMED, DECEASED, REASONS, STAGES, Fact, identity_of
from streams.core.state import NEVER, State


def _fact(event: CancellationEvent, at: int) -> Fact:
    stage, reason = STAGES.index(event.stage) + 1, REASONS.index(event.reason)
    return Fact(at, identity_of("cancellation", event.event_id), CANCELLATION, stage, reason, 0, 0, 0, 0)


def _register(state: State, event: CancellationEvent, at: int, _: int) -> bool:
    effective = NEVER if event.effective_at is None else ms_of(event.effective_at)
    new = (at, STAGES.index(event.stage) + 1, REASONS.index(event.reason), effective)
    changed = False
    if new[2] == DECEASED and not state.deceased:
        state.deceased = 1
        changed = True
    if event.stage == "inquiry":
        return changed  # a question takes back nothing that was requested; it counts as a fact
    old = (state.stage_at, state.stage, state.stage_reason, state.effective_at)
    # A confirmed cancellation is final: whatever comes later, no other stage replaces it.
    if (new[1] == CONFIRMED, new) > (state.stage == CONFIRMED, old):
        state.stage_at, state.stage, state.stage_reason, state.effective_at = new
        changed = True
    return changed


def _words(fact: Fact, _: Codes) -> list[str]:
    return [STAGES[fact.a - 1], f"reason {REASONS[fact.b]}"]


RULES: Final[EventRules] = EventRules(
    kind=CANCELLATION, fact=_fact, register=_register, noun="cancellation", words=_words
)
