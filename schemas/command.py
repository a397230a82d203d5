"""`callback.commands` (key: claimant): what who dials, and an operator, want of a desk, and the time.

A record is one of the kinds below, by its field `type`. A command is answered once on `callback.replies`; the same `command_id` of the
same claimant gets the same answer. No worker reads them yet.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.base import Identifier, Tolerant
from schemas.trigger import TriggerId
from schemas.values import Instant, within_calendar

Moment = Annotated[Instant, AfterValidator(within_calendar)]


class _Asked(Tolerant):
    claimant: Identifier
    """Who asks: a dialer, an agent's desk, an operator."""
    command_id: Identifier
    """The claimant's own, another for each command."""


class _OfTrigger(_Asked):
    trigger_id: TriggerId


class _OfSkill(_Asked):
    skill: Identifier


class ClaimCommand(_Asked):
    """Wants a trigger, or the next one of a skill."""

    type: Literal["claim"] = "claim"
    trigger_id: TriggerId | None = None
    skill: Identifier | None = None

    @model_validator(mode="after")
    def _wants_one_thing(self) -> Self:
        if (self.trigger_id is None) == (self.skill is None):
            raise ValueError(
                "a claim names a trigger_id, or a skill of which it takes the next: one of the two"
            )
        return self


class RenewCommand(_OfTrigger):
    """Wants a claim to go on."""

    type: Literal["renew"] = "renew"


class ReleaseCommand(_OfTrigger):
    """Does not call after all."""

    type: Literal["release"] = "release"


class DoneCommand(_OfTrigger):
    """Has done with it; what came of it is told by its outcome."""

    type: Literal["done"] = "done"
    answer: Literal["stopped", "too_late"] | None = None
    """To a request to stop; absent: it is handed over to a dialer that says no more until the call is over."""


class CapacityCommand(_OfSkill):
    """So many agents of the claimant are free until then, and none after."""

    type: Literal["capacity"] = "capacity"
    free: Annotated[int, Field(ge=0, le=1_000_000)]
    until: Moment


class LimitCommand(_OfSkill):
    """Lets at most so many more of a skill go out a day; what is out stays out."""

    type: Literal["limit"] = "limit"
    a_day: Annotated[int, Field(ge=0, le=10_000_000)]


class StopCommand(_OfSkill):
    """Takes back what is out of a skill, and lets it go on in shadow."""

    type: Literal["stop"] = "stop"


class StartCommand(_OfSkill):
    """Lets a skill go out live."""

    type: Literal["start"] = "start"


class TickCommand(Tolerant):
    """The time, which the owner of a desk writes each second: nothing else moves it. It is not answered."""

    type: Literal["tick"] = "tick"
    now: Moment | None = None
    """Of a history that is fed, its own; absent: the brokers' time of the record."""


COMMANDS: tuple[type[Tolerant], ...] = (
    ClaimCommand,
    RenewCommand,
    ReleaseCommand,
    DoneCommand,
    CapacityCommand,
    LimitCommand,
    StopCommand,
    StartCommand,
    TickCommand,
)
"""Every kind."""
