"""Sentences for people, as the core asks for them: by code, with numbers, in a language. Which sentences there are is the shell's
(`streams.phrases`); the core is handed something that speaks, and reads no file.
"""

from collections.abc import Mapping
from math import ceil
from typing import Final, Protocol

Numbers = Mapping[str, int]
"""What a sentence may tell or choose its form by, by name. Whole, so that every language has a form for it."""

COUNT: Final = "count"
"""The number that every sentence has: see `told`."""
UNDETERMINED: Final = "und"
"""BCP 47's tag for no language in particular."""


class Wording(Protocol):
    """Something that speaks one language or more. The same question always has the same answer."""

    def language(self, asked: str | None) -> str:
        """Return the language (BCP 47) that is nearest to the one asked for; the default one when there is none, or none is asked for."""

    def sentence(self, code: str, numbers: Numbers, language: str) -> str:
        """Return what a code means in a language that `language` gave. Raises KeyError for a code or language that is not known."""


class Codes:
    """Speaks no language: says codes and numbers as they are. For whoever reads no sentences."""

    def language(self, _: str | None) -> str:
        """Return the tag for no language."""
        return UNDETERMINED

    def sentence(self, code: str, numbers: Numbers, _: str) -> str:
        """Return the code and its numbers."""
        return " ".join([code, *(f"{name}={number}" for name, number in numbers.items())])


CODES: Final = Codes()


def told(value: float) -> int:
    """Return the number that a sentence tells of a signal's value, which is never negative: the value itself where it counts; of what
    decays, how often it must have happened at the least, since each time counts 1 or less.

    >>> told(3.0), told(0.25), told(1.5)
    (3, 1, 2)
    """
    return ceil(value)
