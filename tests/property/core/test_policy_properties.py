"""A purpose that a policy does not open may be absent: nothing that is decided tells whether it is there."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from streams.core.policy import Policy
from tests.builders import DAY, Partition
from tests.property.core.histories import Sketch, decoded, histories, in_order, policies


def accepted(body: dict[str, Any]) -> bool:
    try:
        Policy.model_validate(body)
    except ValidationError:
        return False
    return True


def without(body: dict[str, Any], purpose: str) -> dict[str, Any]:
    return body | {"purposes": {name: each for name, each in body["purposes"].items() if name != purpose}}


def decided(history: list[Sketch], policy: Policy) -> list[bytes]:
    """All that is published, the policy's label left out."""
    partition = Partition(policy)
    partition.feed(*decoded(history))
    partition.advance(partition.clock.now + 400 * DAY)
    return [output.value.replace(policy.label.encode(), b"") for output in partition.outputs]


@given(histories().map(in_order), policies, some.booleans(), some.booleans())
def test_an_absent_purpose_never_shows(
    history: list[Sketch], policy: Policy, asked: bool, scored: bool
) -> None:
    whole = policy.model_dump() | {"act_on_requests": asked}
    if not scored:
        whole |= {"score": None, "rules": []}
    least = whole
    for purpose in whole["purposes"]:
        if accepted(without(whole, purpose)):
            least = without(least, purpose)
    assert len(least["purposes"]) == 2 * asked + scored
    assert decided(history, Policy.model_validate(least)) == decided(history, Policy.model_validate(whole))
