"""The desk of a backtest: what is counted adds up, seconds in which nothing can happen are nothing, and taking turns decides nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Feedback
from streams.core.release.inputs import Body, Erased, Reported, Withdrawn
from streams.core.release.plan import SkillRules, Staffed
from streams.files import backtest as files
from streams.files import released
from streams.files.backtest import Backtest, backtest
from streams.files.ndjson import Line
from streams.files.released import Desk, Ended, Release
from tests.builders import DAY, HOUR, default_policy
from tests.desks import AMSTERDAM, MINUTE, MONDAY, SECOND, decided, rules
from tests.property.core.histories import SMALL, Sketch, corrected, histories

FEW = (Staffed(frozenset(range(5)), 9 * 60, 17 * 60, 1),)
SKILLS = {name: SkillRules("live", FEW, AMSTERDAM, 2) for name in ("callback", "retention", "service")}
RULES = rules(skills=SKILLS)
policies = some.sampled_from([default_policy(), SMALL])
partitions = some.sampled_from([1, 3, 8])
Judged = tuple[Backtest, list[Output], list[Release]]


def lines_of(history: list[Sketch]) -> list[Line]:
    events = [sketch.decoded(0) for sketch in history]
    return [Line("file", number, each.record.value or b"") for number, each in enumerate(events)]


def judged(lines: list[Line], policy: Policy, number: int, given: Any = RULES) -> Judged:
    outputs: list[Output] = []
    releases: list[Release] = []
    found = backtest(
        lines, policy, partitions=number, rules=given, outputs=outputs.append, releases=releases.append
    )
    return found, outputs, releases


def told_of(outputs: list[Output]) -> Counter[bytes]:
    return Counter(output.value for output in outputs)


@some.composite
def answered(draw: some.DrawFn) -> tuple[list[Sketch], Policy, int]:
    """A history in which outcomes name triggers that really were decided."""
    history, policy, number = draw(histories(span=20 * DAY)), draw(policies), draw(partitions)
    _, outputs, _ = judged(lines_of(history), policy, number)
    ids = sorted({orjson.loads(output.value)["trigger_id"] for output in outputs if output.kind == "trigger"})
    if ids:
        for place, sketch in enumerate(history):
            if sketch.kind == "outcome":
                fields = dict(sketch.fields) | {"trigger_id": draw(some.sampled_from(ids))}
                fields["attempt"] = draw(some.integers(1, 3))
                history[place] = replace(sketch, fields=tuple(fields.items()))
    return history, policy, number


@settings(max_examples=60)
@given(answered() | some.tuples(corrected(span=20 * DAY), policies, partitions))
def test_every_candidate_is_counted_once(drawn: tuple[list[Sketch], Policy, int]) -> None:
    history, policy, number = drawn
    found, outputs, releases = judged(lines_of(history), policy, number)
    figures = found.summary.as_json()
    never = sum(figures["never_released"].values())
    assert figures["candidates"] == figures["released"] + never + figures["open_unreleased"]
    out = ("completed", "retracted_out", "expired_out", "failed", "open_released")
    assert figures["released"] == sum(figures[name] for name in out)
    ids = {orjson.loads(output.value)["trigger_id"] for output in outputs if output.kind == "trigger"}
    assert Counter(each.trigger_id for each in releases) == Counter(ids)
    assert figures["candidates"] == figures["triggers"] == len(ids)


@settings(max_examples=60)
@given(some.one_of(histories(), corrected()), policies, partitions)
def test_in_turns_with_a_desk_the_same_is_decided(history: list[Sketch], policy: Policy, number: int) -> None:
    """Timers are judged before their partition's next event where a second of the desk comes between: at the same time for the customer."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(released.Turns, "_fold", lambda *_: None)  # nothing is fed back
        patched.setattr(files, "rules_of", lambda _: None)
        taken, turns, _ = judged(lines_of(history), policy, number)
        plain, alone, _ = judged(lines_of(history), policy, number, None)
    assert told_of(turns) == told_of(alone)
    assert replace(taken.summary, releases=None) == plain.summary


