"""A policy as flat numbers, made once: what the hot road of an event reads instead of the policy's own objects.

Owns no rule: every number here follows from the policy and from what the signals declare of themselves.
"""

from math import exp, inf, log
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from streams.core.facts import Fact
from streams.core.history import HOUR, Earlier, Parameters
from streams.core.signals import SIGNALS, Most, Signal, one

if TYPE_CHECKING:
    from streams.core.policy import Policy

EPSILON: Final = 1e-9
"""A logit this near to a threshold counts as having crossed it: sums in another order differ by less."""
MOST_SIGNALS: Final = 64
"""Bits of `State.saturated`."""


class Weighed(NamedTuple):
    """One signal that the policy weighs. `top` is the most that it can count for, `bit` its place in `State.saturated`."""

    weight: float
    cap: float
    top: float
    bit: int
    signal: Signal


def logit(probability: float) -> float:
    """The logarithm of the odds; infinite at 0 and 1."""
    if probability <= 0:
        return -inf
    return inf if probability >= 1 else log(probability / (1 - probability))


class Plan:
    """The tables of one policy."""

    def __init__(self, policy: "Policy") -> None:
        self.policy = policy
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
            and int(policy.purposes["service_recovery"].valid_hours * HOUR) > 0
        )
        self._scored = policy.score is not None
        self._starts = tuple(starts)
        self._hysteresis = policy.band_hysteresis
        self._edges: dict[tuple[int, int, bool], tuple[int, ...]] = {}
        self._gains: dict[tuple[int, int, int], tuple[float, tuple[tuple[float, float, Most], ...]]] = {}

    def contributions(self, readings: dict[str, float]) -> dict[str, float]:
        """Each signal's part of logit(score)."""
        parts: dict[str, float] = {}
        for name, value in readings.items():
            each = self.weighed.get(name)
            if each is not None:
                parts[name] = each.weight * min(value, each.cap)
        return parts

    def score_of(self, contributions: dict[str, float]) -> float:
        """The score, 0-1; 0 for a policy without scoring."""
        if not self._scored:
            return 0.0
        risk = self.intercept + sum(contributions.values())
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
        key = kind, flags, calm
        found = self._edges.get(key)
        if found is None:
            found = self._edges[key] = self._edges_of(kind, flags, calm)
        return found

    def _edges_of(self, kind: int, flags: int, calm: bool) -> tuple[int, ...]:
        # What leaves the horizon is forgotten, so no edge lies beyond it.
        horizon = self.parameters.horizon
        edges: set[int] = set()
        for each in self.used:
            if not each.concerns(kind, flags):
                continue
            ages = each.edges if not calm or self._lowers(each) else each.rising
            if ages is not None:
                edges.update(min(edge, horizon) for edge in ages(self.parameters))
        return tuple(sorted(edges))

    def _lowers(self, signal: Signal) -> bool:
        each = self.weighed.get(signal.name)
        return each is not None and each.weight < 0

    def gain(self, fact: Fact, earlier: Earlier, saturated: int) -> float:
        """By how much `fact`, newer than the `earlier` ones, can raise logit(score) at most; infinite when a rule may match."""
        key = fact.kind, fact.flags, saturated
        found = self._gains.get(key)
        if found is None:
            found = self._gains[key] = self._gain_of(*key)
        gain, varying = found
        for weight, top, most in varying:
            gain += weight * min(top, most(fact, earlier, self.parameters))
        return gain

    def _gain_of(
        self, kind: int, flags: int, saturated: int
    ) -> tuple[float, tuple[tuple[float, float, Most], ...]]:
        if any(each.concerns(kind, flags) for each in self._rule_signals):
            return inf, ()
        gain = 0.0
        varying: list[tuple[float, float, Most]] = []
        for each in self.weighed.values():
            if each.weight <= 0 or saturated & each.bit or not each.signal.concerns(kind, flags):
                continue
            if each.signal.most is one:
                gain += each.weight * min(each.top, 1.0)
            else:
                varying.append((each.weight, each.top, each.signal.most))
        return gain, tuple(varying)

    def saturated(self, readings: dict[str, float]) -> int:
        """The weighed signals that count for all that they can, bit by bit."""
        bits = 0
        for name, value in readings.items():
            each = self.weighed.get(name)
            if each is not None and value >= each.top:
                bits |= each.bit
        return bits
