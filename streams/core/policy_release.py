"""The part of a policy that a desk goes by: who may be called when, by how many, and what comes of an end. Owns what it may hold.

`policy` makes the rules of a desk of it (`streams.core.release.plan`); `policy_release_rules` says how its fields fit one another.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from schemas.dispositions import DISPOSITION_RULES
from schemas.outcome import Disposition
from schemas.parts import complete
from schemas.trigger import Purpose
from schemas.values import KnownTimeZone
from streams.core.policy_parts import Name, Part, PurposeName, Text
from streams.core.policy_release_rules import AGAIN, DAYS, MAIN, ORDER, minute_of
from streams.core.release.places import ENDS
from streams.core.release.plan import Mode, ReleaseRules, SkillRules, Staffed

_MINUTE: Final = 60_000
_SECOND: Final = 1_000
_HOUR: Final = 3_600_000
_DAY: Final = 24 * 60
_QUARTERS_OF_HOUR: Final = 4
_MARGIN: Final = 120_000
"""A refusal is remembered so long (ms) after the command is too old: it is never answered in two ways."""
_NO_CEILING: Final = 1_000_000_000

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
complete("day", get_args(Day), "number", DAYS, "streams.core.policy_release_rules")


def _minute(value: Any) -> int:
    found = minute_of(value)
    if found is None:
        raise ValueError("a quarter of an hour of the day is expected, as in '09:15', up to '24:00'")
    return found


Minute = Annotated[int, BeforeValidator(_minute)]
"""Of the day, at a full quarter of an hour; 1440 is its end."""


def _tried_again(name: Any) -> Any:
    if name not in AGAIN:
        known = name in DISPOSITION_RULES
        said = "after it there is no other attempt" if known else "unknown disposition"
        raise ValueError(f"{said}: {name!r}; those after which there is one: {', '.join(AGAIN)}")
    return name


TriedAgain = Annotated[Disposition, BeforeValidator(_tried_again)]
"""A disposition after which the next attempt comes after a while."""


class Shift(Part):
    """Hours of some days of the week in which somebody is there to call, by the clock of the desk."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    opens: Minute
    closes: Minute
    attempts: Annotated[int, Field(ge=0, le=100_000)]
    """How many may begin in each quarter of an hour."""

    def in_week(self) -> int:
        """How many attempts that is in a week."""
        return len(self.days) * (self.closes - self.opens) // (60 // _QUARTERS_OF_HOUR) * self.attempts


class SkillRelease(Part):
    """How one skill goes out."""

    desk: Name = MAIN
    mode: Mode
    """With which it begins: `shadow` tells nobody, `limited` at most `a_day`, `live` as many as there is room for. Commands change it."""
    a_day: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    staffed: tuple[Shift, ...]
    most_outstanding: Annotated[int, Field(ge=0, le=1_000_000)]
    """How many may be out and not finished."""
    source: Text

    def in_week(self) -> int:
        """How many attempts may begin in a week."""
        return sum(shift.in_week() for shift in self.staffed)


class AgainAfter(Part):
    """Whether the ground of an episode that ended without a conversation counts again, by its end."""

    expired: bool = False
    failed: bool = False
    suppressed: bool = False
    retracted: bool = False


class EndMeaning(NamedTuple):
    """What an end says of the ground of its episode."""

    meaning: str
    counts_again: bool | None
    """Unless the policy says otherwise; None: it cannot say so."""


END_MEANINGS: Final[dict[str, EndMeaning]] = {
    "completed": EndMeaning(
        "The customer was spoken to, or served in another contact: what we knew is dealt with.", None
    ),
    "expired": EndMeaning("Its time was over before anybody spoke to the customer.", False),
    "failed": EndMeaning("All attempts were made, or no attempt could succeed.", False),
    "suppressed": EndMeaning(
        "Nobody was to call: there was no number, no hour to call in, or the decision was withdrawn first.",
        False,
    ),
    "retracted": EndMeaning("The decision was withdrawn after it was out.", False),
}
"""Every end, and whether its ground may count again. A ground that is new counts in any case."""

