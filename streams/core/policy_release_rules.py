"""What the fields of a policy's `release` must be to one another and to its purposes: rules as in `policy_rules`, and their words."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.dispositions import DISPOSITION_RULES
from schemas.trigger import Purpose
from streams.core.policy_fields import Broken, Fields, Rule, mapping, number, openers, sequence

MAIN: Final = "main"
"""The desk where none is named."""
MOST_DESKS: Final = 16
"""As many as the topics of the release stage have partitions."""
ORDER: Final[tuple[Purpose, ...]] = ("requested_callback", "save", "incident", "service_recovery")
DAYS: Final = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
AGAIN: Final = tuple(str(name) for name, rules in DISPOSITION_RULES.items() if rules.next == "again")
"""The dispositions after which another attempt comes after a while."""

_DAY: Final = 24 * 60
_QUARTER: Final = 15


def minute_of(value: Any) -> int | None:
    """Return the minute of the day of a clock's text; None for what is none, or lies within a quarter of an hour.

    >>> minute_of("09:15"), minute_of("24:00"), minute_of(555), minute_of("9:15"), minute_of("09:20")
    (555, 1440, 555, None, None)
    """
    minute = -1
    if isinstance(value, int) and not isinstance(value, bool):
        minute = value
    elif isinstance(value, str) and len(value) == 5 and value[2] == ":" and value.isascii():
        hours, minutes = value[:2], value[3:]
        if hours.isdigit() and minutes.isdigit() and int(minutes) < 60:
            minute = int(hours) * 60 + int(minutes)
    return minute if 0 <= minute <= _DAY and minute % _QUARTER == 0 else None


def _skills(fields: Fields) -> Iterator[tuple[str, Fields]]:
    for name, skill in mapping(mapping(fields.get("release")).get("skills")).items():
        yield str(name), mapping(skill)


def _desks(release: Fields) -> list[str]:
    return [str(name) for name in sequence(release.get("desks", (MAIN,)))]


def _every_skill_goes_out(fields: Fields) -> Iterator[Broken]:
    skills = mapping(fields.get("release")).get("skills")
    if not isinstance(skills, Mapping):
        return
    for purpose, handling in mapping(fields.get("purposes")).items():
        skill = mapping(handling).get("skill")
        if isinstance(skill, str) and skill not in skills:
            yield Broken(
                ("release", "skills"),
                f"{skill}, which {purpose} needs, is missing, so that its calls would never go out: add it, or take `release` away, which lets "
                "every skill go out without a ceiling",
            )


def _a_skill_has_a_desk(fields: Fields) -> Iterator[Broken]:
    release = mapping(fields.get("release"))
    desks = _desks(release)
    for name, skill in _skills(fields):
        desk = skill.get("desk", MAIN)
        if isinstance(desk, str) and desks and desk not in desks:
            yield Broken(
                ("release", "skills", name, "desk"),
                f"there is no desk {desk}; there are: {', '.join(desks)} (`desks` has them)",
            )


def _desks_are_few_and_different(fields: Fields) -> Iterator[Broken]:
    desks = _desks(mapping(fields.get("release")))
    for place, name in enumerate(desks):
        if name in desks[:place]:
            yield Broken(("release", "desks", place), f"there is another one of the name {name}")
    if len(desks) > MOST_DESKS:
        yield Broken(("release", "desks"), f"{len(desks)} desks: at most {MOST_DESKS} are possible")


def _what_is_opened_has_its_turn(fields: Fields) -> Iterator[Broken]:
    order = mapping(fields.get("release")).get("order")
    if not isinstance(order, list | tuple):
        return
    for place, purpose in enumerate(order):
        if purpose in order[:place]:
            yield Broken(("release", "order", place), f"{purpose} is there already")
    missing = [
        f"{purpose}, which {opener} opens" for purpose, opener in openers(fields) if purpose not in order
    ]
    if missing:
        yield Broken(("release", "order"), f"missing: {'; '.join(missing)}")


def _limited_says_to_how_many(fields: Fields) -> Iterator[Broken]:
    for name, skill in _skills(fields):
        mode, a_day = skill.get("mode"), skill.get("a_day")
        if mode == "limited" and a_day is None:
            yield Broken(("release", "skills", name), "limited to how many a day? `a_day` says it")
        elif mode in ("live", "shadow") and a_day is not None:
            yield Broken(
                ("release", "skills", name, "a_day"),
                f"it holds in mode limited only, and the mode is {mode}: take it away, or change the mode",
            )


def _shifts_close_after_they_open(fields: Fields) -> Iterator[Broken]:
    for name, skill in _skills(fields):
        for place, shift in enumerate(sequence(skill.get("staffed"))):
            opens, closes = (minute_of(mapping(shift).get(key)) for key in ("opens", "closes"))
            if opens is not None and closes is not None and closes <= opens:
                yield Broken(
                    ("release", "skills", name, "staffed", place, "closes"),
                    "it closes before it opens, or just then; hours do not go past midnight, which is 24:00 where they end there",
                )


def _shifts_do_not_overlap(fields: Fields) -> Iterator[Broken]:
    for name, skill in _skills(fields):
        seen: list[tuple[str, int, int]] = []
        for place, each in enumerate(sequence(skill.get("staffed"))):
            shift = mapping(each)
            opens, closes = minute_of(shift.get("opens")), minute_of(shift.get("closes"))
            if opens is None or closes is None:
                continue
            days = [str(day) for day in sequence(shift.get("days"))]
            twice = [
                day
                for number, day in enumerate(days)
                if day in days[:number]
                or any(day == d and opens < end and begin < closes for d, begin, end in seen)
            ]
            if twice:
                yield Broken(
                    ("release", "skills", name, "staffed", place),
                    f"hours of {', '.join(dict.fromkeys(twice))} overlap with hours that are there already: give their attempts together",
                )
            seen += [(day, opens, closes) for day in days]


def _a_skill_can_go_out(fields: Fields) -> Iterator[Broken]:
    for name, skill in _skills(fields):
        for key in ("a_day", "most_outstanding"):
            if skill.get(key) is not None and number(skill.get(key)) == 0:
                yield Broken(
                    ("release", "skills", name, key),
                    "0 lets nothing go out, ever: mode shadow says so, and shows what would have gone out",
                )
        staffed = skill.get("staffed")
        if isinstance(staffed, list | tuple):
            attempts = [number(mapping(shift).get("attempts")) for shift in staffed]
            if all(each == 0 for each in attempts):
                yield Broken(
                    ("release", "skills", name, "staffed"),
                    "in no hour an attempt may begin: give some with attempts",
                )


NEEDED: Final[tuple[Rule, ...]] = (_every_skill_goes_out, _a_skill_has_a_desk, _desks_are_few_and_different)
"""Without these nothing would be released of a skill, and nobody would know why."""

FURTHER: Final[tuple[Rule, ...]] = (
    _what_is_opened_has_its_turn,
    _limited_says_to_how_many,
    _shifts_close_after_they_open,
    _shifts_do_not_overlap,
    _a_skill_can_go_out,
)
