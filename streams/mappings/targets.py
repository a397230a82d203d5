"""What a field of an event takes, by its schema: a text, one of a few words, yes or no, a number, a time, a telephone number.

Owns the kinds of fields and which words stand for yes and no; how a value of each kind is read, `conversion.fields` knows.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from schemas.topics import EVENT_TYPES
from schemas.values import Whole

TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "1.0", "t", "ja", "j", "waar", "x"), True),
    **dict.fromkeys(("false", "no", "n", "0", "0.0", "f", "nee", "onwaar"), False),
}
"""Yes and no, in English and Dutch."""


class Kind(Enum):
    """How a field's value is read."""

    TEXT = auto()
    WORD = auto()
    TRUTH = auto()
    WHOLE = auto()
    DURATION = auto()
    NUMBER = auto()
    TIME = auto()
    PHONE = auto()


NUMBERS: Final = frozenset({Kind.WHOLE, Kind.DURATION, Kind.NUMBER})
_KINDS: Final = {bool: Kind.TRUTH, int: Kind.WHOLE, float: Kind.NUMBER, datetime: Kind.TIME, str: Kind.TEXT}


class Target(NamedTuple):
    """What a field of the schema takes."""

    kind: Kind
    words: dict[str, Any]
    """The values of a field that takes a few only, by their text in lower case."""

    @property
    def all_words(self) -> dict[str, Any]:
        """The words that a source may use for them without any translation."""
        return self.words | TRUTHS if self.kind is Kind.TRUTH else self.words

    @property
    def expected(self) -> str:
        """The words, for a message."""
        return "yes, no, true, false, 1, 0, ja, nee" if self.kind is Kind.TRUTH else ", ".join(self.words)


@cache
def target_of(event_type: str, name: str) -> Target:
    """Return what a field takes.

    >>> target_of("call", "resolved").kind.name, target_of("call", "wait_seconds").kind.name
    ('TRUTH', 'DURATION')
    """
    if name == "phone_e164":
        return Target(Kind.PHONE, {})
    field = EVENT_TYPES[event_type].model.model_fields[name]
    return _target(field.annotation, field.metadata)


def _target(annotation: Any, metadata: Iterable[Any]) -> Target:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _target(next(each for each in arguments if each is not NoneType), metadata)
    if origin is Annotated:
        return _target(arguments[0], arguments[1:])
    if origin is Literal:
        return Target(
            Kind.TRUTH if True in arguments else Kind.WORD, {str(each).lower(): each for each in arguments}
        )
    if annotation is int and any(isinstance(each, Whole) and each.duration for each in metadata):
        return Target(Kind.DURATION, {})
    return Target(_KINDS[annotation], {})
