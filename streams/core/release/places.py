"""Where a trigger may be after it was decided, and what each cause makes of it there: one table, complete at import.

Owns the table. What a cause changes besides the place (a lease, an attempt, a time to wait for) is `work`'s own; which cause it is
that happened, where several may be, is decided before the table is asked.
"""

from typing import Final, Literal, NamedTuple, get_args

Place = Literal[
    "unknown",
    "new",
    "queued",
    "open",
    "claimed",
    "handed_over",
    "waiting_retry",
    "retract_requested",
    "ended",
]
"""`new` was never out, `queued` was; the next four and `retract_requested` are known to somebody who dials."""

End = Literal["completed", "retracted", "expired", "failed", "suppressed"]

Cause = Literal[
    "decided",
    "adopted",
    "withdrawn",
    "suppressed",
    "released",
    "granted",
    "renewed",
    "given_back",
    "handed_over",
    "lapsed",
    "lease_unseen",
    "reached",
    "reached_before",
    "again",
    "later",
    "used_up",
    "retry_due",
    "time_over",
    "unaccounted",
    "unaccounted_last",
    "contact_started",
    "contact_over",
    "contact_served",
    "stopped",
    "too_late",
    "window_closed",
    "skill_stopped",
    "shadow_over",
    "escalated",
    "erased",
]

PLACES: Final[tuple[Place, ...]] = get_args(Place)
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
ENDS: Final[tuple[End, ...]] = get_args(End)
ENDED_BEFORE: Final = "ended_before"
"""`status_reason` of the answer to a decision that reached the desk when its trigger had ended."""
OUT: Final[frozenset[str]] = frozenset({"open", "claimed", "handed_over", "retract_requested"})
"""Where somebody may be calling the customer, or about to: of a customer one trigger at a time."""
WAITING: Final[frozenset[str]] = frozenset({"new", "queued"})
"""From where it may be released."""


class Step(NamedTuple):
    """What a cause makes of a trigger: its next place, with which end, and what comes after a request to stop.

    `to` is `then` where it goes to what the request was made for; where that was the queue and there is a `then`, to that end instead.
    """

    to: Place | Literal["then"]
    said: bool = True
    """Whether a record of the trigger goes out."""
    end: End | Literal[""] = ""
    then: End | Literal["", "queued"] = ""


class Ignored(NamedTuple):
    """A cause that changes nothing there, and why: counted under that word."""

    why: str


Cell = Step | Ignored


class TableError(Exception):
    """The table lacks a cell, or has one that leads nowhere; the message names it."""


_UNKNOWN: Final = Ignored("unknown_trigger")
_OVER: Final = Ignored("over")
_NOT_OUT: Final = Ignored("not_out")
_NOBODY: Final = Ignored("nobody_has_it")
_ASKED: Final = Ignored("asked_already")
_NOT_NOW: Final = Ignored("does_not_wait_for_it")


def _end(end: End, *, said: bool = True) -> Step:
    return Step("ended", said, end)


def _ask(then: End | Literal["queued"], *, said: bool = True) -> Step:
    return Step("retract_requested", said, then=then)


def _row(
    new: Cell,
    queued: Cell,
    open: Cell,  # noqa: A002  (a place)
    claimed: Cell,
    handed_over: Cell,
    waiting_retry: Cell,
    retract_requested: Cell,
    ended: Cell = _OVER,
    unknown: Cell = _UNKNOWN,
) -> dict[str, Cell]:
    return {
        "unknown": unknown,
        "new": new,
        "queued": queued,
        "open": open,
        "claimed": claimed,
        "handed_over": handed_over,
        "waiting_retry": waiting_retry,
        "retract_requested": retract_requested,
        "ended": ended,
    }


_QUIET_NEW: Final = Step("new", said=False)
_QUIET_QUEUED: Final = Step("queued", said=False)
_QUIET_RETRY: Final = Step("waiting_retry", said=False)
_QUIET_ASKED: Final = Step("retract_requested", said=False)
_THEN: Final = Step("then")
_THEN_FAILED: Final = Step("then", then="failed")
_THEN_EXPIRED: Final = Step("then", then="expired")