complete("end", ENDS, "meaning", END_MEANINGS, "streams.core.policy_release")
complete(
    "end without a conversation",
    [name for name, each in END_MEANINGS.items() if each.counts_again is not None],
    "field",
    AgainAfter.model_fields,
    "streams.core.policy_release",
)


class Release(Part):
    """What becomes of a decision to call: when it goes out, to how many, and who may have it for how long."""

    desks: Annotated[tuple[Name, ...], Field(min_length=1)] = (MAIN,)
    """The first has the first partition: a desk is added at the end, and never moved."""
    time_zone: KnownTimeZone
    """Of the hours that are staffed."""
    skills: dict[Name, SkillRelease]
    order: tuple[PurposeName, ...] = ORDER
    """What goes out first."""
    escalate: tuple[PurposeName, ...] = ("requested_callback",)
    """The purposes whose promise, once it is late, is told once."""
    retries: Annotated[
        dict[TriedAgain, Annotated[float, Field(gt=0, le=43_200)]], Field(default_factory=dict)
    ]
    """Minutes until the next attempt, by disposition; of one that is absent the purpose's own `retry_delay_seconds`."""
    lease_seconds: Annotated[int, Field(ge=10, le=86_400)] = 300
    grace_seconds: Annotated[int, Field(ge=0, le=86_400)] = 30
    hand_over_hours: Annotated[float, Field(gt=0, le=720)] = 4
    request_seconds: Annotated[int, Field(ge=1, le=86_400)] = 120
    contact_minutes: Annotated[float, Field(gt=0, le=1_440)] = 60
    stale_after_minutes: Annotated[float, Field(ge=0.5, le=1_440)] = 5
    command_ttl_seconds: Annotated[int, Field(ge=5, le=3_600)] = 60
    again_after: AgainAfter = AgainAfter()
    source: Text

    def rules(self, desk: str) -> ReleaseRules:
        """Return what a desk goes by."""
        zone = ZoneInfo(self.time_zone)
        skills = {name: _skill(each, zone) for name, each in self.skills.items() if each.desk == desk}
        ttl = self.command_ttl_seconds * _SECOND
        return ReleaseRules(
            skills,
            retry_after={str(name): round(minutes * _MINUTE) for name, minutes in self.retries.items()},
            classes={str(purpose): place for place, purpose in enumerate(self.order)},
            escalating=frozenset(map(str, self.escalate)),
            lease=self.lease_seconds * _SECOND,
            grace=self.grace_seconds * _SECOND,
            hand_over=round(self.hand_over_hours * _HOUR),
            request=self.request_seconds * _SECOND,
            contact=round(self.contact_minutes * _MINUTE),
            stale_after=round(self.stale_after_minutes * _MINUTE),
            command_ttl=ttl,
            refusals_kept=ttl + _MARGIN,
        )


def _skill(skill: SkillRelease, zone: ZoneInfo) -> SkillRules:
    calendar = tuple(
        Staffed(frozenset(DAYS[day] for day in each.days), each.opens, each.closes, each.attempts)
        for each in skill.staffed
    )
    return SkillRules(skill.mode, calendar, zone, skill.most_outstanding, skill.a_day or 0)


def unpaced(skills: Mapping[Purpose, str]) -> ReleaseRules:
    """Return the rules of a desk of which a policy says nothing: each skill live, at all hours, without a ceiling. `skills`: by purpose."""
    always = (Staffed(frozenset(range(7)), 0, _DAY, _NO_CEILING),)
    rules = SkillRules("live", always, ZoneInfo("UTC"), _NO_CEILING)
    classes = {str(purpose): place for place, purpose in enumerate(ORDER)}
    return ReleaseRules(
        dict.fromkeys(sorted(set(skills.values())), rules), {}, classes, frozenset({"requested_callback"})
    )
