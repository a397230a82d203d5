"""What a fact says, in words for people: facts keep codes, and here they are read back. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streams.core import facts as f
from streams.core.facts import Fact, code_of

KINDS: Final = {f.CALL: "contact", f.SURVEY: "survey", f.CANCELLATION: "cancellation", f.OUTCOME: "callback"}
_FLAGS: Final = (
    (f.ABANDONED, "abandoned"),
    (f.RESOLVED, "resolved"),
    (f.UNRESOLVED, "unresolved"),
    (f.CANCEL_INTENT, "spoke of leaving"),
    (f.TRIED_ONLINE, "tried online first"),
    (f.ANSWERED, "question answered"),
    (f.NOT_ANSWERED, "question not answered"),
    (f.CALLBACK_REQUESTED, "asked to be called back"),
)


def text_of(fact: Fact, reasons: Iterable[str] = ()) -> str:
    """A fact in a line. `reasons`: business codes whose names may be shown; a fact keeps only a digest of
    its own.
    """
    said = [text for flag, text in _FLAGS if fact.flags & flag]
    if fact.kind == f.CALL:
        parts = ["inbound" if fact.flags & f.INBOUND else "outbound", f.CHANNELS[fact.a]]
        if fact.topic != code_of(""):
            named = {code_of(reason): reason for reason in reasons}
            parts.append(f"about {named.get(fact.topic, f'reason #{fact.topic:08x}')}")
        if fact.amount:
            parts.append(f"waited {fact.amount} s")
        parts += [
            f"{number} {text}" for number, text in ((fact.b, "IVR steps"), (fact.c, "transfers")) if number
        ]
    elif fact.kind == f.SURVEY:
        grades = (("CSAT", fact.a), ("NPS", fact.b - 1 if fact.b else None), ("CES", fact.c))
        parts = [
            f"{name} {grade}" for name, grade in grades if grade is not None and (grade or name == "NPS")
        ]
    elif fact.kind == f.CANCELLATION:
        parts = [f.STAGES[fact.a - 1], f"reason {f.REASONS[fact.b]}"]
    elif fact.kind == f.OUTCOME:
        parts = [f.DISPOSITIONS[fact.a].lower().replace("_", " ")]
    else:
        parts = [f"unknown kind {fact.kind}"]
    return ", ".join([*parts, *said])