# fmt: off
TABLE: Final[dict[str, dict[str, Cell]]] = {
    # An upgrade needs a place of its new skill; a claim stays, with the new fields. After the end the record is sent again with the
    # decision that crossed it, so that whoever decides knows that nobody will call for it.
    "decided": _row(
        _QUIET_NEW, Step("queued"), Step("queued"), Step("claimed"), Step("handed_over"), Step("queued"), _QUIET_ASKED,
        ended=Step("ended"), unknown=_QUIET_NEW,
    ),
    # An episode that a release of before published itself: dialers have it.
    "adopted": _row(
        _ASKED, _ASKED, _ASKED, _ASKED, _ASKED, _ASKED, _ASKED, ended=_OVER, unknown=Step("handed_over", said=False),
    ),
    "withdrawn": _row(
        _end("suppressed"), _end("retracted"), _end("retracted"), _ask("retracted"), _ask("retracted"), _end("retracted"),
        Step("retract_requested", said=False, then="retracted"),
    ),
    # No number, or no hour in which a call is allowed before the validity is over.
    "suppressed": _row(
        _end("suppressed"), _end("expired"), _NOT_NOW, _NOT_NOW, _NOT_NOW, _end("expired"), _NOT_NOW,
    ),
    "released": _row(Step("open"), Step("open"), _NOT_NOW, _NOT_NOW, _NOT_NOW, _NOT_NOW, _NOT_NOW),
    "granted": _row(_NOT_OUT, _NOT_OUT, Step("claimed"), _NOT_NOW, _NOT_NOW, _NOT_OUT, _ASKED),
    "renewed": _row(_NOBODY, _NOBODY, _NOBODY, Step("claimed"), _NOBODY, _NOBODY, _ASKED),
    "given_back": _row(_NOBODY, _NOBODY, _NOBODY, Step("open"), Step("open"), _NOBODY, _THEN),
    # A push dialer, which cannot say more until the call is over.
    "handed_over": _row(_NOBODY, _NOBODY, _NOBODY, Step("handed_over"), _NOBODY, _NOBODY, _QUIET_ASKED),
    # The lease is over, and whatever was reported within it has been read: nobody called.
    "lapsed": _row(_NOBODY, _NOBODY, _NOBODY, Step("open"), _NOBODY, _NOBODY, _THEN),
    # The lease is over, and its outcome may be under way.
    "lease_unseen": _row(_NOBODY, _NOBODY, _NOBODY, Step("handed_over"), _NOBODY, _NOBODY, _NOT_NOW),
    "reached": _row(
        _end("completed"), _end("completed"), _end("completed"), _end("completed"), _end("completed"), _end("completed"), _end("completed"),
    ),
    # The outcome of an earlier attempt came late, and somebody may be calling again.
    "reached_before": _row(
        _end("completed"), _end("completed"), _end("completed"), _ask("completed"), _ask("completed"), _end("completed"),
        Step("retract_requested", said=False, then="completed"),
    ),
    "again": _row(
        _NOT_OUT, _NOT_OUT, Step("waiting_retry"), Step("waiting_retry"), Step("waiting_retry"), _NOT_NOW, _THEN,
    ),
    # The customer chose a time: with it comes a new decision.
    "later": _row(
        _NOT_OUT, _NOT_OUT, Step("waiting_retry"), Step("waiting_retry"), Step("waiting_retry"), _NOT_NOW, _THEN,
    ),
    "used_up": _row(
        _end("failed"), _end("failed"), _end("failed"), _end("failed"), _end("failed"), _end("failed"), _THEN_FAILED,
    ),
    "retry_due": _row(_NOT_NOW, _NOT_NOW, _NOT_NOW, _NOT_NOW, _NOT_NOW, Step("queued"), _NOT_NOW),
    # Of a claim at the end of its lease, of a hand-over at its time-out, else at once.
    "time_over": _row(
        _end("expired"), _end("expired"), _end("expired"), _end("expired"), _end("expired"), _end("expired"), _THEN_EXPIRED,
    ),
    "unaccounted": _row(_NOBODY, _NOBODY, _NOBODY, _NOBODY, Step("waiting_retry"), _NOBODY, _THEN),
    "unaccounted_last": _row(_NOBODY, _NOBODY, _NOBODY, _NOBODY, _end("failed"), _NOBODY, _THEN_FAILED),
    "contact_started": _row(
        _QUIET_NEW, _QUIET_QUEUED, Step("queued"), _ask("queued"), _ask("queued"), _QUIET_RETRY, _QUIET_ASKED,
    ),
    "contact_over": _row(
        _QUIET_NEW, _QUIET_QUEUED, _NOT_NOW, _NOT_NOW, _NOT_NOW, _QUIET_RETRY, _QUIET_ASKED,
    ),
    "contact_served": _row(
        _end("completed"), _end("completed"), _end("completed"), _ask("completed"), _ask("completed"), _end("completed"),
        Step("retract_requested", said=False, then="completed"),
    ),
    # The holder's answers to a request to stop.
    "stopped": _row(_NOBODY, _NOBODY, _NOBODY, Step("open"), Step("open"), _NOBODY, _THEN),
    "too_late": _row(_NOBODY, _NOBODY, _NOBODY, Step("handed_over"), _NOT_NOW, _NOBODY, _QUIET_ASKED),
    "window_closed": _row(_QUIET_NEW, _QUIET_QUEUED, Step("queued"), _NOT_NOW, _NOT_NOW, _QUIET_RETRY, _NOT_NOW),
    "skill_stopped": _row(
        _QUIET_NEW, _QUIET_QUEUED, Step("queued"), _ask("queued"), _ask("queued"), _QUIET_RETRY, _QUIET_ASKED,
    ),
    # A release in shadow, which nobody answers: its lease is over, or the skill goes live.
    "shadow_over": _row(_NOT_OUT, _NOT_OUT, Step("queued"), _NOT_OUT, _NOT_OUT, _NOT_OUT, _NOT_OUT),
    "escalated": _row(
        Step("new"), Step("queued"), Step("open"), Step("claimed"), Step("handed_over"), Step("waiting_retry"), Step("retract_requested"),
    ),
    "erased": _row(
        _end("retracted", said=False), _end("retracted"), _end("retracted"), _end("retracted"), _end("retracted"), _end("retracted"),
        _end("retracted"),
    ),
}
# fmt: on


