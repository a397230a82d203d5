"""The event that opened an episode: named by each of its records, whatever comes after, and by none when time alone opened it."""

from pathlib import Path
from typing import Any

import pytest

from schemas.trigger import CallbackTrigger
from streams.core.records import Decoded
from tests.builders import (
    DAY,
    HOUR,
    START,
    STATES_BEFORE,
    Partition,
    call,
    cancellation,
    erasure,
    iso,
    outcome,
    profile,
    removal,
    survey,
)

T = START
ASKED = survey(T, event_id="asked", callback_requested=True)


def upset(at: int, last: str) -> list[Decoded]:
    """Unresolved contacts until the score opens by the `last` of them."""
    calls = [call(at + number, resolved=False, reason="fault") for number in range(2)]
    return [*calls, call(at + 2, event_id=last, resolved=False, reason="fault")]


def named(partition: Partition) -> list[tuple[str, str | None]]:
    """Status and named event of each trigger record."""
    return [(trigger["status"], trigger["cause_event_id"]) for trigger in partition.triggers()]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (outcome(T + HOUR), "completed"),
        (outcome(T + HOUR, "DO_NOT_CALL"), "retracted"),
        (call(T + 30 * DAY), "expired"),
        (survey(T, event_id="asked", csat=3, revised_at=iso(T + HOUR)), "retracted"),
    ],
)
def test_the_last_record_names_what_opened_and_not_what_ended(end: Decoded, status: str) -> None:
    partition = Partition()
    partition.feed(ASKED, end)
    assert named(partition) == [("open", "asked"), (status, "asked")]


def test_a_stronger_purpose_takes_over_and_the_first_event_stays() -> None:
    partition = Partition()
    partition.feed(*upset(T, "third"), survey(T + HOUR, event_id="later", callback_requested=True))
    assert [purpose for purpose, _, _ in partition.story()] == ["service_recovery", "requested_callback"]
    assert named(partition) == [("open", "third"), ("open", "third")]


def test_time_that_opens_names_nothing() -> None:
    partition = Partition()
    partition.feed(*upset(T, "third"), outcome(T + HOUR), *upset(T + DAY, "restless"))
    partition.advance(T + 20 * DAY)
    assert named(partition)[:3] == [("open", "third"), ("completed", "third"), ("open", None)]


def test_a_profile_that_allows_calls_is_named_and_one_that_is_removed_has_no_name() -> None:
    for lifted, name in ((profile(T + HOUR, event_id="allowed"), "allowed"), (removal(T + HOUR), None)):
        partition = Partition()
        partition.feed(profile(T - DAY, do_not_call=True), ASKED, lifted)
        assert named(partition) == [("open", name)]


def test_what_is_known_too_late_is_named_too() -> None:
    partition = Partition()
    partition.feed(call(T + 30 * DAY), ASKED)
    assert named(partition) == [("expired", "asked")]


def test_an_erased_event_is_named_no_more() -> None:
    partition = Partition()
    partition.feed(ASKED, survey(T + DAY, callback_requested=True), erasure(T + HOUR))
    assert named(partition) == [("open", "asked"), ("retracted", None), ("open", None)]


def test_a_correction_to_before_the_erasure_is_not_named_either() -> None:
    partition = Partition()
    step: dict[str, Any] = {"stage": "confirmed", "event_id": "step"}
    partition.feed(
        cancellation(T + HOUR, **step), survey(T + DAY, callback_requested=True), erasure(T + HOUR - 1)
    )
    partition.feed(cancellation(T, **step, revised_at=iso(T + DAY), ingested=T + DAY))
    assert named(partition) == [("open", None)]


@pytest.mark.parametrize("path", STATES_BEFORE, ids=[path.stem for path in STATES_BEFORE])
def test_an_episode_of_a_version_before_names_nothing_to_its_end(path: Path) -> None:
    for event in (outcome(T + 2 * HOUR), survey(T + 2 * HOUR, callback_requested=True)):
        partition = Partition()
        partition.states["c1"] = path.read_bytes()
        partition.clock.now = T + HOUR
        partition.feed(event)
        [output] = [each for each in partition.outputs if each.kind == "trigger"]
        trigger = CallbackTrigger.model_validate_json(output.value)
        assert trigger.sequence == 2
        assert trigger.cause_event_id is None
