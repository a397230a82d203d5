"""The schedule: which faults happen together and in which order, as a pure function of seed and profile.

Owns the choice. Signals workers, the sink with its store, and producers are three lanes that are hit at the same time, since they
do not share a group; a fault of the brokers and their logs hits everyone and comes alone. It must not act.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import zip_longest
from random import Random
from typing import Final, NamedTuple

from tests.chaos.profile import FAIL_POINT, FAIL_POINTS, FROZEN_POINT, FROZEN_POINTS, Profile

_PLACES: Final = {FAIL_POINT: FAIL_POINTS, FROZEN_POINT: FROZEN_POINTS}


class Fault(NamedTuple):
    """One fault: its class, whom it hits, and a number from 0 to 1 that chooses among victims and durations."""

    group: str
    kind: str
    chance: float
    detail: str = ""

    @property
    def name(self) -> str:
        """For people and for counting."""
        return f"{self.group}: {self.kind}" + (f" {self.detail}" if self.detail else "")


How = Callable[[Fault], Awaitable[None]]
"""Carries out faults of one class, and returns when the workers have recovered."""

Round = tuple[Fault, ...]
"""What happens at the same time; the next round waits until this one is over and the workers have recovered."""


def schedule(seed: int, profile: Profile) -> list[Round]:
    """The rounds of a run. Equal arguments give equal rounds."""
    random = Random(f"schedule/{seed}")
    lanes: dict[str, list[Fault]] = {"signals": [], "sink": [], "feeder": [], "kafka": []}
    for (group, kind), count in profile.counts.items():
        lane = lanes["sink" if group == "clickhouse" else group]
        for number in range(count):
            places = _PLACES.get(kind, ("",))
            point = places[number % len(places)]
            lane.append(Fault(group, kind, random.random(), point))
    for lane in lanes.values():
        random.shuffle(lane)
    rounds: list[Round] = [
        tuple(fault for fault in together if fault is not None)
        for together in zip_longest(lanes["signals"], lanes["sink"], lanes["feeder"])
    ]
    random.shuffle(rounds)
    for fault in lanes["kafka"]:
        rounds.insert(random.randint(1, len(rounds)), (fault,))
    return rounds