def check(table: dict[str, dict[str, Cell]]) -> None:
    """Raise `TableError` for a cell that is missing, or that does not say where it leads."""
    for cause in CAUSES:
        if cause not in table:
            raise TableError(f"the cause {cause!r} has no row in streams.core.release.places")
        for place in PLACES:
            cell = table[cause].get(place)
            if cell is None:
                raise TableError(
                    f"the cell of {cause!r} at {place!r} is missing in streams.core.release.places"
                )
            if isinstance(cell, Step):
                if (cell.to == "ended") != bool(cell.end) and not (place == "ended" and cell.to == "ended"):
                    raise TableError(f"the cell of {cause!r} at {place!r} ends a trigger without saying how")
                if cell.to == "then" and place != "retract_requested":
                    raise TableError(
                        f"the cell of {cause!r} at {place!r} goes on with a request that nobody made"
                    )
    for row in table:
        if row not in CAUSES:
            raise TableError(f"{row!r} is no cause: declare it in streams.core.release.places")


check(TABLE)


def step(cause: Cause, place: str) -> Cell:
    """Return what a cause makes of a trigger in this place.

    >>> step("granted", "open")
    Step(to='claimed', said=True, end='', then='')
    >>> step("granted", "claimed")
    Ignored(why='does_not_wait_for_it')
    """
    return TABLE[cause][place]
