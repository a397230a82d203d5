"""The policy: every number that decides, frozen, each with its source. Owns its meaning; reading files is the shell's."""

from datetime import date
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.trigger import Purpose
from streams.core.facts import code_of
from streams.core.history import DAY, HOUR, Parameters
from streams.core.outlook.tables import Outlook
from streams.core.plan import Plan
from streams.core.policy_parts import (
    Band,
    CallingHours,
    Handling,
    Name,
    Part,
    Probability,
    Rule,
    Scoring,
    Shape,
    Text,
)
from streams.core.policy_release import AgainAfter, Release, unpaced
from streams.core.policy_release_rules import MAIN
from streams.core.policy_rules import NEEDED, broken
from streams.core.purposes import BY_SCORE
from streams.core.release.places import ENDS
from streams.core.release.plan import ReleaseRules

BROKEN_RULES: Final = "broken_rules"
"""The type of the error that tells of rules over several fields."""


def _digest(said: str) -> str:
    return sha256(said.encode()).hexdigest()[:8]


class Policy(Part):
    """Everything that decides who is called, why, when and how often."""

    name: Name
    version: Annotated[int, Field(ge=1, le=1_000_000_000)]
    description: Text
    calibrated: bool = False
    """False: the score is a risk score, not yet a probability."""
    shape: Shape = Shape()
    score: Scoring | None = None
    bands: tuple[Band, ...] = (Band(name="calm", starts_at=0.0),)
    band_hysteresis: Probability = 0.0
    rules: tuple[Rule, ...] = ()
    cooldown_days: Annotated[float, Field(ge=0, le=365)] = 14
    act_on_requests: bool = True
    """Callback requests and cancellations that can be withdrawn trigger at once."""
    purposes: dict[Purpose, Handling]
    """How each is called; one that this policy does not open may be absent."""
    calling_hours: tuple[CallingHours, ...]
    release: Release | None = None
    """What becomes of a decision; absent: each goes out at once."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        said = [
            f"{'.'.join(map(str, each.location))}: {each.said}" for each in broken(self.model_dump(), NEEDED)
        ]
        if said:
            raise PydanticCustomError(BROKEN_RULES, "{said}", {"said": "; ".join(said)})
        return self

    @cached_property
    def label(self) -> str:
        """Name, version and digest: which policy decided.

        Of `release` only what decides is in it: a desk's numbers change without that all signals workers must agree anew.
        """
        said = self.model_dump_json(exclude={"release"})
        if self.release is not None and self.release.again_after != AgainAfter():
            said += self.release.again_after.model_dump_json()
        return f"{self.name}/{self.version}@{_digest(said)}"

    @cached_property
    def release_label(self) -> str:
        """Name, version and digest of what the desks go by."""
        skills = sorted({handling.skill for handling in self.purposes.values()})
        said = dumps(skills) if self.release is None else self.release.model_dump_json()
        return f"{self.name}/{self.version}/release@{_digest(said)}"

    @cached_property
    def desks(self) -> tuple[str, ...]:
        """The desks; each has the partition of its place."""
        return (MAIN,) if self.release is None else self.release.desks

    @cached_property
    def desk_of(self) -> dict[str, int]:
        """By skill: the place of its desk in `desks`."""
        if self.release is None:
            return {handling.skill: 0 for handling in self.purposes.values()}
        return {name: self.desks.index(skill.desk) for name, skill in self.release.skills.items()}

    @cached_property
    def release_rules(self) -> dict[str, ReleaseRules]:
        """By desk: what it goes by."""
        if self.release is None:
            return {MAIN: unpaced({purpose: each.skill for purpose, each in self.purposes.items()})}
        return {desk: self.release.rules(desk) for desk in self.desks}

    @property
    def again_after(self) -> dict[str, bool]:
        """By end: whether the ground of an episode counts again; never after a conversation."""
        said = AgainAfter() if self.release is None else self.release.again_after
        return {end: bool(getattr(said, end, False)) for end in ENDS}

    @cached_property
    def parameters(self) -> Parameters:
        """The shape in the units of the core."""
        s = self.shape
        return Parameters(
            s.horizon_days * DAY,
            s.max_facts,
            s.repeat_within_days * DAY,
            s.silent_after_hours * HOUR,
            s.half_life_days * DAY,
            s.short_abandon_seconds,
            s.high_ivr_steps,
            frozenset(map(code_of, s.complaint_reasons)),
        )

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The signals that can change a decision."""
        weighed = self.score.weights if self.score else {}
        return tuple(dict.fromkeys([*weighed, *(rule.signal for rule in self.rules)]))

    @cached_property
    def plan(self) -> Plan:
        """What the core reads of it for each event."""
        scored = self.purposes.get(BY_SCORE)  # absent where nothing opens it
        return Plan(
            label=self.label,
            parameters=self.parameters,
            used=self.used,
            score=self.score,
            rules=self.rules,
            bands=self.bands,
            band_hysteresis=self.band_hysteresis,
            act_on_requests=self.act_on_requests,
            scored_episodes_last=scored is None or int(scored.valid_hours * HOUR) > 0,
        )

    @cached_property
    def outlook(self) -> Outlook:
        """What tells the core which events can decide nothing."""
        return Outlook(self.plan)

    @cached_property
    def hours_of(self) -> dict[tuple[date, str | None, str], tuple[int, int] | None]:
        """What `hours` has found of these calling hours, by day, country and purpose."""
        return {}

    @cached_property
    def open_days(
        self,
    ) -> dict[tuple[int, str | None, str, tuple[ZoneInfo, ...]], tuple[tuple[int, int], ...]]:
        """What `windows` has found of them, by day in UTC, country, purpose and zones."""
        return {}
