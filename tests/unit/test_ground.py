"""What is missing of a partition's states, by what is known at its assignment."""

from __future__ import annotations

import pytest

from streams.state.ground import Between, Ground, ahead, begun, held, lacking, more_of

CALLS = "contact.calls"


def ground(**more: object) -> Ground:
    known: dict[str, object] = {
        "partition": 3,
        "recorded": True,
        "begins": 0,
        "accepted": 0,
        "inputs": {CALLS: 10},
        "committed": {CALLS: 10},
        "starts": {CALLS: 10},
    }
    return Ground(**(known | more))  # type: ignore[arg-type]


AHEAD = {"committed": {CALLS: 14}, "starts": {CALLS: 14}}
FRESH = {"recorded": False, "inputs": {}}


@pytest.mark.parametrize(
    ("known", "between", "said"),
    [
        pytest.param({}, {}, "", id="all is there"),
        pytest.param(
            {"inputs": {CALLS: 20}}, {}, "", id="a replay: the states hold more than what was committed"
        ),
        pytest.param(AHEAD, {CALLS: "nothing"}, "", id="markers at the end"),
        pytest.param(AHEAD, {CALLS: "anew"}, "", id="the log ends before what was committed"),
        pytest.param(AHEAD, {CALLS: "record"}, "and records lie between (4 offsets)", id="the end is lost"),
        pytest.param(AHEAD, {CALLS: "gone"}, "nobody can tell", id="the end is lost, and retention passed"),
        pytest.param(AHEAD | {"inputs": {}}, {}, "", id="a record of an older worker"),
        pytest.param(
            AHEAD | {"inputs": {"contact.surveys": 1}}, {}, "", id="a topic that came with an upgrade"
        ),
        pytest.param({"committed": {CALLS: 99}, "starts": {CALLS: 0}}, {}, "", id="an input made anew"),
        pytest.param({"begins": 7}, {}, "begins at offset 7, not at 0", id="a shortened changelog"),
        pytest.param({"begins": 7, "accepted": 7}, {}, "", id="one that was accepted"),
        pytest.param(
            {"written_to": "a", "now": "b"}, {}, "another topic than the one", id="made anew under a worker"
        ),
        pytest.param({"written_to": "a", "now": "a"}, {}, "", id="the same topic"),
        pytest.param({"written_to": "", "now": "b"}, {}, "", id="of an older worker, or accepted"),
        pytest.param({"written_to": "a", "now": ""}, {}, "", id="brokers that know no ids"),
        pytest.param(FRESH | {"committed": {}}, {}, "", id="a new group"),
        pytest.param(FRESH | {"committed": {CALLS: 0}}, {}, "", id="one that has read nothing"),
        pytest.param(
            FRESH, {CALLS: "record"}, "holds no states, although the group has read contact.calls up to 10"
        ),
        pytest.param(
            FRESH, {CALLS: "gone"}, "holds no states", id="a changelog made anew, and retention passed"
        ),
        pytest.param(FRESH, {CALLS: "nothing"}, "", id="a group that has read markers only"),
    ],
)
def test_what_is_missing_is_told(known: dict[str, object], between: dict[str, Between], said: str) -> None:
    looked_at = ground(**known)
    assert ahead(looked_at).keys() == between.keys(), "only what is in doubt is looked at"
    sentences = lacking(looked_at, between)
    assert (len(sentences) == 1 and said in sentences[0]) if said else sentences == []


def test_a_partition_begins_with_the_greater_of_what_is_held_and_read_from() -> None:
    assert begun(ground(inputs={CALLS: 10}, starts={CALLS: 14, "contact.surveys": 3})) == {
        CALLS: 14,
        "contact.surveys": 3,
    }
    assert begun(ground(inputs={CALLS: 20})) == {CALLS: 20}, "a replay takes nothing back"


def test_of_a_log_made_anew_the_old_position_means_nothing() -> None:
    assert begun(ground(inputs={CALLS: 20}, committed={CALLS: 20}, starts={CALLS: 0})) == {CALLS: 0}


def test_what_is_read_again_takes_nothing_back() -> None:
    assert held({CALLS: 10}, {CALLS: 4, "contact.surveys": 1}) == {CALLS: 10, "contact.surveys": 1}
    assert not more_of({CALLS: 10}, {CALLS: 10})
    assert more_of({CALLS: 10}, {CALLS: 11})
    assert more_of({}, {CALLS: 0}), "a topic of which nothing was known"
