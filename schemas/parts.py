"""What each thing that we declare once needs elsewhere: a part that is missing is an error at import, by name.

Owns the check and its words. An event type is declared in `schemas.topics`; how it is folded into a state, which table its rows
go to and the like live where they belong, and each of these places calls `complete`.
"""

from collections.abc import Collection
from typing import TypeVar, get_args

WordT = TypeVar("WordT")


class MissingPartError(TypeError):
    """Something was declared and one of its parts was forgotten, or the reverse; the message says where to add what."""


def complete(thing: str, declared: Collection[str], part: str, given: Collection[str], place: str) -> None:
    """Compare the names that are `declared` with those for which a `part` is `given`. Raises MissingPartError at a difference.

    >>> complete("event type", {"call", "visit"}, "table", {"call"}, "sinks.clickhouse.tables")
    Traceback (most recent call last):
    ...
    schemas.parts.MissingPartError: event type 'visit' has no table: add it in sinks.clickhouse.tables
    """
    for name in declared:
        if name not in given:
            raise MissingPartError(f"{thing} {name!r} has no {part}: add it in {place}")
    for name in given:
        if name not in declared:
            raise MissingPartError(
                f"{place} has a {part} for {name!r}, which is no {thing}: declare it, or remove that"
            )


def numbered(vocabulary: object, order: tuple[WordT, ...]) -> tuple[WordT, ...]:
    """Return the words of a `Literal`, in the order of the numbers under which they are stored. Raises MissingPartError when they differ.

    >>> from typing import Literal
    >>> numbered(Literal["yes", "no", "perhaps"], ("no", "yes"))
    Traceback (most recent call last):
    ...
    schemas.parts.MissingPartError: 'perhaps' has no number: append it to ('no', 'yes'); what is stored holds the others' numbers, so they stay
    """
    words = get_args(vocabulary)
    for word in words:
        if word not in order:
            raise MissingPartError(
                f"{word!r} has no number: append it to {order!r}; what is stored holds the others' numbers, so they stay"
            )
    for word in order:
        if word not in words:
            raise MissingPartError(f"{word!r} is not in the schema any more, but what is stored may hold it")
    if len(set(order)) != len(order):
        raise MissingPartError(f"a word has two numbers: {order!r}")
    return order
