"""The desk of a backtest as timelines: what goes out when, what outcomes in the files make of it, and what never goes out, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from streams.core.policy import Policy
from streams.core.published import Output
from streams.core.records import Decoded
from streams.core.release.plan import ReleaseRules, SkillRules, Staffed
from streams.core.state import NEVER
from streams.files.backtest import Summary, backtest
from streams.files.ndjson import Line
from streams.files.released import Release, rules_of
from streams.policies import load_policy
from streams.simulate import SimulationSettings, simulate
from tests.builders import (
    DAY,
    HOUR,
    START,
    call,
    cancellation,
    default_policy,
    erasure,
    event,
    iso,
    ms,
    objection,
    profile,
    survey,
    without_a_desk,
)
from tests.desks import AMSTERDAM, rules

T = START
OFFICE = Staffed(frozenset(range(5)), 9 * 60, 17 * 60, 1)
REQUEST = {"callback_requested": True}
NL_NUMBER = {"phone_e164": "+31201234567"}
NL = NL_NUMBER | {"country_code": "NL"}


def desk(**changed: Any) -> ReleaseRules:
    """Three skills, each with one attempt a quarter of an hour in office hours."""
    skill = SkillRules("live", (OFFICE,), AMSTERDAM, 50)._replace(**changed)
    return rules(skills=dict.fromkeys(("callback", "retention", "service"), skill))


def lines_of(events: Sequence[Decoded]) -> list[Line]:
    return [Line("file", number, each.record.value or b"") for number, each in enumerate(events, 1)]


def judged(
    *events: Decoded, given: ReleaseRules | None = None, policy: Policy | None = None
) -> tuple[Summary, list[Release], list[dict[str, Any]]]:
    """What came of it, each candidate, and the triggers' records."""
    releases: list[Release] = []
    said: list[Output] = []
    found = backtest(
        lines_of(events),
        policy or default_policy(),
        partitions=1,
        rules=given or desk(),
        releases=releases.append,
        outputs=said.append,
    )
    triggers = [orjson.loads(each.value) for each in said if each.kind == "trigger"]
    return found.summary, sorted(releases, key=lambda each: (each.decided_at, each.trigger_id)), triggers


def attempt(at: int, trigger_id: str, disposition: str, number: int = 1, customer: str = "c1") -> Decoded:
    return event(
        "outcome",
        at,
        customer=customer,
        disposition=disposition,
        trigger_id=trigger_id,
        attempt=number,
        event_id=f"a{number}-{at}",
    )


def asked(at: int = T, customer: str = "c1") -> list[Decoded]:
    """A customer with a number who asks for a callback."""
    return [
        profile(at - HOUR, customer=customer, event_id=f"p-{customer}", **NL),
        survey(at, customer=customer, event_id=f"s-{customer}", **REQUEST),
    ]


def test_without_outcomes_it_is_out_until_its_time_is_over() -> None:
    events = [*asked(), call(T + 9 * DAY, customer="c2")]
    summary, [release], _ = judged(*events)
    assert (release.status, release.reason, release.released_at) == ("expired", "validity_over", T)
    assert summary.releases is not None
    assert (summary.releases.released, summary.releases.expired_out) == (1, 1)


