"""The parts of a policy: frozen models, each number with its source. Owns what a part may hold; `policy` puts them together."""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class Band(Part):
    """A range of the score with a name, from `starts_at` to the next band."""

    name: Name
    starts_at: Probability


class Rule(Part):
    """A plain rule: open an episode when a signal reaches a value."""

    name: Name
    signal: SignalName
    at_least: Annotated[float, Field(gt=0)]
    """Above 0: a signal that is 0 speaks for nothing, and is never a driver."""
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
