"""By how much a new fact can raise logit(score) at most, under one policy."""

from dataclasses import dataclass
from math import inf
from typing import Final

from streams.core.outlook.arrival import Arrival
from streams.core.outlook.edges import KIND_BITS
from streams.core.outlook.rises import Most, one, rise_of
from streams.core.plan import Plan
from streams.core.signals import SIGNALS, Signal

MOST_SIGNALS: Final = 64
"""Bits of `State.saturated`."""
_FLAG_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class _Raise:
    """A weighed signal. `top` is the most that it can count for, `bit` its place in `State.saturated`."""

    weight: float
    top: float
    bit: int
    most: Most
    signal: Signal


@dataclass(frozen=True, slots=True)
class _Gain:
    """What a fact of one kind, with its flags, adds at most: `least`, and what depends on the fact itself."""

    least: float
    varying: list[_Raise]


class Gains:
    """The gains under one policy, each found once."""

    def __init__(self, plan: Plan) -> None:
        self._raises: dict[str, _Raise] = {}
        for index, (name, each) in enumerate(plan.weighed.items()):
            rise = rise_of(name)
            self._raises[name] = _Raise(
                each.weight, min(each.cap, rise.top), 1 << index, rise.most, each.signal
            )
        self._rule_signals = tuple(SIGNALS[rule.signal] for rule in plan.rules)
        # The keys are whole numbers, packed: a tuple would be made and hashed for each fact.
        self._known: dict[int, _Gain] = {}

    def of(self, new: Arrival, saturated: int) -> float:
        """By how much a new fact can raise logit(score) at most; infinite when a rule may match."""
        fact = new.fact
        key = (saturated << _FLAG_BITS | fact.flags) << KIND_BITS | fact.kind
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._of(fact.kind, fact.flags, saturated)
        gain = found.least
        for each in found.varying:
            most = each.most(new)
            if most:
                gain += each.weight * min(each.top, most)
        return gain

    def _of(self, kind: int, flags: int, saturated: int) -> _Gain:
        if any(each.concerns(kind, flags) for each in self._rule_signals):
            return _Gain(inf, [])
        gain = 0.0
        varying: list[_Raise] = []
        for each in self._raises.values():
            if each.weight <= 0 or saturated & each.bit or not each.signal.concerns(kind, flags):
                continue
            if each.most is one:
                gain += each.weight * min(each.top, 1.0)
            else:
                varying.append(each)
        return _Gain(gain, varying)

    def saturated(self, readings: dict[str, float]) -> int:
        """Return the weighed signals that count for all that they can, bit by bit: they cannot raise the score any more."""
        bits = 0
        for name, value in readings.items():
            each = self._raises.get(name)
            if each is not None and value >= each.top:
                bits |= each.bit
        return bits
