"""A policy as flat numbers, made once: what the hot road of an event reads instead of the policy's own objects.

Owns no rule: every number here follows from the policy and from what the signals declare of themselves.
"""

from dataclasses import dataclass
from math import exp, inf, log
from typing import TYPE_CHECKING, Final
from zlib import crc32

from streams.core.history import HOUR, Arrival, Parameters, added
from streams.core.purposes import BY_SCORE
from streams.core.signals import SIGNALS, Signal, one

if TYPE_CHECKING:
    from streams.core.policy import Policy

EPSILON: Final = 1e-9
"""A logit this near to a threshold counts as having crossed it: sums in another order differ by less."""
_KIND_BITS: Final = 8
"""Of a packed key: a fact's kind is one byte."""
MOST_SIGNALS: Final = 64
"""Bits of `State.saturated`."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One signal that the policy weighs. `top` is the most that it can count for, `bit` its place in `State.saturated`."""

    weight: float
    cap: float
    top: float
    bit: int
    signal: Signal


@dataclass(frozen=True, slots=True)
class Gain:
    """What a fact of one kind, with its flags, adds to logit(score) at most: `least`, and what depends on the fact."""

    least: float
    varying: list[Weighed]


def logit(probability: float) -> float:
    """The logarithm of the odds; infinite at 0 and 1."""
    if probability <= 0:
        return -inf
    return inf if probability >= 1 else log(probability / (1 - probability))


class Plan:
    """The tables of one policy."""

    def __init__(self, policy: "Policy") -> None:
        self.parameters: Parameters = policy.parameters
        self.fingerprint = crc32(policy.label.encode()) or 1
        self.used = tuple(SIGNALS[name] for name in policy.used)
        weights = policy.score.weights if policy.score else {}
        self.weighed = {
            name: Weighed(each.weight, each.cap, min(each.cap, SIGNALS[name].top), 1 << index, SIGNALS[name])
            for index, (name, each) in enumerate(weights.items())
        }
        self.intercept = policy.score.intercept.value if policy.score else -inf
        self.open_at = logit(policy.score.open_at) if policy.score else inf
        self.opens_at = policy.score.open_at if policy.score else inf
        """From which score a call is due."""
        self.rules = policy.rules
        self.act_on_requests = policy.act_on_requests
        self.close_below = logit(policy.score.close_below) if policy.score else -inf
        starts = [band.starts_at for band in policy.bands]
        self.rise_at = (*map(logit, starts[1:]), inf)
        """By band: from which logit the customer is in the next one."""
        self.fall_at = (-inf, *(logit(start - policy.band_hysteresis) for start in starts[1:]))
        """By band: below which logit the customer leaves it downwards."""
        self.rising = tuple(each for each in self.used if each.rising is not None)
        self._rule_signals = tuple(SIGNALS[rule.signal] for rule in policy.rules)
        self.shortcuts = (
            len(self.weighed) <= MOST_SIGNALS
            # A fact that lowers the score would end what the due time counts on.
            and all(each.weight >= 0 or not each.signal.kinds for each in self.weighed.values())
            # An absent purpose is one that nothing opens.
            and (BY_SCORE not in policy.purposes or int(policy.purposes[BY_SCORE].valid_hours * HOUR) > 0)
        )
        self.last_edge = max([age for each in self.used for age in self._ages(each, False)], default=0)
        """The age (ms) from which no fact can change a signal any more."""
        self.last_rise = max([age for each in self.used for age in self._ages(each, True)], default=0)
        """The age (ms) from which no fact can raise the score of a calm customer any more."""
        self._scored = policy.score is not None
        self._starts = tuple(starts)
        self._hysteresis = policy.band_hysteresis
        # Their keys are whole numbers, packed: a tuple would be made and hashed for each fact.
        self._edges: dict[int, tuple[int, ...]] = {}
        self._gains: dict[int, Gain] = {}

    def contributions(self, readings: dict[str, float]) -> dict[str, float]:
        """Each signal's part of logit(score)."""
        parts: dict[str, float] = {}
        for name, value in readings.items():
            each = self.weighed.get(name)
            if each is not None:
                parts[name] = each.weight * min(value, each.cap)
        return parts

    def risk_of(self, contributions: dict[str, float]) -> float:
        """The logit of the score."""
        return self.intercept + added(contributions.values())

    def score_of(self, contributions: dict[str, float]) -> float:
        """The score, 0-1; 0 for a policy without scoring."""
        if not self._scored:
            return 0.0
        risk = self.risk_of(contributions)
        return 1.0 / (1.0 + exp(min(-risk, 700.0)))  # beyond 709 exp overflows

    def band_of(self, score: float, current: int) -> int:
        """The band of a score; a customer leaves a band downwards only when below its start by the hysteresis."""
        band = 0
        for index, starts_at in enumerate(self._starts):
            start = starts_at - (self._hysteresis if index <= current else 0.0)
            if score >= start or index == 0:
                band = index
        return band

    def edges(self, kind: int, flags: int, calm: bool) -> tuple[int, ...]:
        """Ages (ms) at which a fact of this kind and with these flags can change a signal; for a calm customer only
        those that can raise the score."""
        key = flags << _KIND_BITS + 1 | kind << 1 | calm
        found = self._edges.get(key)
        if found is None:
            found = self._edges[key] = self._edges_of(kind, flags, calm)
        return found

    def _edges_of(self, kind: int, flags: int, calm: bool) -> tuple[int, ...]:
        edges: set[int] = set()
        for each in self.used:
            if each.concerns(kind, flags):
                edges.update(self._ages(each, calm))
        return tuple(sorted(edges))

    def _ages(self, signal: Signal, calm: bool) -> list[int]:
        ages = signal.edges if not calm or self._lowers(signal) else signal.rising
        # What leaves the horizon is forgotten, so no edge lies beyond it.
        return [] if ages is None else [min(age, self.parameters.horizon) for age in ages(self.parameters)]

    def _lowers(self, signal: Signal) -> bool:
        each = self.weighed.get(signal.name)
        return each is not None and each.weight < 0

    def gain(self, new: Arrival, saturated: int) -> float:
        """By how much a new fact can raise logit(score) at most; infinite when a rule may match."""
        fact = new.fact
        key = (saturated << 16 | fact.flags) << _KIND_BITS | fact.kind
        found = self._gains.get(key)
        if found is None:
            found = self._gains[key] = self._gain_of(fact.kind, fact.flags, saturated)
        gain = found.least
        for each in found.varying:
            most = each.signal.most(new)
            if most:
                gain += each.weight * min(each.top, most)
        return gain

    def _gain_of(self, kind: int, flags: int, saturated: int) -> Gain:
        if any(each.concerns(kind, flags) for each in self._rule_signals):
            return Gain(inf, [])
        gain = 0.0
        varying: list[Weighed] = []
        for each in self.weighed.values():
            if each.weight <= 0 or saturated & each.bit or not each.signal.concerns(kind, flags):
                continue
            if each.signal.most is one:
                gain += each.weight * min(each.top, 1.0)
            else:
                varying.append(each)
        return Gain(gain, varying)

    def saturated(self, readings: dict[str, float]) -> int:
        """The weighed signals that count for all that they can, bit by bit."""
        bits = 0
        for name, value in readings.items():
            each = self.weighed.get(name)
            if each is not None and value >= each.top:
                bits |= each.bit
        return bits
