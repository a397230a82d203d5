"""Talks: what the fact of a callback's outcome says of the conversation, if there was one.

Owns how the words of `schemas.dispositions` are read in facts, where they are numbers. It decides nothing.
"""

from typing import Final

from schemas.dispositions import DISPOSITION_RULES, RESULT_RULES
from streams.core.facts import DISPOSITIONS, OUTCOME, RESULTS, Fact

REACHED: Final = frozenset(
    [number for number, name in enumerate(DISPOSITIONS) if DISPOSITION_RULES[name].reached]
)
"""The dispositions in which the customer was reached, as numbers."""
SETTLED: Final = frozenset([number for number, name in enumerate(RESULTS) if RESULT_RULES[name].settled])
"""The results by which the matter is settled, as numbers; `UNSETTLED` and `LEAVING` alike."""
UNSETTLED: Final = frozenset([number for number, name in enumerate(RESULTS) if RESULT_RULES[name].unsettled])
LEAVING: Final = frozenset([number for number, name in enumerate(RESULTS) if RESULT_RULES[name].leaving])
_LEFT_OPEN: Final = UNSETTLED | LEAVING


def ended_in(fact: Fact, results: frozenset[int]) -> bool:
    """Return whether the fact of an outcome is of a talk with one of these results: who was not reached has said nothing.

    >>> talk = Fact(0, 7, OUTCOME, DISPOSITIONS.index("ANSWERED_HUMAN"), RESULTS.index("satisfied"), 0, 0, 0, 0)
    >>> ended_in(talk, SETTLED), ended_in(talk, LEAVING), ended_in(talk._replace(a=DISPOSITIONS.index("BUSY")), SETTLED)
    (True, False, False)
    """
    return fact.b in results and fact.a in REACHED


def left_open(fact: Fact) -> bool:
    """Return whether a fact is of a talk that leaves a ground to call again."""
    return fact.kind == OUTCOME and ended_in(fact, _LEFT_OPEN)
