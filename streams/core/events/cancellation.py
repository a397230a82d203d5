"""A step of a customer who leaves: a fact, and the stage that the customer is in."""

from typing import Final

from schemas.cancellation import CancellationEvent
from schemas.instants import ms_of
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import (
    CANCELLATION,
    CONFIRMED,
    DECEASED,
    INQUIRY,
    REASONS,
    STAGES,
    Fact,
    identity_of,
)
from streams.core.state import NEVER, State

_TOPIC_BITS: Final = 32


def _fact(event: CancellationEvent, at: int, revision: int, arrival: int) -> Fact:
    stage, reason = STAGES.index(event.stage) + 1, REASONS.index(event.reason)
    # 48 bits of ms, which last beyond every calendar; of before 1970 is as good as over.
    effective = 0 if event.effective_at is None else max(ms_of(event.effective_at), 1)
    amount, topic = divmod(effective, 1 << _TOPIC_BITS)
    return Fact(
        at,
        identity_of("cancellation", event.event_id),
        CANCELLATION,
        stage,
        reason,
        0,
        0,
        amount,
        topic,
        revision,
        arrival,
    )


def _step(fact: Fact) -> tuple[bool, int, int, int, int]:
    """Return what orders the steps, which is what the registers hold: a confirmed cancellation is final, whatever comes later."""
    effective = fact.amount << _TOPIC_BITS | fact.topic
    return fact.a == CONFIRMED, fact.at, fact.a, fact.b, effective or NEVER


def _register(state: State, fact: Fact) -> bool:
    changed = False
    if fact.b == DECEASED and not state.deceased:
        state.deceased = 1
        changed = True
    if fact.a == INQUIRY:
        return changed  # a question takes back nothing that was requested; it counts as a fact
    new = _step(fact)
    old = (state.stage == CONFIRMED, state.stage_at, state.stage, state.stage_reason, state.effective_at)
    if new > old:
        _, state.stage_at, state.stage, state.stage_reason, state.effective_at = new
        changed = True
    return changed


def _revoke(state: State, known: Fact, _: int) -> None:
    if (known.at, known.a, known.b) == (state.stage_at, state.stage, state.stage_reason):
        renew_stage(state)
    if known.b == DECEASED:
        renew_death(state)


def renew_stage(state: State) -> None:
    """Make the stage anew from the facts that stand, in place."""
    steps = [_step(fact) for fact in state.facts if fact.kind == CANCELLATION and fact.a != INQUIRY]
    latest = max(steps, default=(False, NEVER, 0, 0, NEVER))
    _, state.stage_at, state.stage, state.stage_reason, state.effective_at = latest


def renew_death(state: State) -> None:
    """Make anew whether the customer has died, from the facts and the stage that stand, in place."""
    told = any(fact.kind == CANCELLATION and fact.b == DECEASED for fact in state.facts)
    state.deceased = int(told or state.stage_reason == DECEASED)


def _words(fact: Fact, _: Codes) -> list[str]:
    return [STAGES[fact.a - 1], f"reason {REASONS[fact.b]}"]


RULES: Final[EventRules] = EventRules(
    kind=CANCELLATION, fact=_fact, register=_register, revoke=_revoke, noun="cancellation", words=_words
)
