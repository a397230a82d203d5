"""A policy as flat numbers, made once: what the hot road of an event reads instead of the policy's own objects.

Owns no rule: every number here follows from the policy and from what the signals declare of themselves.
"""

from dataclasses import dataclass
from math import exp, inf, log
from typing import Final
from zlib import crc32

from streams.core.history import Parameters, added
from streams.core.policy_parts import Band, Rule, Scoring
from streams.core.signals import SIGNALS, Signal

EPSILON: Final = 1e-9
"""A logit this near to a threshold counts as having crossed it: sums in another order differ by less."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A signal that the policy weighs: its value, at most `cap`, counts `weight` times."""

    weight: float
    cap: float
    signal: Signal


def logit(probability: float) -> float:
    """Return the logarithm of the odds; infinite at 0 and 1.

    >>> logit(0.5), logit(0.0), round(logit(0.9), 3)
    (0.0, -inf, 2.197)
    """
    if probability <= 0:
        return -inf
    return inf if probability >= 1 else log(probability / (1 - probability))


class Plan:
    """The tables of one policy."""

    def __init__(
        self,
        *,
        label: str,
        parameters: Parameters,
        used: tuple[str, ...],
        score: Scoring | None,
        rules: tuple[Rule, ...],
        bands: tuple[Band, ...],
        band_hysteresis: float,
        act_on_requests: bool,
        scored_episodes_last: bool,
    ) -> None:
        """`scored_episodes_last`: False where an episode that the score opens is over at once."""
        self.parameters = parameters
        self.fingerprint = crc32(label.encode()) or 1
        self.used = tuple(SIGNALS[name] for name in used)
        weights = score.weights if score else {}
        self.weighed = {name: Weighed(each.weight, each.cap, SIGNALS[name]) for name, each in weights.items()}
        self.intercept = score.intercept.value if score else -inf
        self.open_at = logit(score.open_at) if score else inf
        self.opens_at = score.open_at if score else inf
        """From which score a call is due."""
        self.rules = rules
        self.act_on_requests = act_on_requests
        self.close_below = logit(score.close_below) if score else -inf
        starts = [band.starts_at for band in bands]
        self.rise_at = (*map(logit, starts[1:]), inf)
        """By band: from which logit the customer is in the next one."""
        self.fall_at = (-inf, *(logit(start - band_hysteresis) for start in starts[1:]))
        """By band: below which logit the customer leaves it downwards."""
        self.scored_episodes_last = scored_episodes_last
        self._scored = score is not None
        self._starts = tuple(starts)
        self._hysteresis = band_hysteresis

    def contributions(self, readings: dict[str, float]) -> dict[str, float]:
        """Return each signal's part of logit(score)."""
        parts: dict[str, float] = {}
        for name, value in readings.items():
            each = self.weighed.get(name)
            if each is not None:
                parts[name] = each.weight * min(value, each.cap)
        return parts

    def risk_of(self, contributions: dict[str, float]) -> float:
        """Return the logit of the score."""
        return self.intercept + added(contributions.values())

    def score_of(self, contributions: dict[str, float]) -> float:
        """Return the score, 0-1; 0 for a policy without scoring."""
        if not self._scored:
            return 0.0
        risk = self.risk_of(contributions)
        return 1.0 / (1.0 + exp(min(-risk, 700.0)))  # beyond 709 exp overflows

    def band_of(self, score: float, current: int) -> int:
        """Return the band of a score; a customer leaves a band downwards only when below its start by the hysteresis."""
        band = 0
        for index, starts_at in enumerate(self._starts):
            start = starts_at - (self._hysteresis if index <= current else 0.0)
            if score >= start or index == 0:
                band = index
        return band
