"""The parts of a policy: frozen models, each number with its source. Owns what a part may hold; `policy` puts them together."""

from datetime import date, time
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.trigger import Purpose
from streams.core.holiday_calendar import known_calendar
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


def _known_purpose(name: Any) -> Any:
    if name not in get_args(Purpose):
        raise ValueError(f"unknown purpose {name!r}; known: {', '.join(get_args(Purpose))}")
    return name


PurposeName = Annotated[Purpose, BeforeValidator(_known_purpose)]
CalendarName = Annotated[str, AfterValidator(known_calendar)]
"""Of a calendar of public holidays: a country (`NL`), or a part of one (`DE-BY`)."""


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


_CLOSED = Opening(opens=time(), closes=time())


class Shortened(Part):
    """A day of every year that closes earlier than others; at `closes` at or before its opening it does not open at all."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    closes: time
    source: Text

    @model_validator(mode="after")
    def _is_a_day(self) -> Self:
        try:
            date(2000, self.month, self.day)
        except ValueError:
            raise ValueError(f"no year has a day {self.day} in month {self.month}") from None
        return self


class CallingHours(Part):
    """When a country's customers may be called. What is not said of a field is not in the policy's digest either."""

    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    """ISO code, or `*` for every other country."""
    purposes: Annotated[
        tuple[PurposeName, ...] | None, Field(min_length=1, exclude_if=lambda value: value is None)
    ] = None
    """For calls of these only; absent: of every purpose that has no entry of its own."""
    effective_from: date
    weekdays: Opening
    saturday: Opening
    sunday: Opening
    holidays: Annotated[CalendarName | None, Field(exclude_if=lambda value: value is None)] = None
    holiday_hours: Annotated[Opening, Field(exclude_if=lambda value: value == _CLOSED)] = _CLOSED
    """Of a public holiday, whichever day of the week it is."""
    shortened: Annotated[tuple[Shortened, ...], Field(exclude_if=lambda value: not value)] = ()
    closed_on: tuple[date, ...] = ()
    source: Text