def test_at_night_it_waits_for_the_desk_and_each_quarter_has_its_ceiling() -> None:
    night = ms("2026-09-07T23:00:00+02:00")
    events = [*asked(night), *asked(night, "c2"), call(night + 11 * HOUR, customer="c3")]
    _, releases, _ = judged(*events)
    nine = ms("2026-09-08T09:00:00+02:00")
    assert sorted(each.released_at for each in releases) == [nine, nine + HOUR // 4]
    assert [each.status for each in releases] == ["open", "open"]


def test_outcomes_in_the_files_complete_it_or_have_it_tried_again() -> None:
    _, [first], _ = judged(*asked())
    tried = attempt(T + HOUR, first.trigger_id, "NO_ANSWER")
    _, [release], _ = judged(*asked(), tried, call(T + 2 * HOUR, customer="c2"))
    assert release.status == "waiting_retry"
    spoken = attempt(T + 5 * HOUR, first.trigger_id, "ANSWERED_HUMAN", 2)
    summary, [release], _ = judged(*asked(), tried, spoken)
    assert (release.status, release.reason) == ("completed", "customer_reached")
    assert summary.as_json()["completed"] == 1


def test_an_outcome_that_names_anothers_trigger_changes_nothing() -> None:
    _, [first], _ = judged(*asked())
    wrong = attempt(T + HOUR, first.trigger_id, "INVALID_NUMBER", customer="c2")
    _, [release], _ = judged(*asked(), wrong)
    assert release.status == "open"


def test_a_number_that_is_invalid_ends_it_and_signals_hears_of_it_before_the_next_event() -> None:
    """A request of before would take over the open episode; of one that has ended it cannot, so it has an id of its own."""
    _, [first], _ = judged(*asked())
    invalid = attempt(T + HOUR, first.trigger_id, "INVALID_NUMBER")
    again = survey(T + 2 * HOUR, event_id="again", **REQUEST)
    _, releases, triggers = judged(*asked(), invalid, again)
    assert [(each.status, each.reason) for each in releases] == [
        ("failed", "invalid_number"),
        ("open", "callback_requested"),
    ]
    assert len({each["trigger_id"] for each in triggers}) == 2


def test_what_is_withdrawn_is_retracted_once_it_is_out_and_never_goes_out_before() -> None:
    leaves = cancellation(T + HOUR, "confirmed", event_id="x")
    _, [release], _ = judged(*asked(), leaves)
    assert (release.status, release.reason) == ("retracted", "cancellation_confirmed")
    night = T + 15 * HOUR
    summary, [release], _ = judged(
        *asked(night), cancellation(night + HOUR, "confirmed", event_id="x"), call(night + DAY, customer="c2")
    )
    assert (release.status, release.released_at) == ("suppressed", NEVER)
    assert summary.as_json()["never_released"] == {"cancellation_confirmed": 1}


@pytest.mark.parametrize(("night", "name"), [(0, "retracted_out"), (15 * HOUR, "never_released")])
def test_an_erased_customers_is_over_at_once(night: int, name: str) -> None:
    at = T + night
    summary, [release], _ = judged(*asked(at), erasure(at + HOUR), call(at + DAY, customer="c2"))
    assert (release.status, release.reason) == ("retracted", "erased")
    assert summary.as_json()[name] in (1, {"erased": 1})


@pytest.mark.parametrize("after", [HOUR, 3 * HOUR])
def test_who_objects_by_number_is_taken_back_also_when_that_ends(after: int) -> None:
    until = {"until": iso(T + 2 * HOUR)}
    _, [release, *again], _ = judged(
        *asked(), objection(T + HOUR // 2, **NL_NUMBER, **until), call(T + after, customer="c2")
    )
    assert (release.status, release.reason) == ("retracted", "do_not_call")
    assert not again


def test_a_number_that_is_objected_to_is_no_customers() -> None:
    silent = [profile(T - HOUR, country_code="NL", event_id="p"), survey(T, event_id="s", **REQUEST)]
    _, [release], _ = judged(*silent, objection(T, **NL_NUMBER))
    assert release.status == "open"


def test_without_a_number_nothing_goes_out_but_where_the_files_hold_none_at_all() -> None:
    silent = [profile(T - HOUR, country_code="NL", event_id="p"), survey(T, event_id="s", **REQUEST)]
    summary, [release], _ = judged(*silent, profile(T, customer="c2", **NL))
    assert (release.status, release.reason) == ("suppressed", "no_number")
    assert summary.as_json()["never_released"] == {"no_number": 1}
    _, [release], _ = judged(*silent)
    assert release.status == "open"


def test_what_is_known_too_late_is_a_candidate_of_which_nothing_can_come() -> None:
    events = [survey(T, customer="c2", csat=5), survey(T - 20 * DAY, event_id="s", **REQUEST)]
    summary, [release], _ = judged(*events)
    assert (release.status, release.reason, release.decided_at) == ("expired", "known_too_late", T)
    assert summary.as_json()["never_released"] == {"known_too_late": 1}


def test_what_nobody_had_time_for_expires() -> None:
    summary, releases, _ = judged(*asked(), call(T + 9 * DAY, customer="c2"), given=desk(calendar=()))
    assert [(each.status, each.reason) for each in releases] == [("expired", "expired")]
    assert summary.as_json()["never_released"] == {"expired": 1}


def test_a_skill_in_shadow_tells_signals_nothing() -> None:
    _, [release], triggers = judged(*asked(), call(T + 9 * DAY, customer="c2"), given=desk(mode="shadow"))
    assert (release.status, release.reason, release.released_at) == ("expired", "shadow", T)
    assert [each["status"] for each in triggers] == ["open", "expired"], "its time was over for signals alone"


def test_a_policy_without_release_has_no_desk() -> None:
    policy = without_a_desk(load_policy("default"))
    assert rules_of(policy) is None
    found = backtest(lines_of(asked()), policy)
    assert not {"candidates", "never_released"} & found.summary.as_json().keys()


def test_all_desks_of_a_policy_are_judged_as_one() -> None:
    policy = load_policy("default")
    given = rules_of(policy)
    assert given is not None
    assert given.skills.keys() == {handling.skill for handling in policy.purposes.values()}


@pytest.fixture(scope="module")
def quarter() -> list[Line]:
    records = simulate(SimulationSettings(500, days=60, seed=5)).records
    return [Line("simulated", number, each.value) for number, each in enumerate(records, 1)]


def test_simulated_events_with_outcomes_add_up(quarter: list[Line]) -> None:
    """Of what goes out without them a third is reached, and a third is tried in vain."""
    releases: list[Release] = []
    policy = load_policy("default")
    backtest(quarter, policy, releases=releases.append)
    out = sorted((each for each in releases if each.released_at != NEVER), key=lambda each: each.released_at)
    assert len(out) > 30
    outcomes = [
        attempt(each.released_at + HOUR, each.trigger_id, "ANSWERED_HUMAN", customer=each.customer_id)
        if number % 3
        else attempt(each.released_at + HOUR, each.trigger_id, "INVALID_NUMBER", customer=each.customer_id)
        for number, each in enumerate(out)
        if number % 3 < 2
    ]
    told: list[Release] = []
    found = backtest([*quarter, *lines_of(outcomes)], policy, releases=told.append)
    figures = found.summary.as_json()
    assert figures["completed"] > 0
    assert figures["failed"] > 0
    assert figures["candidates"] == len(told) == figures["triggers"]
    never = sum(figures["never_released"].values())
    assert figures["candidates"] == figures["released"] + never + figures["open_unreleased"]
    names = ("completed", "retracted_out", "expired_out", "failed", "open_released")
    assert figures["released"] == sum(figures[name] for name in names)


def test_no_quarter_has_more_attempts_than_its_ceiling(quarter: list[Line]) -> None:
    releases: list[Release] = []
    backtest(quarter, without_a_desk(load_policy("default")), rules=desk(), releases=releases.append)
    first = [(each.skill, each.released_at // (HOUR // 4)) for each in releases if each.released_at != NEVER]
    assert len(first) == len(set(first)) > 30
