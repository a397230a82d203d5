"""A new fact beside those that a customer has, which stay packed: what bounds look at instead of a history."""

from collections.abc import Callable
from typing import Final

from streams.core.facts import FACT, FACT_TIME, TOPIC_AT, Fact
from streams.core.history import Parameters

_time_at: Final[Callable[[bytes, int], tuple[int]]] = FACT_TIME.unpack_from
"""When (ms) the fact happened that is packed from this place."""


class Arrival:
    """A customer's newest fact, and those that it joins: oldest first and still packed in `data` from `start` to `end`."""

    __slots__ = ("data", "end", "fact", "parameters", "start")

    def __init__(self, fact: Fact, data: bytes, start: int, end: int, parameters: Parameters) -> None:
        self.fact = fact
        self.data = data
        self.start = start
        self.end = end
        self.parameters = parameters

    def follows(self, number: int, window: int) -> bool:
        """Return whether `number` facts or more happened within the `window` ms before."""
        place = self.end - number * FACT.size
        return place >= self.start and _time_at(self.data, place)[0] > self.fact.at - window

    def before(self) -> Fact | None:
        """Return the newest of those that it joins."""
        place = self.end - FACT.size
        return Fact._make(FACT.unpack_from(self.data, place)) if place >= self.start else None

    def repeats(self) -> bool:
        """Return whether one on the same topic happened within `repeat_within`."""
        wanted, end = self.fact.topic.to_bytes(4, "little"), self.end
        while (place := self.data.rfind(wanted, self.start, end)) >= 0:
            index, within = divmod(place - self.start, FACT.size)
            if within == TOPIC_AT:
                at = _time_at(self.data, self.start + index * FACT.size)[0]
                return at >= self.fact.at - self.parameters.repeat_within
            end = place + 3
        return False
