"""What the core must know of an event type: the shape of a row of `table`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streams.core.facts import Fact
from streams.core.state import State

Codes = Mapping[int, str]
"""The business codes whose names may be shown, by `code_of`: a fact keeps no more than that number."""


def always(_: Any) -> bool:
    """Return True: every event of the type has something to register."""
    return True


class EventRules(NamedTuple):
    """One event type. What it has no use for stays as it is here."""

    kind: int = 0
    """The number of its facts in stored states (`facts.CALL` …), one byte; 0 when it leaves none."""
    fact: Callable[[Any, int], Fact] | None = None
    """The fact of an event at a time in ms. An event with a fact is refused beyond the horizon."""
    register: Callable[[State, Any, int, int], bool] | None = None
    """Updates the standing registers by an event, its time and the start of the horizon, in ms; False when that changes nothing.

    Each register takes a maximum over (time, content), so that neither order nor repetition matters."""
    registers: Callable[[Any], bool] = always
    """Whether `register` has anything to do for an event, whatever the state."""
    noun: str = ""
    """What people call the event that a fact stands for."""
    words: Callable[[Fact, Codes], list[str]] | None = None
    """What a fact says, in words."""
