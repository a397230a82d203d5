"""Rules over several fields: each row changes the default policy so that one rule breaks, and a little less so that none does."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from streams.core.policy_fields import Broken
from streams.core.policy_parts import Shape
from streams.core.policy_rules import _DEFAULTS, NEEDED, RULES, broken
from streams.policies import built_in, load_policy, policy_path

WHOLE = yaml.load(policy_path("default").read_text(encoding="utf-8"), yaml.BaseLoader)
RULE = {"name": "r", "signal": "low_csat", "at_least": "1", "source": "test"}
BY_NAME = {each.__name__: each for each in RULES}
CLOSED = {"opens": "00:00", "closes": "00:00"}
HOURS = WHOLE["calling_hours"]
NIGHT = {"opens": "22:00", "closes": "06:00"}
SHIFT = {"days": ["mon", "fri"], "opens": "09:00", "closes": "17:15", "attempts": "1"}

Change = dict[str, Any]
ROWS: list[tuple[str, Change, Change, tuple[str | int, ...], str]] = [
    (
        "weights_do_as_they_say",
        {"score.weights.low_csat.effect": "lowers"},
        {"score.weights.low_csat.weight": "0"},
        ("score", "weights", "low_csat"),
        "change the weight or the effect",
    ),
    (
        "the_score_closes_below_where_it_opens",
        {"score.close_below": "0.51"},
        {"score.close_below": "0.5"},
        ("score",),
        "must not be above open_at",
    ),
    (
        "without_a_sign_nobody_is_called",
        {"score.intercept.value": "0"},
        {"score.intercept.value": "-0.001"},
        ("score", "open_at"),
        "has a score of 0.5",
    ),
    (
        "a_probability_has_a_score",
        {"calibrated": "true", "score": None},
        {"calibrated": "true"},
        ("calibrated",),
        "no score",
    ),
    ("bands_rise_from_nought", {"bands.0.starts_at": "0.01"}, {}, ("bands",), "start at 0 and rise"),
    ("bands_rise_from_nought", {"bands.2.starts_at": "0.15"}, {}, ("bands",), "start at 0 and rise"),
    (
        "a_band_can_be_left",
        {"band_hysteresis": "0.15"},
        {"band_hysteresis": "0.149"},
        ("band_hysteresis",),
        "less than 0.15 is needed",
    ),
    (
        "names_are_given_once",
        {"bands.2.name": "watch"},
        {"bands.2.name": "other"},
        ("bands", 2),
        "another one of the name watch",
    ),
    (
        "names_are_given_once",
        {"rules": [RULE, RULE]},
        {"rules": [RULE, RULE | {"name": "s"}]},
        ("rules", 1),
        "another one of the name r",
    ),
    (
        "a_rule_asks_for_something",
        {"rules": [RULE | {"at_least": "0"}]},
        {"rules": [RULE | {"at_least": "0.1"}]},
        ("rules", 0, "at_least"),
        "every customer reaches 0",
    ),
    (
        "something_opens_an_episode",
        {"score": None, "act_on_requests": "no"},
        {"score": None, "act_on_requests": "yes"},
        (),
        "nothing opens an episode",
    ),
    (
        "what_is_opened_has_a_purpose",
        {"purposes.save": None},
        {"purposes.save": None, "act_on_requests": "false"},
        ("purposes",),
        "missing: save, which act_on_requests opens",
    ),
    (
        "calls_fit_into_their_time",
        {"purposes.save.due_hours": "336.5"},
        {"purposes.save.due_hours": "336"},
        ("purposes", "save", "due_hours"),
        "due after 336.5 hours, and not valid any more after 336",
    ),
    (
        "calls_fit_into_their_time",
        {"purposes.incident.retry_delay_seconds": "172801"},
        {"purposes.incident.retry_delay_seconds": "172800"},
        ("purposes", "incident", "max_attempts"),
        "2 attempts",
    ),
    (
        "everywhere_there_are_hours",
        {"calling_hours.2.country": "DE"},
        {"calling_hours.1.country": "DE"},
        ("calling_hours",),
        "country '*'",
    ),
    (
        "everywhere_there_are_hours",
        {"calling_hours.2.purposes": ["save"]},
        {"calling_hours.1.purposes": ["save"]},
        ("calling_hours",),
        "country '*' and every purpose",
    ),
    (
        "hours_are_given_once",
        {"calling_hours": [*HOURS, HOURS[0]]},
        {"calling_hours": [*HOURS, HOURS[0] | {"effective_from": "2028-01-01"}]},
        ("calling_hours", 3),
        "another one of NL for every purpose from 2026-07-01",
    ),
    (
        "hours_are_given_once",
        {
            "calling_hours": [
                *HOURS,
                HOURS[0] | {"purposes": ["save"]},
                HOURS[0] | {"purposes": ["incident", "save"]},
            ]
        },
        {"calling_hours": [*HOURS, HOURS[0] | {"purposes": ["save"]}, HOURS[0] | {"purposes": ["incident"]}]},
        ("calling_hours", 4),
        "another one of NL for save from 2026-07-01",
    ),
    (
        "some_hour_is_open",
        {f"calling_hours.0.{kind}": CLOSED for kind in ("weekdays", "saturday", "sunday")},
        {f"calling_hours.0.{kind}": CLOSED for kind in ("weekdays", "sunday")},
        ("calling_hours", 0),
        "closed on all days",
    ),
    (
        "some_hour_is_open",
        {"calling_hours.1.sunday": NIGHT},
        {"calling_hours.1.sunday": {"opens": "22:00", "closes": "23:59"}},
        ("calling_hours", 1, "sunday"),
        "closes before it opens",
    ),
    (
        "some_hour_is_open",
        {"calling_hours.0.holiday_hours": NIGHT},
        {"calling_hours.0.holiday_hours": {"opens": "06:00", "closes": "22:00"}},
        ("calling_hours", 0, "holiday_hours"),
        "closes before it opens",
    ),
    (
        "holiday_hours_have_holidays",
        {"calling_hours.1.holiday_hours": {"opens": "09:00", "closes": "12:00"}},
        {"calling_hours.1.holiday_hours": CLOSED},
        ("calling_hours", 1, "holiday_hours"),
        "no holidays are named",
    ),
    (
        "the_horizon_holds_what_is_looked_for",
        {"shape.horizon_days": "6"},
        {"shape.horizon_days": "7"},
        ("shape", "repeat_within_days"),
        "beyond the horizon of 6",
    ),
    (
        "the_horizon_holds_what_is_looked_for",
        {"shape.horizon_days": "8", "shape.silent_after_hours": "193"},
        {"shape.horizon_days": "8", "shape.silent_after_hours": "192"},
        ("shape", "silent_after_hours"),
        "beyond the horizon of 8",
    ),
    (
        "a_reason_is_a_word",
        {"shape.complaint_reasons": ["fault", " "]},
        {"shape.complaint_reasons": ["fault"]},
        ("shape", "complaint_reasons", 1),
        "every contact without a reason",
    ),
    (
        "every_skill_goes_out",
        {"purposes.save.skill": "experts"},
        {"purposes.save.skill": "experts", "release": None},
        ("release", "skills"),
        "experts, which save needs, is missing",
    ),
    (
        "a_skill_has_a_desk",
        {"release.skills.service.desk": "second"},
        {"release.skills.service.desk": "second", "release.desks": ["main", "second"]},
        ("release", "skills", "service", "desk"),
        "there is no desk second; there are: main",
    ),
    (
        "desks_are_few_and_different",
        {"release.desks": ["main", "main"]},
        {"release.desks": ["main", "second"]},
        ("release", "desks", 1),
        "another one of the name main",
    ),
    (
        "desks_are_few_and_different",
        {"release.desks": ["main", *map(str, range(16))]},
        {"release.desks": ["main", *map(str, range(15))]},
        ("release", "desks"),
        "at most 16",
    ),
    (
        "what_is_opened_has_its_turn",
        {"release.order": ["save", "service_recovery"]},
        {"release.order": ["save", "service_recovery", "requested_callback"]},
        ("release", "order"),
        "missing: requested_callback, which act_on_requests opens",
    ),
    (
        "what_is_opened_has_its_turn",
        {"release.order": ["save", "service_recovery", "requested_callback", "save"]},
        {"release.order": None},
        ("release", "order", 3),
        "save is there already",
    ),
    (
        "limited_says_to_how_many",
        {"release.skills.service.mode": "limited"},
        {"release.skills.service.mode": "limited", "release.skills.service.a_day": "20"},
        ("release", "skills", "service"),
        "limited to how many a day?",
    ),
    (
        "limited_says_to_how_many",
        {"release.skills.service.a_day": "20"},
        {},
        ("release", "skills", "service", "a_day"),
        "the mode is live",
    ),
    (
        "shifts_close_after_they_open",
        {"release.skills.service.staffed.0.closes": "09:00"},
        {"release.skills.service.staffed.0.closes": "09:15"},
        ("release", "skills", "service", "staffed", 0, "closes"),
        "closes before it opens",
    ),
    (
        "shifts_do_not_overlap",
        {"release.skills.service.staffed": [SHIFT, SHIFT | {"days": ["sun", "fri"], "opens": "16:45"}]},
        {
            "release.skills.service.staffed": [
                SHIFT,
                SHIFT | {"days": ["sun", "fri"], "opens": "17:15", "closes": "18:00"},
            ]
        },
        ("release", "skills", "service", "staffed", 1),
        "hours of fri overlap",
    ),
    (
        "shifts_do_not_overlap",
        {"release.skills.service.staffed.0.days": ["mon", "tue", "mon"]},
        {"release.skills.service.staffed.0.days": ["mon", "tue"]},
        ("release", "skills", "service", "staffed", 0),
        "hours of mon overlap",
    ),
    (
        "a_skill_can_go_out",
        {"release.skills.retention.staffed.0.attempts": "0"},
        {"release.skills.service.staffed.0.attempts": "0"},
        ("release", "skills", "retention", "staffed"),
        "in no hour an attempt may begin",
    ),
    (
        "a_skill_can_go_out",
        {"release.skills.service.staffed": []},
        {"release.skills.service.staffed": [SHIFT]},
        ("release", "skills", "service", "staffed"),
        "in no hour an attempt may begin",
    ),
    (
        "a_skill_can_go_out",
        {"release.skills.service.most_outstanding": "0"},
        {"release.skills.service.most_outstanding": "1"},
        ("release", "skills", "service", "most_outstanding"),
        "0 lets nothing go out",
    ),
]


def changed(change: Change) -> dict[str, Any]:
    """The default policy, as text, with other values at these paths; None takes one away."""
    fields: dict[str, Any] = yaml.load(yaml.dump(WHOLE), yaml.BaseLoader)
    for path, value in change.items():
        *above, last = path.split(".")
        part: Any = fields
        for step in above:
            part = part[int(step)] if isinstance(part, list) else part[step]
        if value is None:
            del part[last]
        else:
            part[int(last) if isinstance(part, list) else last] = value
    return fields


@pytest.mark.parametrize(("rule", "wrong", "right", "location", "said"), ROWS)
def test_a_rule_breaks_where_it_should_and_not_before(
    rule: str, wrong: Change, right: Change, location: tuple[str | int, ...], said: str
) -> None:
    [found] = broken(changed(wrong), RULES)
    assert [*broken(changed(wrong), [BY_NAME[f"_{rule}"]])] == [found]
    assert found.location == location
    assert said in found.said
    assert [*broken(changed(right), RULES)] == []


def test_every_rule_has_a_row() -> None:
    assert {f"_{row[0]}" for row in ROWS} == {rule.__name__ for rule in RULES}
    assert {*NEEDED} < {*RULES}


@pytest.mark.parametrize("name", built_in())
def test_a_policy_that_comes_along_breaks_none_as_text_or_as_a_model(name: str) -> None:
    assert [*broken(load_policy(name).model_dump(), RULES)] == []


def test_the_defaults_are_those_of_the_model() -> None:
    shape = Shape()
    assert {name: float(getattr(shape, name)) for name in _DEFAULTS} == _DEFAULTS


_VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.floats()
    | some.text(max_size=5)
    | some.sampled_from(["nan", "1e999", "*", "0"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_PATHS = [
    "score",
    "score.weights",
    "score.weights.low_csat",
    "score.open_at",
    "score.intercept",
    "bands",
    "bands.1",
    "bands.1.name",
    "bands.1.starts_at",
    "band_hysteresis",
    "rules",
    "purposes",
    "purposes.save",
    "purposes.save.due_hours",
    "purposes.save.max_attempts",
    "calling_hours",
    "calling_hours.1",
    "calling_hours.1.country",
    "score.weights.low_csat.effect",
    "calling_hours.1.sunday",
    "calling_hours.0.purposes",
    "calling_hours.0.holidays",
    "calling_hours.0.holiday_hours",
    "calling_hours.0.shortened",
    "calling_hours.1.sunday.opens",
    "shape",
    "shape.horizon_days",
    "shape.complaint_reasons",
    "calibrated",
    "act_on_requests",
    "release",
    "release.desks",
    "release.order",
    "release.skills",
    "release.skills.service",
    "release.skills.service.desk",
    "release.skills.service.mode",
    "release.skills.service.a_day",
    "release.skills.service.staffed",
    "release.skills.service.staffed.0",
    "release.skills.service.staffed.0.days",
    "release.skills.service.staffed.0.opens",
    "release.skills.service.staffed.0.attempts",
    "release.skills.service.most_outstanding",
]


@given(
    some.dictionaries(some.sampled_from(_PATHS), _VALUES.filter(lambda value: value is not None), max_size=1)
)
def test_whatever_stands_in_a_field_no_rule_stumbles(change: Change) -> None:
    assert all(isinstance(each, Broken) for each in broken(changed(change), RULES))
