"""What the core must know of an event type: the shape of a row of `table`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streams.core.facts import Fact
from streams.core.records import Decoded
from streams.core.state import State

Codes = Mapping[int, str]
"""The business codes whose names may be shown, by `code_of`: a fact keeps no more than that number."""


def always(_: Fact) -> bool:
    """Return True: every fact of the type has something to register."""
    return True


class EventRules(NamedTuple):
    """One event type. What it has no use for stays as it is here."""

    kind: int = 0
    """The number of its facts in stored states (`facts.CALL` …), one byte; 0 when it leaves none."""
    fact: Callable[[Any, int, int, int], Fact] | None = None
    """The fact of an event at a time in ms, of a version: its revision and its arrival. An event with a fact is refused beyond the
    horizon."""
    register: Callable[[State, Fact], bool] | None = None
    """Updates the standing registers by a fact that counts; False when that changes nothing.

    Each register takes a maximum over (time, content), so that neither order nor repetition matters."""
    registers: Callable[[Fact], bool] = always
    """Whether `register` has anything to do for a fact, whatever the state."""
    revoke: Callable[[State, Fact, int], None] | None = None
    """Makes the registers that hold what this fact said anew, once it gave way to a correction: from the facts that stand, which are
    complete since the time given, in ms. What registers goes with it."""
    insist: Callable[[State, Fact], bool] | None = None
    """Registers what no correction takes back, also of a version that does not count; False when that changes nothing."""
    stand: Callable[[State, Decoded, int], bool | None] | None = None
    """Of an event that leaves no fact: puts it in place of the one that stands, if it is later. None when it is not, False when it is
    and says the same. The time is the start of the horizon, in ms."""
    noun: str = ""
    """What people call the event that a fact stands for."""
    words: Callable[[Fact, Codes], list[str]] | None = None
    """What a fact says, in words."""
