"""What a fact says, in words for people: facts keep codes, and here they are read back. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable

from streams.core.events.table import BY_KIND
from streams.core.facts import Fact, code_of


def text_of(fact: Fact, reasons: Iterable[str] = ()) -> str:
    """Return a fact in a line. `reasons`: business codes whose names may be shown; a fact keeps only a digest of
    its own.
    """
    rules = BY_KIND.get(fact.kind)
    if rules is None or rules.words is None:
        return f"unknown kind {fact.kind}"  # of a newer release, whose states hold more
    return ", ".join(rules.words(fact, {code_of(reason): reason for reason in reasons}))


def noun_of(fact: Fact) -> str:
    """Return what people call the event that a fact stands for."""
    rules = BY_KIND.get(fact.kind)
    return "fact" if rules is None else rules.noun
