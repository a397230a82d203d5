"""Complaints as timelines: a contact and the surveys about it are one, whichever is known first, and however long it is kept."""

from itertools import permutations
from pathlib import Path

import pytest

from streams.core.records import Decoded
from streams.core.state import VERSION
from tests.builders import (
    DAY,
    HOUR,
    START,
    STATES_BEFORE,
    Partition,
    call,
    default_policy,
    iso,
    survey,
    with_shape,
)

T = START
NAME = "repeated_complaint"
BAD = {"csat": 1, "answered": False}


def complaint(at: int, **fields: object) -> Decoded:
    return call(at, reason="fault", **fields)


def about(contact: str | int | None, at: int = T + HOUR, **fields: object) -> Decoded:
    return survey(at, contact_id=contact, **(BAD | fields))


# what the customer did, the further complaints that this is
ONE_OR_MORE: dict[str, tuple[list[Decoded], int]] = {
    "a survey about it": ([complaint(T, event_id="k"), about("k")], 0),
    "two surveys about it": ([complaint(T, event_id="k"), about("k"), about("k", T + DAY)], 0),
    "an id that is a number": ([complaint(T, event_id="7"), about(7)], 0),
    "a survey about no contact": ([complaint(T, event_id="k"), about(None)], 1),
    "a survey about a contact that nobody knows": ([complaint(T, event_id="k"), about("x")], 1),
    "two surveys about a contact that nobody knows": ([about("x"), about("x", T + DAY)], 0),
    "two surveys about no contact": ([about(None), about(None, T + DAY)], 1),
    "two surveys about words for nothing": ([about("unknown"), about("unknown", T + DAY)], 1),
    "a survey about a contact that was no complaint": ([call(T, event_id="k", reason="move"), about("k")], 0),
    "a survey about our call": (
        [complaint(T), call(T, event_id="o", direction="outbound"), about("o")],
        1,
    ),
    "a happy survey about it": ([complaint(T, event_id="k"), survey(T, contact_id="k", csat=5)], 0),
    "one about each of two": (
        [complaint(T, event_id="k"), complaint(T, event_id="l"), about("k"), about("l")],
        1,
    ),
    "a contact of the same name as the survey": ([complaint(T, event_id="k"), about(None, event_id="k")], 1),
}


@pytest.mark.parametrize(("events", "further"), ONE_OR_MORE.values(), ids=ONE_OR_MORE)
def test_in_any_order_with_any_repetition_a_contact_complains_once(
    events: list[Decoded], further: int
) -> None:
    for order in permutations(events):
        partition = Partition()
        partition.one_by_one([*order, *events])
        assert partition.reading(NAME, T + 2 * DAY) == further


@pytest.mark.parametrize(
    "events",
    [
        [complaint(T, event_id="k"), about("k", T + 5 * DAY)],
        [about("k", T), about("k", T + 5 * DAY)],
        [about("k", T), complaint(T + 5 * DAY, event_id="k")],
    ],
)
def test_it_counts_while_its_last_complaint_is_in_view(events: list[Decoded]) -> None:
    partition = Partition()
    partition.feed(*events, complaint(T + 29 * DAY))
    ages = (29 * DAY, 30 * DAY, 35 * DAY - 1, 35 * DAY)
    assert [partition.reading(NAME, T + age) for age in ages] == [1, 1, 1, 0]


def test_a_survey_complains_when_its_contact_is_long_over() -> None:
    partition = Partition()
    partition.feed(complaint(T, event_id="k"), complaint(T + 40 * DAY), about("k", T + 40 * DAY))
    assert partition.reading(NAME, T + 40 * DAY) == 1


@pytest.mark.parametrize("shape", [{"max_facts": 10}, {"horizon_days": 20}])
def test_a_contact_that_is_forgotten_changes_nothing(shape: dict[str, int]) -> None:
    partition = Partition(with_shape(default_policy(), **shape))
    partition.feed(complaint(T, event_id="k"))
    partition.feed(about("k", T + 19 * DAY), complaint(T + 19 * DAY))
    assert partition.reading(NAME, T + 19 * DAY) == 1
    partition.feed(*(call(T + 20 * DAY + number, reason="move") for number in range(8)))
    assert len(partition.state().facts) == 10
    assert partition.reading(NAME, T + 20 * DAY + 8) == 1


MINE = complaint(T, event_id="k")
LATER = {"revised_at": iso(T + DAY)}
# what the customer did, as corrected, and the further complaints that this is
CORRECTED = [
    ([MINE, about(None, event_id="s"), about("k", event_id="s", **LATER)], 0),
    ([MINE, about("k", event_id="s"), about(None, event_id="s", **LATER)], 1),
    ([MINE, about("k", event_id="s"), about("l", event_id="s", **LATER)], 1),
    ([MINE, about("k"), call(T, event_id="k", reason="move", **LATER)], 0),
    ([MINE, about("k"), complaint(T + DAY), call(T, event_id="k", reason="move", **LATER)], 1),
]


@pytest.mark.parametrize(("events", "further"), CORRECTED)
def test_a_correction_of_either_is_followed_in_any_order(events: list[Decoded], further: int) -> None:
    for order in permutations(events):
        partition = Partition()
        partition.one_by_one(order)
        assert partition.reading(NAME, T + 2 * DAY) == further


def test_the_versions_before_are_all_here() -> None:
    assert [path.read_bytes()[0] for path in STATES_BEFORE] == [2, 3]


@pytest.mark.parametrize("path", STATES_BEFORE, ids=[path.stem for path in STATES_BEFORE])
def test_a_survey_of_a_version_before_counts_as_it_did_until_it_is_read_again(path: Path) -> None:
    partition = Partition()
    partition.states["c1"] = path.read_bytes()
    partition.clock.now = T + HOUR
    assert partition.reading(NAME, T + HOUR) == 1
    partition.feed(call(T + 2 * HOUR, reason="move"))
    assert partition.states["c1"][0] == VERSION
    assert partition.reading(NAME, T + 2 * HOUR) == 1
    partition.feed(about("k1", event_id="s1"))
    assert partition.reading(NAME, T + 2 * HOUR) == 0
