"""What happens seldom at a desk: told twice in two ways, taken over in the middle, moved to another skill."""

from __future__ import annotations

import pytest

from streams.core.release.inputs import Capacity, Claim, Erased, Input, Reported, SetMode, Tick, Withdrawn
from streams.core.release.plan import SkillRules, Staffed
from streams.core.release.process import process_release, restore
from streams.core.release.skills import MOST_CLAIMANTS
from tests.desks import AMSTERDAM, MINUTE, MONDAY, SECOND, Timeline, decided, rules


def staffed(attempts: int) -> SkillRules:
    return SkillRules("live", (Staffed(frozenset(range(7)), 0, 24 * 60, attempts),), AMSTERDAM, 50)


def out_with(timeline: Timeline, trigger_id: str) -> None:
    """It is decided, goes out, and somebody has it."""
    timeline.feed(decided(trigger_id))
    timeline.go_to(timeline.at + SECOND)
    assert timeline.claim(trigger_id)["result"] == "granted"


@pytest.mark.parametrize("first", ["TECHNICAL_FAILURE", "STOPPED", "TOO_LATE"])
def test_who_was_reached_is_not_called_again_whatever_was_said_of_the_attempt_before(first: str) -> None:
    timeline = Timeline()
    out_with(timeline, "t1")
    timeline.feed(Withdrawn("t1", 2, "cooled_down")) if first == "TOO_LATE" else None
    timeline.feed(Reported("t1", 1, first), Reported("t1", 1, "ANSWERED_HUMAN"))
    assert timeline.statuses("t1")[-1] == "completed"


def test_after_a_failure_of_ours_the_next_attempt_has_another_number() -> None:
    timeline = Timeline()
    out_with(timeline, "t1")
    timeline.feed(Reported("t1", 1, "TECHNICAL_FAILURE"))
    timeline.go_to(timeline.at + 3 * 60 * MINUTE)
    assert [record["attempt"] for record in timeline.said("t1")][-1] == 2
    timeline.feed(Reported("t1", 1, "TECHNICAL_FAILURE"))
    assert timeline.statuses("t1")[-1] == "open", "said again, it is of an earlier attempt"


def test_a_trigger_that_moves_to_another_skill_is_counted_there() -> None:
    timeline = Timeline(rules(skills={"service": staffed(100), "retention": staffed(2)}))
    timeline.feed(*(decided(f"t{n}") for n in range(5)))
    timeline.go_to(MONDAY + SECOND)
    timeline.feed(*(decided(f"t{n}", 2, skill="retention") for n in range(5)))
    timeline.go_to(MONDAY + 2 * SECOND)
    assert timeline.counts["released", "retention"] == 2


def test_what_a_former_owner_left_unreleased_waits_until_the_new_one_has_caught_up() -> None:
    timeline = Timeline(rules(skills={"service": staffed(100)}))
    timeline.feed(*(decided(f"t{n}") for n in range(10)))
    timeline.take(
        process_release([Input(MONDAY + SECOND, Tick(MONDAY + SECOND))], timeline.partition, room=30_000)
    )
    before = timeline.counts["released", "service"]
    assert 0 < before < 10
    timeline.partition = restore(timeline.rules, MONDAY + SECOND, timeline.states)
    claim = Input(MONDAY + MINUTE, Claim("ann", "c1", skill="service"), live=False)
    timeline.take(process_release([claim], timeline.partition, taken_over=True))
    assert timeline.counts["released", "service"] == before
    timeline.go_to(MONDAY + 2 * MINUTE)
    assert timeline.counts["released", "service"] == 10


def test_an_erased_trigger_does_not_know_whose_it_was() -> None:
    timeline = Timeline()
    timeline.feed(decided("t1"))
    timeline.go_to(MONDAY + SECOND)
    timeline.feed(Erased("t1"))
    assert b"customer-of-t1" not in timeline.states["t1"]
    assert timeline.statuses("t1")[-1] == "retracted"


def test_a_limit_for_the_day_counts_what_went_out_and_not_the_shadow() -> None:
    timeline = Timeline(rules(skills={"service": staffed(100)._replace(mode="shadow")}))
    timeline.feed(*(decided(f"t{n}") for n in range(8)))
    timeline.go_to(MONDAY + SECOND)
    assert timeline.counts["released", "service"] == 8
    timeline.command(SetMode("op", "m1", "service", "limited", 3))
    timeline.go_to(MONDAY + 10 * MINUTE)
    out = [n for n in range(8) if timeline.partition.desk.out_of.get(f"customer-of-t{n}")]
    assert len(out) == 3


def test_free_agents_are_told_by_so_many_at_most() -> None:
    timeline = Timeline()
    until = MONDAY + MINUTE
    timeline.feed(*(Capacity(f"agent-{n}", f"c{n}", "service", 1, until) for n in range(MOST_CLAIMANTS)))
    assert timeline.command(Capacity("one-more", "d1", "service", 1, until))["reason"] == "too_many_claimants"
    assert timeline.command(Capacity("agent-7", "d2", "service", 2, until))["result"] == "recorded"
    timeline.go_to(until + SECOND)
    assert timeline.command(Capacity("one-more", "d3", "service", 1, until + MINUTE))["result"] == "recorded"
