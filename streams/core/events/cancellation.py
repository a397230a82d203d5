"""A step of a customer who leaves, or comes back: a fact, and what stands of the relation and of each contract."""

from typing import Final

from schemas.cancellation import CancellationEvent
from schemas.instants import ms_of
from streams.core.events.rules import Codes, EventRules
from streams.core.facts import (
    CANCELLATION,
    CONFIRMED,
    DECEASED,
    INQUIRY,
    OF_CONTRACT,
    REASONS,
    REINSTATED,
    STAGES,
    Fact,
    identity_of,
)
from streams.core.state import NEVER, NO_STEP, State
from streams.core.steps import WHOLE, Step, contract_of, newest, packed, step_of


def _fact(event: CancellationEvent, at: int, revision: int, arrival: int) -> Fact:
    stage, reason = STAGES.index(event.stage) + 1, REASONS.index(event.reason)
    # Of before 1970 is as good as over.
    effective = 0 if event.effective_at is None else max(ms_of(event.effective_at), 1)
    contract = WHOLE if event.whole_relation else contract_of(event.contract_id)
    c, flags, amount, topic = packed(contract, effective)
    identity = identity_of("cancellation", event.event_id)
    return Fact(at, identity, CANCELLATION, stage, reason, c, flags, amount, topic, revision, arrival)


def _register(state: State, fact: Fact) -> bool:
    changed = False
    if fact.b == DECEASED and not state.deceased:
        state.deceased = 1
        changed = True
    if fact.a == INQUIRY:
        return changed  # a question takes back nothing that was requested; it counts as a fact
    step = step_of(fact)
    if step.stage == REINSTATED and step.at > state.returned_at:
        state.returned_at = step.at
        changed = True
    if step.contract != WHOLE:
        contracts = newest((*state.contracts, step))
        if contracts != state.contracts:
            state.contracts = contracts
            changed = True
    elif _is_end(step):
        if (step.at, step.reason) > (state.ended_at, state.ended_reason):
            state.ended_at, state.ended_reason = step.at, step.reason
            changed = True
    elif step > state.step:
        state.step = step
        changed = True
    return changed


def _revoke(state: State, known: Fact, _: int) -> None:
    step = step_of(known)
    stands = [step_of(fact) for fact in state.facts if fact.kind == CANCELLATION and fact.a != INQUIRY]
    if step.stage == REINSTATED and step.at == state.returned_at:
        state.returned_at = max((each.at for each in stands if each.stage == REINSTATED), default=NEVER)
    if step in state.contracts:
        others = [each for each in state.contracts if each.contract != step.contract]
        state.contracts = newest((*others, *(each for each in stands if each.contract != WHOLE)))
    elif _is_end(step):
        if (step.at, step.reason) == (state.ended_at, state.ended_reason):
            ends = ((each.at, each.reason) for each in stands if _is_end(each))
            state.ended_at, state.ended_reason = max(ends, default=(NEVER, 0))
    elif step == state.step:
        whole = (each for each in stands if each.contract == WHOLE and not _is_end(each))
        state.step = max(whole, default=NO_STEP)
    if known.b == DECEASED:
        renew_death(state)


def _is_end(step: Step) -> bool:
    return step.contract == WHOLE and step.stage == CONFIRMED


def renew_death(state: State) -> None:
    """Make anew whether the customer has died, from the facts and the steps that stand, in place."""
    told = any(fact.kind == CANCELLATION and fact.b == DECEASED for fact in state.facts)
    kept = (state.stage_reason, state.ended_reason, *(step.reason for step in state.contracts))
    state.deceased = int(told or DECEASED in kept)


def forget_steps(state: State, until: int) -> None:
    """Take out of a state, in place, the steps that were taken up to `until` (ms): whatever they hid is older."""
    if state.stage_at <= until:
        state.step = NO_STEP
    if state.ended_at <= until:
        state.ended_at, state.ended_reason = NEVER, 0
    if state.returned_at <= until:
        state.returned_at = NEVER
    state.contracts = tuple(step for step in state.contracts if step.at > until)
    renew_death(state)


def _words(fact: Fact, _: Codes) -> list[str]:
    of = ["of one contract"] if fact.flags & OF_CONTRACT else []
    return [STAGES[fact.a - 1], *of, f"reason {REASONS[fact.b]}"]


RULES: Final[EventRules] = EventRules(
    kind=CANCELLATION, fact=_fact, register=_register, revoke=_revoke, noun="cancellation", words=_words
)
