"""The policy's arithmetic: bands with hysteresis, a score that stays within 0-1, numbers that are numbers."""

from typing import Any

import pytest
from pydantic import ValidationError

from streams.core.policy import Policy
from streams.core.purposes import PURPOSES
from tests.builders import default_policy


def changed(**score: Any) -> Policy:
    body = default_policy().model_dump()
    body["score"] |= score
    return Policy.model_validate(body)


@pytest.mark.parametrize(
    ("score", "current", "band"),
    [
        (0.0, 0, 0),
        (0.149, 0, 0),
        (0.15, 0, 1),
        (0.12, 1, 1),  # stays until it is below the start by the hysteresis
        (0.09, 1, 0),
        (0.47, 3, 3),
        (0.44, 3, 2),
        (0.47, 2, 2),
        (1.0, 0, 3),
        (0.0, 3, 0),
    ],
)
def test_a_band_is_entered_at_its_start_and_left_below_it(score: float, current: int, band: int) -> None:
    assert default_policy().plan.band_of(score, current) == band


def test_a_cap_bounds_a_contribution() -> None:
    assert default_policy().plan.contributions({"repeat_contacts": 99.0}) == {"repeat_contacts": 0.5 * 4}


@pytest.mark.parametrize("value", [-5_000.0, 5_000.0])
def test_extreme_numbers_still_give_a_score(value: float) -> None:
    policy = changed(intercept={"value": value, "source": "test"})
    assert 0.0 <= policy.plan.score_of({}) <= 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        changed(intercept={"value": value, "source": "test"})


def test_what_is_published_of_a_policy_fits_its_fields() -> None:
    body = default_policy().model_dump()
    retries = body["purposes"] | {"save": body["purposes"]["save"] | {"retry_delay_seconds": 2**63}}
    for beyond in ({"version": 10**100}, {"purposes": retries}):
        with pytest.raises(ValidationError, match="less than or equal"):
            Policy.model_validate(body | beyond)


@pytest.mark.parametrize(
    ("opens", "needed"),
    [
        ({}, {"requested_callback", "save", "service_recovery"}),
        ({"act_on_requests": False}, {"service_recovery"}),
        ({"score": None}, {"requested_callback", "save"}),
        ({"score": None, "act_on_requests": False}, set()),
        (
            {
                "score": None,
                "act_on_requests": False,
                "rules": [{"name": "r", "signal": "low_csat", "at_least": 1, "source": "test"}],
            },
            {"service_recovery"},
        ),
    ],
)
def test_a_policy_needs_the_purposes_that_it_opens(opens: dict[str, Any], needed: set[str]) -> None:
    body = default_policy().model_dump() | opens
    for absent in PURPOSES:
        less = body | {"purposes": {name: each for name, each in body["purposes"].items() if name != absent}}
        if absent in needed:
            with pytest.raises(ValidationError, match=f"missing: {absent}, which "):
                Policy.model_validate(less)
        else:
            Policy.model_validate(less)
    only = body | {"purposes": {name: body["purposes"][name] for name in needed}}
    assert set(Policy.model_validate(only).purposes) == needed


def test_any_change_changes_the_label() -> None:
    assert changed(open_at=0.51).label != default_policy().label
    assert changed().label == default_policy().label


@pytest.mark.parametrize("at_least", [0, -1])
def test_a_rule_that_holds_for_everybody_is_refused(at_least: float) -> None:
    """It opened an episode for a signal that was 0, which has no evidence."""
    rule = {"name": "all", "signal": "contacts_7d", "at_least": at_least, "source": "a mistake"}
    with pytest.raises(ValidationError, match="greater than 0"):
        Policy.model_validate(default_policy().model_dump() | {"rules": [rule]})
