"""What each disposition and each result of a callback means: two tables that everything else reads.

Owns the words and what they say of an attempt. How a state keeps them is the core's (`streams.core.facts`), what a report counts the
sink's. `docs/outcomes.md` shows both tables; a test walks every cell.
"""

from typing import Final, Literal, NamedTuple, get_args

from schemas.outcome import CallbackResult, Disposition
from schemas.parts import complete

Next = Literal["completed", "again", "later", "failed", "barred", "returned", "awaited"]
"""What comes after an attempt, by default."""

NEXT: Final[dict[Next, str]] = {
    "completed": "The callback is given.",
    "again": "Another attempt, after a while.",
    "later": "Another attempt, at the time that the customer chose (`callback_at`) if there is one.",
    "failed": "No attempt can succeed.",
    "barred": "The customer is not called any more.",
    "returned": "Nobody was called: what was to come before still comes.",
    "awaited": "The attempt goes on; its own outcome is still to come.",
}


class DispositionRules(NamedTuple):
    """One disposition."""

    meaning: str
    reached: bool
    """The right party was spoken to, so that the callback is given."""
    attempt: bool
    """It counts as an attempt to call."""
    final: bool
    """It ends the matter: no further attempt."""
    next: Next


DISPOSITION_RULES: Final[dict[Disposition, DispositionRules]] = {
    "ANSWERED_HUMAN": DispositionRules(
        "The customer was spoken to.", reached=True, attempt=True, final=True, next="completed"
    ),
    "NO_ANSWER": DispositionRules(
        "Nobody picked up.", reached=False, attempt=True, final=False, next="again"
    ),
    "BUSY": DispositionRules("The line was engaged.", reached=False, attempt=True, final=False, next="again"),
    "MACHINE": DispositionRules(
        "A machine picked up, and no message was left.",
        reached=False,
        attempt=True,
        final=False,
        next="again",
    ),
    "INVALID_NUMBER": DispositionRules(
        "The number does not exist, or no call gets through to it.",
        reached=False,
        attempt=True,
        final=True,
        next="failed",
    ),
    "ABANDONED": DispositionRules(
        "Somebody picked up, and the call ended before an agent was there.",
        reached=False,
        attempt=True,
        final=False,
        next="again",
    ),
    "DO_NOT_CALL": DispositionRules(
        "An objection to being called, which holds from then on.",
        reached=False,
        attempt=True,
        final=True,
        next="barred",
    ),
    "CALLBACK_LATER": DispositionRules(
        "The customer asked for another time: the talk is still to come.",
        reached=False,
        attempt=True,
        final=False,
        next="later",
    ),
    "WRONG_PARTY": DispositionRules(
        "Somebody else was spoken to.", reached=False, attempt=True, final=False, next="again"
    ),
    "LEFT_MESSAGE": DispositionRules(
        "A message was left, on a machine or with somebody.",
        reached=False,
        attempt=True,
        final=False,
        next="again",
    ),
    "REFUSED": DispositionRules(
        "The customer was spoken to and did not want this talk; no objection to other calls.",
        reached=True,
        attempt=True,
        final=True,
        next="completed",
    ),
    "TECHNICAL_FAILURE": DispositionRules(
        "The call failed on our side; it says nothing of the customer.",
        reached=False,
        attempt=False,
        final=False,
        next="again",
    ),
    "STOPPED": DispositionRules(
        "The dialer took it back before calling.", reached=False, attempt=False, final=False, next="returned"
    ),
    "TOO_LATE": DispositionRules(
        "The dialer was asked to stop when the call was already placed.",
        reached=False,
        attempt=False,
        final=False,
        next="awaited",
    ),
}

complete("disposition", get_args(Disposition), "row", DISPOSITION_RULES, "schemas.dispositions")

REACHED: Final = tuple(name for name, rules in DISPOSITION_RULES.items() if rules.reached)
"""The dispositions that say that the customer was reached."""
ATTEMPTS: Final = tuple(name for name, rules in DISPOSITION_RULES.items() if rules.attempt)
"""Those that count as an attempt."""
FINAL: Final = frozenset(name for name, rules in DISPOSITION_RULES.items() if rules.final)
"""Those after which there is no further attempt."""


class ResultRules(NamedTuple):
    """What the customer said in a talk; of whoever was not reached it says nothing."""

    meaning: str
    settled: bool = False
    """The matter is done with, and the customer content."""
    unsettled: bool = False
    """The matter is as it was."""
    leaving: bool = False
    """The customer means to go."""

    @property
    def left_open(self) -> bool:
        """The talk leaves a ground to call again."""
        return self.unsettled or self.leaving


RESULT_RULES: Final[dict[CallbackResult, ResultRules]] = {
    "satisfied": ResultRules("The matter is settled, and the customer content.", settled=True),
    "unresolved": ResultRules("The matter is not settled.", unsettled=True),
    "will_leave": ResultRules("The customer says that they will leave.", leaving=True),
    "competitor": ResultRules("The customer says that they go to a competitor.", leaving=True),
    "other": ResultRules("Something else."),
    "unknown": ResultRules("Not said."),
}

complete("result", get_args(CallbackResult), "row", RESULT_RULES, "schemas.dispositions")