@settings(max_examples=40)
@given(histories(span=20 * DAY), policies)
def test_equal_releases_for_any_number_of_partitions_where_all_have_events_to_the_end(
    history: list[Sketch], policy: Policy
) -> None:
    """Of a partition without further events the time stands still, as in a backtest without a desk."""
    last = max(sketch.at for sketch in history) + HOUR
    in_order = sorted(history, key=lambda sketch: sketch.at)
    ends = [Sketch("call", last, f"end-{n}", 100 + n, (("resolved", True),)) for n in range(64)]
    one, three = (judged(lines_of([*in_order, *ends]), policy, number)[2] for number in (1, 3))
    assert sorted(one) == sorted(three)


# -- seconds ------------------------------------------------------------------------------------------------------

IDS = [f"t{n}" for n in range(5)]
BUSY = {
    name: SkillRules("live", (Staffed(frozenset(range(7)), 0, 24 * 60, most),), AMSTERDAM, 2)
    for name, most in {"service": 2, "callback": 1}.items()
}
SHUT = BUSY | {
    "service": SkillRules("live", (Staffed(frozenset({0}), 9 * 60 + 30, 10 * 60, 1),), AMSTERDAM, 2)
}


@some.composite
def candidates(draw: some.DrawFn) -> Body:
    trigger_id = draw(some.sampled_from(IDS))
    kind = draw(some.integers(0, 9))
    if kind == 0:
        return Withdrawn(trigger_id, draw(some.integers(2, 6)), "cooled_down")
    if kind == 1:
        return Erased(trigger_id)
    if kind <= 4:
        dispositions = ["ANSWERED_HUMAN", "NO_ANSWER", "BUSY", "INVALID_NUMBER", "CALLBACK_LATER"]
        wanted = MONDAY + draw(some.integers(0, 60)) * MINUTE
        return Reported(
            trigger_id,
            draw(some.integers(1, 3)),
            draw(some.sampled_from(dispositions)),
            wanted_at=wanted,
        )
    skill = draw(some.sampled_from([*BUSY]))
    opens = MONDAY + draw(some.integers(-10, 20)) * MINUTE + draw(some.sampled_from([0, 1, 500]))
    return decided(
        trigger_id,
        draw(some.integers(1, 6)),
        customer_id=f"customer-{IDS.index(trigger_id) // 2}",
        skill=skill,
        purpose="requested_callback" if skill == "callback" else "service_recovery",
        windows=draw(some.sampled_from([[[opens, opens + 20 * MINUTE]], [[MONDAY, MONDAY + HOUR]], []])),
        expires_at=MONDAY + draw(some.integers(1, 59)) * MINUTE + draw(some.sampled_from([0, 1])),
        due_at=MONDAY + draw(some.integers(1, 40)) * MINUTE,
        retry_delay=7 * MINUTE,
        most_attempts=2,
    )


steps = some.lists(some.tuples(some.integers(0, 55 * 60 * 1000), candidates()), min_size=1, max_size=14)


def lived(drawn: list[tuple[int, Body]], given: Any) -> tuple[list[Release], list[Feedback]]:
    """What becomes of candidates at a desk that is told of them at their times, within an hour."""
    releases: list[Release] = []
    ended: list[Ended] = []
    desk = Desk(given, 1, MONDAY, releases.append)
    for after, body in sorted(drawn, key=lambda each: each[0]):
        while desk.next_tick < MONDAY + after:
            ended += desk.tick()
        ended += desk.take(MONDAY + after, [body])
    while desk.next_tick <= MONDAY + HOUR:
        ended += desk.tick()
    desk.finish()
    return sorted(releases), [told for _, told in ended]


@settings(max_examples=40, deadline=None)
@given(steps, some.sampled_from([BUSY, SHUT]))
def test_a_second_in_which_nothing_can_happen_changes_nothing(
    drawn: list[tuple[int, Body]], skills: Any
) -> None:
    given_rules = rules(skills=skills)
    seldom = lived(drawn, given_rules)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Desk, "_when_something_happens", lambda desk: desk.now + SECOND)
        assert lived(drawn, given_rules) == seldom
