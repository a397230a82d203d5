"""Fields of a policy as its rules read them: of a model, or as a file has them (all of it text). What cannot be read is None, or empty."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

from schemas.trigger import Purpose
from streams.core.purposes import BY_SCORE, OBLIGATIONS

Fields = Mapping[str, Any]
_NO: Final = frozenset({"0", "f", "false", "n", "no", "off"})


class Broken(NamedTuple):
    """A rule that does not hold: where the policy says so (keys and places in lists), and what would be right."""

    location: tuple[str | int, ...]
    said: str


Rule = Callable[[Fields], Iterator[Broken]]


def mapping(value: Any) -> Fields:
    """Return the value where it has keys, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    """Return the value where it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def number(value: Any) -> float | None:
    """Return a finite number, also one in a text."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def true(value: Any) -> bool:
    """Return what a switch says, also in a text."""
    return str(value).lower() not in _NO


def openers(fields: Fields) -> Iterator[tuple[Purpose, str]]:
    """Yield the purposes of which a policy of these fields can open episodes, and by which of them."""
    if true(fields.get("act_on_requests", True)):
        for purpose, _, _ in OBLIGATIONS:
            yield purpose, "act_on_requests"
    if fields.get("score"):
        yield BY_SCORE, "the score"
    elif fields.get("rules"):
        yield BY_SCORE, "a rule"
