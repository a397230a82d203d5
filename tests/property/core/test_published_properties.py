"""What is published is what the models in `schemas` would write, byte for byte, and nothing that they would refuse."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.instants import to_datetime
from schemas.signals import CustomerSignals
from schemas.trigger import OF_RELEASE, CallbackTrigger, Purpose
from streams.core.erasure import retraction
from streams.core.policy import Policy
from streams.core.published import Cause, identity_of, record_json, signals_output, trigger_output
from streams.core.state import State
from tests.builders import DAY, START, Partition
from tests.property.core.histories import Sketch, decoded, histories, policies

MODELS: dict[str, type[CallbackTrigger | CustomerSignals]] = {
    "trigger": CallbackTrigger,
    "signals": CustomerSignals,
}


def batched_in_two(each: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Pairs, one after another; of an odd number all but the last."""
    return zip(each[::2], each[1::2], strict=False)


def in_order(fields: dict[str, some.SearchStrategy[Any]]) -> some.SearchStrategy[dict[str, Any]]:
    """Dictionaries of these fields, in this order."""
    return some.tuples(*fields.values()).map(lambda values: dict(zip(fields, values, strict=True)))


identifiers = some.from_regex(r"\A[A-Za-z0-9_.:\-]{1,64}\Z")
names = some.text(max_size=200)
numbers = some.floats(allow_nan=False, allow_infinity=False)
scores = some.floats(0, 1)
instants = some.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=some.just(UTC))  # noqa: DTZ001
windows = some.lists(instants, unique=True, max_size=28).map(
    lambda each: [[opens, closes] for opens, closes in batched_in_two(sorted(each))]
)
sequences = some.integers(1, 2**53)
drivers = some.lists(
    in_order({"signal": identifiers, "value": numbers, "contribution": numbers, "evidence": names}),
    max_size=3,
)
pictures = in_order(
    {
        "type": some.just("customer_signals"),
        "schema_version": some.just(1),
        "customer_id": identifiers,
        "sequence": sequences,
        "as_of": instants,
        "score": scores,
        "band": identifiers,
        "previous_band": identifiers,
        "signals": some.dictionaries(names, numbers, max_size=5),
        "drivers": drivers,
        "policy": names,
    }
)
triggers = in_order(
    {
        "type": some.just("callback_trigger"),
        "schema_version": some.just(1),
        "trigger_id": some.from_regex(r"\A[a-z2-7]{26}\Z"),
        "sequence": sequences,
        "status": some.sampled_from(["open", "retracted", "expired", "completed"]),
        "status_reason": identifiers,
        "customer_id": identifiers,
        "phone_e164": some.none() | some.just("+31201234567"),
        "country_code": some.none() | some.just("NL"),
        "time_zone": some.none() | some.just("Europe/Amsterdam"),
        "language": some.none() | some.just("nl-NL"),
        "created_at": instants,
        "updated_at": instants,
        "not_before": instants,
        "callable": some.none() | windows,
        "due_at": instants,
        "expires_at": instants,
        "priority": some.integers(0, 100),
        "purpose": some.sampled_from(get_args(Purpose)),
        "offer_allowed": some.booleans(),
        "skill": identifiers,
        "reason_code": identifiers,
        "cause_event_id": some.none() | identifiers,
        "score": scores,
        "drivers": drivers,
        "evidence_language": some.none() | some.sampled_from(["nl", "en", "und", "zh-Hant-TW"]),
        "max_attempts": some.integers(1, 20),
        "retry_delay_seconds": some.integers(60, 10**9),
        "consent": in_order(
            {
                "basis": some.sampled_from(["customer_request", "service_without_offer"]),
                "do_not_call": some.none() | some.booleans(),
                "as_of": some.none() | instants,
            }
        ),
        "policy": names,
    }
)


def strict(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with tuples where there are lists, as the models have them in Python."""
    tuples: dict[str, Any] = {"drivers": tuple(fields["drivers"])}
    if fields.get("callable") is not None:
        tuples["callable"] = tuple(map(tuple, fields["callable"]))
    return fields | tuples


@given(some.tuples(some.just("trigger"), triggers) | some.tuples(some.just("signals"), pictures))
def test_a_record_is_written_as_its_model_would(kind_and_fields: tuple[str, dict[str, Any]]) -> None:
    kind, fields = kind_and_fields
    model = MODELS[kind]
    assert list(fields) == [name for name in model.model_fields if name not in OF_RELEASE]
    written = record_json(fields)
    validated = model.model_validate(strict(fields))
    assert written == validated.model_dump_json().encode()
    assert written == model.model_validate_json(written).model_dump_json().encode()


@given(triggers)
def test_a_retraction_by_erasure_is_the_record_as_its_model_would_change_it(fields: dict[str, Any]) -> None:
    before = record_json(fields)
    cause = Cause("c1", START, "erasure", START)
    last = retraction(State(episode=before), cause, START)
    assert last is not None
    changed = {"sequence": fields["sequence"] + 1, "status": "retracted", "status_reason": "erased"}
    changed |= {"phone_e164": None, "cause_event_id": None, "updated_at": to_datetime(START)}
    model = CallbackTrigger.model_validate_json(before).model_copy(update=changed)
    assert last.value == model.model_dump_json().encode()


@given(triggers)
def test_the_last_record_of_an_episode_of_before_is_published_as_that_was(fields: dict[str, Any]) -> None:
    """It was opened by a version that did not know the windows: its end says nothing of any either."""
    del fields["callable"]
    last = retraction(State(episode=record_json(fields)), Cause("c1", START, "erasure", START), START)
    assert last is not None
    assert list(orjson.loads(last.value)) == list(fields)
    assert CallbackTrigger.model_validate_json(last.value).callable is None


@given(some.tuples(some.just("trigger"), triggers) | some.tuples(some.just("signals"), pictures))
def test_a_stored_record_has_the_identity_with_which_it_was_published(
    kind_and_fields: tuple[Any, dict[str, Any]],
) -> None:
    kind, fields = kind_and_fields
    cause = Cause("c1", START, "event", START)
    output = (trigger_output if kind == "trigger" else signals_output)(cause, fields)
    assert output.identity == identity_of(kind, output.value, "c1", START)


@given(histories(most=60), policies)
def test_whatever_is_published_is_valid(history: list[Sketch], policy: Policy) -> None:
    partition = Partition(policy)
    partition.feed(*decoded(history), advance_to=max(sketch.at for sketch in history) + 400 * DAY)
    for output in partition.outputs:
        assert (
            output.value == MODELS[output.kind].model_validate_json(output.value).model_dump_json().encode()
        )


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.1])
def test_a_score_that_is_none_is_not_published(score: float) -> None:
    with pytest.raises(ValueError, match="cannot be published"):
        record_json({"score": score})
