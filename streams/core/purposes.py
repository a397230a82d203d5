"""The purposes of a callback, and what ends an episode: two tables that everything else reads.

Owns, per purpose, how strong it is, what its ground is, how that ground is marked as served, until when a call makes sense, and
on whose wish one calls; and every way in which an open episode ends. A purpose or a cause that is not in its table is a
KeyError at once. `docs/episodes.md` shows both; a test walks every cell.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from schemas.trigger import DecisionStatus, Purpose
from streams.core import facts as f
from streams.core.barred import last_step_at, newest_request
from streams.core.state import NEVER, State
from streams.core.steps import WHOLE
from streams.core.talks import left_open

_NO_GROUND: Final = (f.OUTCOME, f.GONE)


def newest_ground(state: State) -> int:
    """Return when the customer last gave a ground to be called: the newest fact that is not an outcome of ours, or is that of the
    last talk, which left the matter open."""
    for fact in reversed(state.facts):
        if fact.kind not in _NO_GROUND or (fact.at == state.given_at and left_open(fact)):
            return fact.at
    return NEVER


def before_talk(state: State, at: int) -> int:
    """Return up to when (ms) a talk at `at` (ms) serves the score's grounds: one that left the matter open is a ground itself."""
    return at - 1 if any(fact.at == at and left_open(fact) for fact in reversed(state.facts)) else at


def request_waits(state: State) -> bool:
    """Return whether a callback was asked for, not given since, and not served by an episode of its own."""
    return state.request_open and state.requested_at > state.served_request_at


def stage_waits(state: State) -> bool:
    """Return whether a cancellation is requested, which can be withdrawn, and was not served by an episode of its own."""
    request = newest_request(state)
    return request is not None and request.at > state.served_stage_at


def _requested_end(state: State) -> int:
    """Return when (ms) the contract ends of the newest request; `NEVER` where that is not known."""
    request = newest_request(state)
    return NEVER if request is None else request.effective or NEVER


class Ground(NamedTuple):
    """What gives reason to call; several purposes may share one."""

    meaning: str
    newest: Callable[[State], int]
    """When (ms) it was given last; `NEVER` when it never was."""
    served: str
    """The field of the state that says up to when it has been served."""
    scored: bool
    """Judged anew each time, so that it is given *now*; an episode that it opens gives the customer a rest from calls of ours."""


REQUEST: Final = Ground(
    "a callback that was asked for", lambda state: state.requested_at, "served_request_at", scored=False
)
STAGE: Final = Ground(
    "a cancellation that can be withdrawn, the newest over contracts",
    last_step_at,
    "served_stage_at",
    scored=False,
)
SCORE: Final = Ground("the score, or a rule", newest_ground, "scored_at", scored=True)
GROUNDS: Final = (REQUEST, STAGE, SCORE)


def serve(state: State, ground: Ground, until: int) -> None:
    """Mark a ground as served up to `until` (ms)."""
    setattr(state, ground.served, until)
    if ground is STAGE and until == NEVER:
        state.served_contract = WHOLE


def served(state: State, ground: Ground) -> int:
    """Return up to when (ms) a ground has been served."""
    until: int = getattr(state, ground.served)
    return until


Cause = Literal[
    "deceased", "do_not_call", "cancellation_confirmed", "answered", "time_over", "request_given", "request_withdrawn",
    "contract_ended", "stage_left", "cooled_down", "erased",
]  # fmt: skip
"""Why an open episode ends."""


class Ending(NamedTuple):
    """With what an open episode ends by one cause."""

    status: DecisionStatus
    reason: str
    """`status_reason` of the last record."""
    meaning: str


ENDINGS: Final[dict[Cause, Ending]] = {
    "deceased": Ending("retracted", "deceased", "The customer has died."),
    "do_not_call": Ending(
        "retracted", "do_not_call", "The customer, or the profile, objects to being called."
    ),
    "cancellation_confirmed": Ending(
        "retracted", "cancellation_confirmed", "The whole relation is ended: nothing is left to save."
    ),
    "answered": Ending("completed", "customer_reached", "An outcome says that the customer was reached."),
    "time_over": Ending("expired", "validity_over", "The last moment at which the call made sense is over."),
    "request_given": Ending(
        "completed", "customer_reached", "The callback that was asked for has been given."
    ),
    "request_withdrawn": Ending(
        "retracted", "request_withdrawn", "A correction says that no callback was asked for."
    ),
    "contract_ended": Ending(
        "retracted",
        "cancellation_confirmed",
        "The contract that was to be saved is ended; others may go on.",
    ),
    "stage_left": Ending(
        "retracted", "cancellation_withdrawn", "The cancellation is no longer one that was requested."
    ),
    "cooled_down": Ending(
        "retracted", "cooled_down", "The score has fallen below `close_below`, and no rule matches."
    ),
    "erased": Ending(
        "retracted",
        "erased",
        "The customer is erased; the record holds no telephone number and names no event.",
    ),
}
"""Every way out of an open episode, in the order in which they are asked; nothing leads out of an ended one."""


class PurposeRules(NamedTuple):
    """One purpose."""

    strength: int
    """The stronger purpose takes over an open episode."""
    ground: Ground
    waits: Callable[[State], bool] | None
    """Whether its ground is there and not served, where a register tells; None where the score, or a rule, decides."""
    reason: str
    """The reason code that goes with it; empty where the score, or a rule, gives one."""
    basis: Literal["customer_request", "service_without_offer"]
    """On whose wish we call."""
    cap: Callable[[State], int] | None
    """A time (ms; `NEVER` for none) after which a call makes no sense, whatever the policy says."""
    ends: tuple[Cause, ...]
    """What ends its episodes, beside what ends every one."""


PURPOSES: Final[dict[Purpose, PurposeRules]] = {
    "requested_callback": PurposeRules(
        4,
        REQUEST,
        request_waits,
        "callback_requested",
        "customer_request",
        None,
        ("request_given", "request_withdrawn"),
    ),
    "save": PurposeRules(
        3,
        STAGE,
        stage_waits,
        "cancellation_requested",
        "service_without_offer",
        _requested_end,
        ("contract_ended", "stage_left"),
    ),
    "incident": PurposeRules(2, SCORE, None, "", "service_without_offer", None, ()),
    "service_recovery": PurposeRules(1, SCORE, None, "", "service_without_offer", None, ("cooled_down",)),
}
"""From the strongest to the weakest."""

BY_SCORE: Final[Purpose] = "service_recovery"
"""What the score, or a rule, opens."""

OBLIGATIONS: Final = tuple(
    (purpose, rules.reason, rules.waits) for purpose, rules in PURPOSES.items() if rules.waits is not None
)
"""What is owed as soon as it is asked for, the strongest first: purpose, reason code, and whether it waits."""


def owed(state: State) -> bool:
    """Return whether an obligation waits."""
    return request_waits(state) or stage_waits(state)
