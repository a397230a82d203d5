"""`policy show`: whatever decides is shown. Each field of the model is changed in turn, and another text comes out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, time
from typing import Any, Final

import pytest
from pydantic import BaseModel

from streams.commands.policy_tables import sentences, tables
from streams.commands.screen import Screen
from streams.core.policy import Policy
from streams.core.policy_parts import (
    Band,
    CallingHours,
    Handling,
    Number,
    Opening,
    Rule,
    Scoring,
    Shape,
    Shortened,
    Weight,
)
from streams.core.policy_release import AgainAfter, Release, Shift, SkillRelease
from streams.policies import load_policy

LEFT_OUT: Final = {
    ("Policy", "name"): "in the label, above all that is compared here",
    ("Policy", "version"): "in the label too",
    ("Weight", "effect"): "the sign of the weight says the same",
}
MODELS: Final = (
    Policy,
    Shape,
    Scoring,
    Number,
    Weight,
    Band,
    Rule,
    Handling,
    CallingHours,
    Shortened,
    Opening,
    Release,
    SkillRelease,
    Shift,
    AgainAfter,
)
OTHER: Final[dict[type, Any]] = {
    str: "something-else",
    bool: None,
    int: 12,
    float: 0.4321,
    date: date(2031, 5, 17),
    time: time(3, 21),
    tuple: None,
    dict: None,
}


def whole() -> Policy:
    """A policy in which every part is there."""
    policy = load_policy("default")
    rule = Rule(name="r", signal="low_csat", at_least=1.5, source="test")
    dutch = policy.calling_hours[0]
    more = {"sunday": dutch.saturday, "holiday_hours": dutch.saturday, "purposes": ("save", "incident")}
    more |= {"closed_on": (date(2027, 3, 1),)}
    open_all_week = dutch.model_copy(update=more)
    assert policy.release is not None
    limited = policy.release.skills["service"].model_copy(update={"mode": "limited", "a_day": 20})
    skills = policy.release.skills | {"service": limited}
    release = policy.release.model_copy(update={"desks": ("main", "second", "third"), "skills": skills})
    return policy.model_copy(update={"rules": (rule,), "calling_hours": (open_all_week,), "release": release})


def text_of(policy: Policy) -> str:
    screen = Screen(file=io.StringIO(), width=200)
    for each in (*sentences(policy, ""), *tables(policy)):
        screen.print(each)
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text


def variants(part: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield each field of a part and of the parts below it: model, field, and the part with that field changed."""
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            value = getattr(part, name)
            for model, field, other in variants(value):
                yield model, field, part.model_copy(update={name: other})
            if isinstance(value, bool):
                yield type(part).__name__, name, part.model_copy(update={name: not value})
            elif type(value) in OTHER and OTHER[type(value)] is not None:
                yield type(part).__name__, name, part.model_copy(update={name: OTHER[type(value)]})
            elif isinstance(value, tuple | dict) and not any(
                isinstance(each, BaseModel) for each in _members(value)
            ):
                fewer = _fewer(value) if value else ("more",)
                yield type(part).__name__, name, part.model_copy(update={name: fewer})
            elif isinstance(value, tuple | dict):
                fewer = _fewer(value)
                yield type(part).__name__, name, part.model_copy(update={name: fewer})
            elif isinstance(value, BaseModel) and name == "score":
                yield type(part).__name__, name, part.model_copy(update={name: None})
    elif isinstance(part, tuple):
        for place, each in enumerate(part):
            for model, field, other in variants(each):
                yield model, field, (*part[:place], other, *part[place + 1 :])
    elif isinstance(part, dict):
        for key, each in part.items():
            for model, field, other in variants(each):
                yield model, field, part | {key: other}


def _fewer(value: Any) -> Any:
    return value[:-1] if isinstance(value, tuple) else dict([*value.items()][:-1])


def _members(value: Any) -> list[Any]:
    return [*value.values()] if isinstance(value, dict) else [*value]


def test_every_field_that_decides_is_shown() -> None:
    policy = whole()
    before, tried = text_of(policy), set()
    for model, field, other in variants(policy):
        if (model, field) in tried:
            continue
        tried.add((model, field))
        assert (text_of(other) == before) == ((model, field) in LEFT_OUT), (model, field)
    parts = {
        ("Policy", "shape"),
        ("Scoring", "intercept"),
        ("Policy", "release"),
        ("Release", "again_after"),
    } | {("CallingHours", day) for day in ("weekdays", "saturday", "sunday", "holiday_hours")}
    every = {(model.__name__, name) for model in MODELS for name in model.model_fields}
    assert every == tried | parts, "a field that nobody tried"
    assert set(LEFT_OUT) <= every


@pytest.mark.parametrize(
    ("hours", "shown"),
    [(("00:00", "00:00"), "Sun closed"), (("08:30", "20:00"), "Sun 08:30-20:00")],
)
def test_a_day_is_closed_or_has_hours(hours: tuple[str, str], shown: str) -> None:
    policy = whole()
    opens, closes = map(time.fromisoformat, hours)
    first = policy.calling_hours[0].model_copy(update={"sunday": Opening(opens=opens, closes=closes)})
    assert shown in text_of(policy.model_copy(update={"calling_hours": (first,)}))


def test_holidays_and_days_that_close_earlier_are_told_with_their_source() -> None:
    text = text_of(load_policy("default"))
    assert "public holidays of NL: closed" in text
    assert "4 May: closed from 18:00; source: Remembrance Day" in text
    assert "5 May: closed; source: Liberation Day" in text
    assert "only for save, incident:" in text_of(whole())
    assert "public holidays of NL: 10:00-16:00" in text_of(whole())


@pytest.mark.parametrize(
    ("seconds", "shown"), [(7_200, "2 h apart"), (5_400, "90 min apart"), (61, "61 s apart")]
)
def test_the_time_between_attempts_is_told_in_the_largest_unit(seconds: int, shown: str) -> None:
    policy = whole()
    save = policy.purposes["save"].model_copy(update={"retry_delay_seconds": seconds})
    assert shown in text_of(policy.model_copy(update={"purposes": {"save": save}}))


def test_a_purpose_that_nothing_opens_is_told_to_be_one() -> None:
    text = text_of(whole())
    assert text.count("opened by nothing in this policy") == 1
    assert text.count("opened by act_on_requests") == 2


def test_what_becomes_of_a_decision_is_told() -> None:
    text = text_of(load_policy("default"))
    assert "Mon-Fri 10:00-12:00: 2" in text
    assert "Sat 10:00-16:00: 1" in text
    assert "244" in text
    assert "TECHNICAL_FAILURE" in text
    assert "5 min" in text
    assert "limited: 20 a day" in text_of(whole())


def test_of_a_policy_without_release_the_ends_are_told() -> None:
    text = text_of(load_policy("default").model_copy(update={"release": None}))
    assert "at all hours, and without a ceiling" in text
    assert "does not count again" in text
