"""Who is not to be called, and which requests to leave stand: read from the registers, each of which is a maximum over events.

Owns what bars a customer and what lifts each bar, as one table (`docs/episodes.md` shows it, a test walks it). No rule here knows the
order in which events became known, and none looks at a clock.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from schemas.instants import from_text
from streams.core.facts import REQUESTED
from streams.core.state import NEVER, State
from streams.core.steps import WHOLE, Step


def _said_at(state: State, field: str) -> int:
    """Return a time (ms) that the profile says, no later than of when the profile is; `NEVER` where it says none."""
    text = state.profile().get(field)
    return min(from_text(text), state.profile_at) if text else NEVER


def _died(state: State) -> bool:
    return bool(state.deceased)


def _objected(state: State) -> bool:
    return state.objected_at != NEVER and _said_at(state, "consented_at") <= state.objected_at


def _objected_by_number(state: State) -> bool:
    at = state.number_objected_at
    return at != NEVER and _said_at(state, "consented_at") <= at


def _objects(state: State) -> bool:
    return state.profile().get("do_not_call") is True


def ended(state: State) -> bool:
    """Return whether the whole relation is ended, and nothing says that the customer came back."""
    if state.ended_at == NEVER or state.returned_at > state.ended_at:
        return False
    return _said_at(state, "customer_since") <= state.ended_at


BarCause = Literal["deceased", "do_not_call", "cancellation_confirmed"]


class Bar(NamedTuple):
    """One reason why nobody may call a customer. While it holds nothing opens, and what is open ends."""

    cause: BarCause
    word: str
    """What `explain` calls it."""
    raised: str
    """What raises it, in words."""
    lifted: str
    holds: Callable[[State], bool]


BARS: Final = (
    Bar("deceased", "deceased", "a cancellation, in any stage, whose reason is `deceased`", "nothing", _died),
    Bar(
        "do_not_call",
        "objected to calls",
        "an outcome `DO_NOT_CALL`, in any version of it",
        "a profile that stands and whose `consented_at` is later",
        _objected,
    ),
    Bar(
        "do_not_call",
        "objected by number",
        "an objection by the number of the profile that stands, before its `until`",
        "a later `lifted` of that number, its `until`, a profile with another number, or one that stands and whose `consented_at` is later",
        _objected_by_number,
    ),
    Bar(
        "do_not_call",
        "do-not-call in the profile",
        "a profile that stands with `do_not_call`",
        "a later profile that does not say so; no `consented_at` of the same one",
        _objects,
    ),
    Bar(
        "cancellation_confirmed",
        "the relation is ended",
        "a `confirmed` cancellation of the whole relation",
        "`reinstated` later, of the whole or of any contract; or a profile that stands and whose `customer_since` is later",
        ended,
    ),
)
"""In the order in which they are asked. A `confirmed` cancellation of one contract is none of them."""


def barred_by(state: State) -> BarCause | None:
    """Return why nobody may call this customer; none when one may."""
    for bar in BARS:
        if bar.holds(state):
            return bar.cause
    return None


def requests(state: State) -> list[Step]:
    """Return the requests to leave that can still be withdrawn, of the whole relation or of contracts, the newest last.

    A step of the whole relation is one of each contract: what was asked of a contract before it is over.
    """
    if state.stage != REQUESTED and not state.contracts:
        return []
    if ended(state):
        return []
    over = state.ended_at
    if over != NEVER:
        over = max(over, _said_at(state, "customer_since"))
    found = [state.step] if state.stage == REQUESTED and state.stage_at > over else []
    over = max(over, state.stage_at)
    found += [step for step in state.contracts if step.stage == REQUESTED and step.at > over]
    return found


def newest_request(state: State) -> Step | None:
    """Return the newest request to leave that stands; none when there is none."""
    found = requests(state)
    return found[-1] if found else None


def still_asked(state: State) -> bool:
    """Return whether a request stands that the last episode to save a contract served, or one of the whole relation, or the same anew."""
    return any(
        step.contract in (WHOLE, state.served_contract) or step.at <= state.served_stage_at
        for step in requests(state)
    )


def last_step_at(state: State) -> int:
    """Return when (ms) the newest request was made that stands; where none does, when the customer's last step was taken; `NEVER`
    without any."""
    request = newest_request(state)
    if request is not None:
        return request.at
    last = state.contracts[-1].at if state.contracts else NEVER
    return max(state.stage_at, state.ended_at, last)
