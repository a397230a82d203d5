"""A policy's `release`: what the desks go by is what the file says, and only what decides is in the policy's label."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from schemas.dispositions import DISPOSITION_RULES
from schemas.instants import from_text
from schemas.trigger import Purpose
from streams.core.policy import Policy
from streams.core.policy_release import END_MEANINGS, Release, Shift, SkillRelease
from streams.core.policy_release_rules import AGAIN, DAYS, ORDER, minute_of
from streams.core.release.places import ENDS
from streams.core.release.plan import QUARTER
from streams.policies import load_policy

MONDAY = from_text("2026-06-01T00:00:00+02:00") // QUARTER
WEEK = 7 * 24 * 4
SHIFT = {"days": ("mon",), "opens": "09:00", "closes": "09:30", "attempts": 3}
SKILL = {"mode": "shadow", "staffed": [SHIFT], "most_outstanding": 1, "source": "test"}
OTHER: dict[str, Any] = {
    "desks": ("main", "second"),
    "time_zone": "America/New_York",
    "skills": dict.fromkeys(("callback", "retention", "service"), SKILL),
    "order": ("save", "requested_callback", "incident", "service_recovery"),
    "escalate": (),
    "retries": {"NO_ANSWER": 90},
    "lease_seconds": 60,
    "grace_seconds": 5,
    "hand_over_hours": 0.5,
    "request_seconds": 7,
    "contact_minutes": 1.5,
    "stale_after_minutes": 2,
    "command_ttl_seconds": 20,
    "again_after": {"expired": True},
    "source": "another",
}


def packaged() -> Policy:
    return load_policy("default")


def changed(**fields: Any) -> Policy:
    body = packaged().model_dump()
    body["release"] |= fields
    return Policy.model_validate(body)


def without() -> Policy:
    return Policy.model_validate(packaged().model_dump() | {"release": None})


@pytest.mark.parametrize("field", Release.model_fields)
def test_each_field_says_something_to_a_desk_and_only_what_decides_is_in_the_label(field: str) -> None:
    before, after = packaged(), changed(**{field: OTHER[field]})
    told = [(each.desks, each.desk_of, each.release_rules, each.again_after) for each in (before, after)]
    assert (told[0] == told[1]) == (field == "source")
    assert (before.label == after.label) == (field != "again_after")
    assert before.release_label != after.release_label


def test_without_a_release_the_label_is_the_same_and_every_skill_goes_out_at_all_hours() -> None:
    policy = without()
    assert policy.label == packaged().label
    assert policy.release_label != packaged().release_label
    [(desk, rules)] = policy.release_rules.items()
    assert (desk, policy.desks, set(policy.desk_of.values())) == ("main", ("main",), {0})
    assert set(rules.skills) == set(policy.desk_of) == {"callback", "retention", "service"}
    for skill in rules.skills.values():
        assert skill.mode == "live"
        assert min(skill.ceiling(MONDAY + each) for each in range(WEEK)) > 1_000_000
        assert skill.most_outstanding > 1_000_000
    assert (rules.retry_after, [*rules.classes], rules.escalating) == ({}, [*ORDER], {"requested_callback"})
    assert rules == rules._replace(lease=300_000, hand_over=14_400_000, command_ttl=60_000)


def test_rules_are_in_milliseconds() -> None:
    [rules] = changed(
        **{name: OTHER[name] for name in OTHER if name not in ("skills", "desks")}
    ).release_rules.values()
    assert rules.retry_after == {"NO_ANSWER": 5_400_000}
    assert rules.classes == {"save": 0, "requested_callback": 1, "incident": 2, "service_recovery": 3}
    assert (rules.lease, rules.grace, rules.request) == (60_000, 5_000, 7_000)
    assert (rules.hand_over, rules.contact, rules.stale_after, rules.command_ttl) == (
        1_800_000,
        90_000,
        120_000,
        20_000,
    )


def test_a_refusal_is_remembered_for_longer_than_its_command_is_taken() -> None:
    """Else the same command, read once more, could be granted after it was refused."""
    for seconds in (5, 60, 600, 3_600):
        for rules in changed(command_ttl_seconds=seconds).release_rules.values():
            assert rules.refusals_kept > rules.command_ttl


def test_each_desk_has_its_own_skills_and_the_partition_of_its_place() -> None:
    skills = OTHER["skills"] | {"callback": OTHER["skills"]["callback"] | {"desk": "second"}}
    policy = changed(desks=("main", "second", "third"), skills=skills)
    assert {desk: set(rules.skills) for desk, rules in policy.release_rules.items()} == {
        "main": {"retention", "service"},
        "second": {"callback"},
        "third": set(),
    }
    assert policy.desk_of == {"callback": 1, "retention": 0, "service": 0}


minutes = some.integers(0, 96).map(lambda quarter: quarter * 15)
shifts = some.builds(
    lambda days, hours, attempts: Shift(
        days=tuple(days), opens=min(hours), closes=max(hours), attempts=attempts
    ),
    some.lists(some.sampled_from([*DAYS]), min_size=1, unique=True),
    some.tuples(minutes, minutes).filter(lambda hours: hours[0] != hours[1]),
    some.integers(0, 9),
)


@given(shifts, some.sampled_from(["Europe/Amsterdam", "Asia/Kathmandu", "UTC", "America/St_Johns"]))
def test_the_ceilings_of_a_week_are_what_its_hours_say(shift: Shift, zone: str) -> None:
    skill = SkillRelease(mode="live", staffed=(shift,), most_outstanding=1, source="test")
    release = Release(time_zone=zone, skills={"service": skill}, source="test")
    rules = release.rules("main").skills["service"]
    ceilings = [rules.ceiling(MONDAY + each) for each in range(WEEK)]
    assert sum(ceilings) == skill.in_week()
    assert set(ceilings) <= {0, shift.attempts}


@given(minutes)
def test_a_minute_is_read_from_its_text_and_from_itself(minute: int) -> None:
    text = f"{minute // 60:02}:{minute % 60:02}"
    assert minute_of(text) == minute_of(minute) == minute


@pytest.mark.parametrize(
    "value",
    ["9:00", "09:20", "24:15", "25:00", "09:60", "-1:00", "٠٩:٠٠", "", None, True, 7, -15, 1_455, 9.0, [9]],
)
def test_what_is_no_quarter_of_an_hour_is_refused(value: Any) -> None:
    assert minute_of(value) is None
    with pytest.raises(ValidationError, match="a quarter of an hour of the day is expected"):
        Shift.model_validate(SHIFT | {"opens": value})


def test_retries_are_of_dispositions_after_which_there_is_another_attempt() -> None:
    for name, rules in DISPOSITION_RULES.items():
        if rules.next == "again":
            assert changed(retries={name: 1}).release is not None
        else:
            with pytest.raises(ValidationError, match="there is no other attempt"):
                changed(retries={name: 1})
    with pytest.raises(ValidationError, match=f"unknown disposition: 'GONE'; .*{AGAIN[0]}"):
        changed(retries={"GONE": 1})


def test_after_a_conversation_no_ground_counts_again() -> None:
    assert set(END_MEANINGS) == set(ENDS) == set(packaged().again_after)
    every = dict.fromkeys((end for end in ENDS if end != "completed"), True)
    assert changed(again_after=every).again_after == every | {"completed": False}
    with pytest.raises(ValidationError, match="Extra inputs"):
        changed(again_after={"completed": True})


def test_the_usual_meanings_are_the_defaults() -> None:
    assert without().again_after == {end: bool(each.counts_again) for end, each in END_MEANINGS.items()}


def test_the_usual_order_has_every_purpose() -> None:
    assert sorted(ORDER) == sorted(get_args(Purpose))


def test_a_policy_stands_on_its_skills_and_desks() -> None:
    for wrong in ({"skills": {}}, {"desks": ("other",)}, {"desks": ("main", "main")}):
        with pytest.raises(ValidationError, match="release"):
            changed(**wrong)
