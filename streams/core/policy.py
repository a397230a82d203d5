"""The policy: every number that decides, frozen, each with its source. Owns its meaning; reading files is the shell's."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.trigger import Purpose
from streams.core.facts import code_of
from streams.core.history import DAY, HOUR, Parameters
from streams.core.outlook.tables import Outlook
from streams.core.plan import Plan
from streams.core.purposes import BY_SCORE, OBLIGATIONS
from streams.core.signals import SIGNALS

Text = Annotated[str, Field(min_length=1, max_length=400)]
Probability = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]


def _known(name: str) -> str:
    if name not in SIGNALS:
        raise ValueError(f"unknown signal {name!r}; known: {', '.join(sorted(SIGNALS))}")
    return name


SignalName = Annotated[str, AfterValidator(_known)]
"""The name of a registered signal."""


class Part(BaseModel):
    """A part of the policy: frozen, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Shape(Part):
    """What shapes the signals."""

    horizon_days: Annotated[int, Field(ge=1, le=400)] = 90
    max_facts: Annotated[int, Field(ge=10, le=2_000)] = 200
    repeat_within_days: Annotated[int, Field(ge=1, le=30)] = 7
    silent_after_hours: Annotated[int, Field(ge=1, le=240)] = 24
    half_life_days: Annotated[int, Field(ge=1, le=90)] = 14
    short_abandon_seconds: Annotated[int, Field(ge=0, le=60)] = 5
    high_ivr_steps: Annotated[int, Field(ge=0, le=50)] = 4
    complaint_reasons: tuple[str, ...] = ()


class Weight(Part):
    """One signal's share of logit(score): `weight` times its value, at most `cap` of it."""

    weight: float
    effect: Literal["raises", "lowers"]
    cap: Annotated[float, Field(gt=0)] = 10.0
    source: Text

    @model_validator(mode="after")
    def _sign(self) -> Self:
        if (self.weight >= 0) != (self.effect == "raises"):
            raise ValueError(
                "a weight >= 0 raises the score, one < 0 lowers it: change the weight or the effect"
            )
        return self


class Number(Part):
    """A number and where it comes from."""

    value: float
    source: Text


class Scoring(Part):
    """The score: 1 / (1 + exp(-(intercept + the sum of the contributions)))."""

    intercept: Number
    open_at: Probability
    """From this score an episode opens."""
    close_below: Probability
    """Below this an episode that the score opened is retracted; lower than `open_at`, so that it does not flutter."""
    weights: dict[SignalName, Weight]

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.close_below > self.open_at:
            raise ValueError("close_below must not be above open_at")
        return self


class Band(Part):
    """A range of the score with a name, from `starts_at` to the next band."""

    name: Name
    starts_at: Probability


class Rule(Part):
    """A plain rule: open an episode when a signal reaches a value."""

    name: Name
    signal: SignalName
    at_least: float
    source: Text


class Handling(Part):
    """How a purpose is called."""

    skill: Name
    priority: Annotated[int, Field(ge=0, le=100)]
    due_hours: Annotated[float, Field(gt=0)]
    valid_hours: Annotated[float, Field(gt=0)]
    max_attempts: Annotated[int, Field(ge=1, le=20)]
    retry_delay_seconds: Annotated[int, Field(ge=60, le=2_592_000)]
    offer_allowed: bool = False
    source: Text


class Opening(Part):
    """Hours of one kind of day, local time; closed all day when it opens and closes at the same time."""

    opens: time
    closes: time


class CallingHours(Part):
    """When a country's customers may be called."""

    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    """ISO code, or `*` for every other country."""
    effective_from: date
    weekdays: Opening
    saturday: Opening
    sunday: Opening
    closed_on: tuple[date, ...] = ()
    source: Text


def _opened(fields: Mapping[str, Any]) -> Iterator[tuple[Purpose, str]]:
    """The purposes of which a policy of these fields can open episodes, and by which of them. A field in error is left out."""
    if fields.get("act_on_requests"):
        for purpose, _, _ in OBLIGATIONS:
            yield purpose, "act_on_requests"
    if fields.get("score"):
        yield BY_SCORE, "the score"
    elif fields.get("rules"):
        yield BY_SCORE, "a rule"


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

    @field_validator("bands")
    @classmethod
    def _rising(cls, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        starts = [band.starts_at for band in bands]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError("they start at 0 and rise")
        return bands

    @field_validator("purposes")
    @classmethod
    def _enough(cls, purposes: dict[Purpose, Handling], info: ValidationInfo) -> dict[Purpose, Handling]:
        missing = [
            f"{purpose}, which {opener} opens"
            for purpose, opener in _opened(info.data)
            if purpose not in purposes
        ]
        if missing:
            raise ValueError(f"missing: {'; '.join(missing)}")
        return purposes

    @field_validator("calling_hours")
    @classmethod
    def _for_all_others(cls, hours: tuple[CallingHours, ...]) -> tuple[CallingHours, ...]:
        if not any(each.country == "*" for each in hours):
            raise ValueError("one entry for country '*' is needed")
        return hours

    @cached_property
    def label(self) -> str:
        """Name, version and digest: which policy decided."""
        return f"{self.name}/{self.version}@{sha256(self.model_dump_json().encode()).hexdigest()[:8]}"

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
        return Plan(self)

    @cached_property
    def outlook(self) -> Outlook:
        """What tells the core which events can decide nothing."""
        return Outlook(self.plan)

    @cached_property
    def opening_of(self) -> dict[tuple[date, str | None], Opening | None]:
        """What `hours` has found of these calling hours: by day and country, the hours of that day; None when closed."""
        return {}

    @cached_property
    def openings(self) -> dict[tuple[datetime, str | None, tuple[ZoneInfo, ...]], int | None]:
        """What `hours` has found of these calling hours: by quarter of an hour, country and zones, the next opening (ms)."""
        return {}
