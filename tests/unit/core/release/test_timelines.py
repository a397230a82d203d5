"""The life of a trigger as timelines: out at the desk's pace, claimed once, retried, retracted, ended."""

from __future__ import annotations

import orjson
import pytest

from streams.core.release.inputs import (
    Capacity,
    Claim,
    Contact,
    Done,
    Erased,
    GiveBack,
    Progress,
    Renew,
    Reported,
    SetMode,
    Tick,
    Withdrawn,
)
from streams.core.release.plan import SkillRules, Staffed
from tests.builders import DAY, HOUR
from tests.desks import ALL_DAY, AMSTERDAM, MINUTE, MONDAY, SECOND, Timeline, decided, rules

QUARTER = 15 * MINUTE


def skills(**changed: object) -> dict[str, SkillRules]:
    return {"service": SkillRules("live", ALL_DAY, AMSTERDAM, 50)._replace(**changed)}  # type: ignore[arg-type]


def attempts(number: int) -> tuple[Staffed, ...]:
    return (Staffed(frozenset(range(7)), 0, 24 * 60, number),)


# -- going out ----------------------------------------------------------------------------------------------------


def test_it_goes_out_with_the_next_tick_and_its_record_says_what_a_dialer_needs() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    assert desk.said("t1") == []
    desk.go_to(MONDAY + SECOND)
    [record] = desk.said("t1")
    assert (record["status"], record["sequence"], record["attempt"]) == ("open", 1, 1)
    assert record["status_reason"] == "unresolved_30d"
    assert record["callable"] == [["2026-06-01T07:00:00Z", "2026-06-08T07:00:00Z"]]
    [output] = desk.outputs
    assert (output.key, output.partition, output.identity) == ("customer-of-t1", 0, "t1.1")


def test_the_quarters_ceiling_holds_and_the_next_quarter_goes_on() -> None:
    desk = Timeline(rules(skills=skills(calendar=attempts(3))))
    desk.feed(*(decided(f"t{n}") for n in range(8)))
    for second in (1, 2, 600):
        desk.go_to(MONDAY + second * SECOND)
    assert sum(bool(desk.said(f"t{n}")) for n in range(8)) == 3
    desk.go_to(MONDAY + QUARTER)
    assert sum(bool(desk.said(f"t{n}")) for n in range(8)) == 6


def test_what_is_promised_goes_out_before_what_is_worth_more() -> None:
    desk = Timeline(rules(skills=skills(calendar=attempts(2))))
    desk.feed(
        decided("rich", worth=1000.0),
        decided("poor"),
        decided("asked", purpose="requested_callback"),
        decided("urgent", due_at=MONDAY + HOUR),
    )
    desk.go_to(MONDAY + SECOND)
    assert desk.said("asked")
    assert desk.said("urgent")
    desk.go_to(MONDAY + QUARTER)
    assert desk.said("rich")
    assert desk.said("poor")


def test_nobody_is_called_outside_of_office_hours_and_yesterdays_quarters_are_not_caught_up() -> None:
    office = (Staffed(frozenset(range(5)), 9 * 60, 17 * 60, 2),)
    evening = MONDAY + 9 * HOUR
    desk = Timeline(rules(skills=skills(calendar=office)), now=evening)
    desk.feed(*(decided(f"t{n}", at=evening) for n in range(9)))
    desk.go_to(evening + HOUR)
    assert desk.outputs == []
    desk.go_to(MONDAY + DAY)
    assert len(desk.outputs) == 2


def test_no_more_than_most_outstanding_are_out_and_an_end_makes_room() -> None:
    desk = Timeline(rules(skills=skills(most_outstanding=1)))
    desk.feed(decided("t1", worth=2.0), decided("t2"))
    desk.go_to(MONDAY + SECOND)
    assert (desk.statuses("t1"), desk.statuses("t2")) == (["open"], [])
    desk.feed(Reported("t1", 1, "ANSWERED_HUMAN"))
    desk.go_to(MONDAY + 2 * SECOND)
    assert (desk.statuses("t1"), desk.statuses("t2")) == (["open", "completed"], ["open"])


def test_free_agents_pull_and_when_their_time_is_over_nobody_is_free() -> None:
    desk = Timeline()
    desk.feed(*(decided(f"t{n}") for n in range(9)))
    desk.command(Capacity("ann", "k1", "service", 2, MONDAY + 10 * MINUTE))
    desk.go_to(MONDAY + SECOND)
    assert len(desk.outputs) - len(desk.replies()) == 2
    desk.command(Capacity("ann", "k2", "service", 1, MONDAY + 10 * MINUTE))
    desk.go_to(MONDAY + 2 * SECOND)
    assert len(desk.outputs) - len(desk.replies()) == 3
    desk.command(Capacity("ann", "k3", "service", 5, MONDAY + 3 * MINUTE))
    desk.at = MONDAY + 4 * MINUTE
    desk.feed(Tick(MONDAY + 4 * MINUTE))
    assert len(desk.outputs) - len(desk.replies()) == 3


def test_one_customer_has_one_trigger_out_at_a_time() -> None:
    desk = Timeline()
    desk.feed(decided("t1", customer_id="c1", worth=2.0), decided("t2", customer_id="c1"))
    desk.go_to(MONDAY + SECOND)
    assert (desk.statuses("t1"), desk.statuses("t2")) == (["open"], [])
    desk.feed(Withdrawn("t1", 2, "cooled_down"))
    desk.go_to(MONDAY + 2 * SECOND)
    assert (desk.statuses("t1"), desk.statuses("t2")) == (["open", "retracted"], ["open"])


def test_nothing_goes_out_while_its_signals_partition_is_behind() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), decided("t2", partition=1), Progress(1, MONDAY))
    desk.feed(Progress(0, MONDAY + 10 * MINUTE))
    desk.go_to(MONDAY + 10 * MINUTE, read=False)
    assert (desk.statuses("t1"), desk.statuses("t2")) == (["open"], [])
    assert desk.claim("t1")["result"] == "granted"
    assert desk.counts["held_stale", "service"] == 1
    desk.feed(Progress(1, MONDAY + 9 * MINUTE))
    desk.go_to(MONDAY + 10 * MINUTE + SECOND, read=False)
    assert desk.statuses("t2") == ["open"]


def test_nothing_is_granted_for_a_customer_whose_objection_may_be_unread() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.go_to(MONDAY + HOUR, read=False)
    assert desk.claim("t1")["reason"] == "stale"
    assert desk.claim(skill="service")["reason"] == "none_open"


def test_a_new_owner_releases_and_grants_nothing_before_it_has_read_to_the_end() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), decided("t2"))
    desk.go_to(MONDAY + SECOND)
    desk.restart()
    desk.at = MONDAY + 2 * SECOND
    desk.feed(decided("t3"), Tick(desk.at), live=False)
    assert desk.statuses("t3") == []
    assert desk.command(Claim("ann", "k1", "t1"), live=False)["reason"] == "starting"
    desk.go_to(MONDAY + 3 * SECOND)
    assert desk.statuses("t3") == ["open"]
    assert desk.claim("t1")["result"] == "granted"


def test_without_a_number_it_never_goes_out_but_where_whoever_dials_knows_it() -> None:
    silent = decided("t1", trigger={"phone_e164": None})
    desk, knowing = Timeline(), Timeline(rules(needs_number=False))
    for each in (desk, knowing):
        each.feed(silent)
        each.go_to(MONDAY + SECOND)
    assert [(r["status"], r["status_reason"]) for r in desk.said("t1")] == [("suppressed", "no_number")]
    assert knowing.statuses("t1") == ["open"]


# -- claims -------------------------------------------------------------------------------------------------------


def test_one_of_two_claimants_gets_it_and_each_hears_the_same_again() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    ann, bob = desk.claim("t1", "ann"), desk.claim("t1", "bob")
    assert (ann["result"], ann["sequence"], ann["trigger"]["phone_e164"]) == ("granted", 2, "+31200000002")
    assert (bob["result"], bob["reason"], bob["trigger"]) == ("refused", "already_claimed", None)
    assert desk.claim("t1", "ann")["reason"] == "already_yours"
    assert desk.command(Claim("ann", "c1", "t1")) == ann
    assert desk.command(Claim("bob", "c2", "t1")) == bob
    assert desk.statuses("t1") == ["open", "claimed"]


def test_next_is_the_most_urgent_that_is_open() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), decided("t2", worth=9.0))
    desk.go_to(MONDAY + SECOND)
    assert desk.claim(skill="service")["trigger_id"] == "t2"
    assert desk.claim(skill="service", claimant="bob")["trigger_id"] == "t1"
    assert desk.claim(skill="service")["reason"] == "none_open"
    assert desk.claim(skill="sales")["reason"] == "unknown_skill"


def test_a_command_that_was_long_under_way_is_too_old() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + 5 * MINUTE)
    desk.at = MONDAY + 3 * MINUTE
    assert desk.claim("t1")["reason"] == "too_old"


def test_a_lease_lapses_when_all_was_read_that_could_have_been_reported_in_it() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.go_to(MONDAY + 6 * MINUTE, read=False)
    assert desk.statuses("t1") == ["open", "claimed"], "an outcome may be under way"
    assert desk.claim("t1", "bob")["reason"] == "already_claimed"
    desk.go_to(MONDAY + 6 * MINUTE + SECOND)
    assert desk.statuses("t1") == ["open", "claimed", "open"]
    assert desk.claim("t1", "bob")["result"] == "granted"


def test_a_lease_that_is_renewed_does_not_lapse_and_another_cannot_renew_it() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.go_to(MONDAY + 4 * MINUTE)
    assert desk.command(Renew("bob", "k1", "t1"))["reason"] == "not_yours"
    assert desk.command(Renew("ann", "k2", "t1"))["until"] == "2026-06-01T07:09:00Z"
    desk.go_to(MONDAY + 8 * MINUTE)
    assert desk.statuses("t1") == ["open", "claimed", "claimed"]


def test_a_lease_that_ends_while_a_new_owner_reads_is_taken_for_a_call() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.restart()
    desk.at = MONDAY + 10 * MINUTE
    desk.feed(Tick(desk.at), live=False)
    assert desk.statuses("t1")[-1] == "handed_over"


def test_what_is_given_back_is_open_again() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    assert desk.command(GiveBack("ann", "k1", "t1"))["result"] == "released"
    assert desk.claim("t1", "bob")["result"] == "granted"
    assert desk.command(GiveBack("ann", "k2", "t1"))["reason"] == "not_yours"


def test_a_push_dialer_hands_over_and_its_outcome_decides() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    assert desk.command(Done("ann", "k1", "t1"))["result"] == "recorded"
    desk.go_to(MONDAY + 2 * HOUR)
    assert desk.statuses("t1")[-1] == "handed_over"
    desk.feed(Reported("t1", 1, "ANSWERED_HUMAN"))
    assert desk.statuses("t1")[-1] == "completed"


def test_of_what_was_handed_over_and_never_heard_of_again_the_next_attempt_is_made_and_then_it_has_failed() -> (
    None
):
    desk = Timeline()
    desk.feed(decided("t1", most_attempts=2))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.command(Done("ann", "k1", "t1"))
    desk.go_to(MONDAY + 5 * HOUR)
    assert desk.statuses("t1")[-1] == "waiting_retry"
    desk.go_to(MONDAY + 8 * HOUR)
    assert desk.said("t1")[-1]["attempt"] == 2
    desk.claim("t1")
    desk.command(Done("ann", "k2", "t1"))
    desk.go_to(MONDAY + 13 * HOUR)
    assert desk.statuses("t1")[-1] == "failed"
    assert desk.counts["unreconciled", "service"] == 2


# -- attempts -----------------------------------------------------------------------------------------------------


def test_no_answer_is_tried_again_after_the_delay_and_then_it_has_failed() -> None:
    desk = Timeline()
    desk.feed(decided("t1", most_attempts=2))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(Reported("t1", 1, "NO_ANSWER"))
    assert desk.statuses("t1")[-1] == "waiting_retry"
    desk.go_to(MONDAY + HOUR)
    assert desk.statuses("t1")[-1] == "waiting_retry"
    desk.go_to(MONDAY + 3 * HOUR)
    assert desk.statuses("t1")[-2:] == ["queued", "open"]
    assert desk.said("t1")[-1]["attempt"] == 2
    desk.claim("t1")
    desk.feed(Reported("t1", 1, "NO_ANSWER"), Reported("t1", 2, "NO_ANSWER"))
    assert desk.statuses("t1")[-1] == "failed"
    assert desk.said("t1")[-1]["status_reason"] == "attempts_used_up"
    assert desk.counts["ignored", "reported_before"] == 1


def test_the_customer_chooses_the_time() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(Reported("t1", 1, "CALLBACK_LATER", wanted_at=MONDAY + 6 * HOUR))
    desk.go_to(MONDAY + 5 * HOUR)
    assert desk.statuses("t1")[-1] == "waiting_retry"
    desk.go_to(MONDAY + 6 * HOUR + SECOND)
    assert desk.statuses("t1")[-1] == "open"


def test_a_number_that_does_not_exist_is_never_dialled_again() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(Reported("t1", 1, "INVALID_NUMBER"))
    assert desk.statuses("t1")[-1] == "failed"


def test_the_late_outcome_of_an_earlier_attempt_stops_the_later_call() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.command(Done("ann", "k1", "t1"))
    desk.go_to(MONDAY + 5 * HOUR)
    desk.go_to(MONDAY + 8 * HOUR)
    desk.claim("t1", "bob")
    desk.feed(Reported("t1", 1, "ANSWERED_HUMAN"))
    assert desk.statuses("t1")[-1] == "retract_requested"
    desk.feed(Reported("t1", 2, "STOPPED"))
    assert desk.statuses("t1")[-1] == "completed"


# -- retraction ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "last"),
    [("stopped", ["retract_requested", "retracted"]), ("too_late", ["claimed", "retract_requested"])],
)
def test_who_is_calling_is_asked_to_stop(answer: str, last: list[str]) -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(Withdrawn("t1", 2, "customer_called"))
    assert desk.statuses("t1")[-1] == "retract_requested"
    desk.command(Done("ann", "k1", "t1", answer))
    assert desk.statuses("t1")[-2:] == last
    if answer == "too_late":
        desk.feed(Reported("t1", 1, "ANSWERED_HUMAN"))
        assert desk.statuses("t1")[-1] == "completed"


def test_what_never_was_out_is_suppressed_and_what_was_is_retracted() -> None:
    desk = Timeline(rules(skills=skills(calendar=attempts(1))))
    desk.feed(decided("t1", worth=1.0), decided("t2"))
    desk.go_to(MONDAY + SECOND)
    desk.feed(Withdrawn("t1", 2, "do_not_call"), Withdrawn("t2", 2, "do_not_call"))
    assert (desk.statuses("t1"), desk.statuses("t2")) == (["open", "retracted"], ["suppressed"])


def test_a_request_to_stop_that_nobody_answers_is_over_with_the_lease() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(Withdrawn("t1", 2, "do_not_call"))
    desk.go_to(MONDAY + 3 * MINUTE)
    assert desk.statuses("t1")[-1] == "retract_requested"
    desk.go_to(MONDAY + 6 * MINUTE)
    assert desk.statuses("t1")[-1] == "retracted"


def test_a_call_placed_after_the_retraction_is_counted() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.feed(Withdrawn("t1", 2, "do_not_call"))
    desk.feed(Reported("t1", 1, "NO_ANSWER", placed_at=MONDAY + HOUR))
    assert desk.counts["stale_call", "service"] == 1


def test_an_upgrade_keeps_the_claim_and_lines_up_what_nobody_has() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), decided("t2"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(*(decided(each, 2, purpose="requested_callback") for each in ("t1", "t2")))
    assert desk.statuses("t1") == ["open", "claimed", "claimed"]
    assert desk.statuses("t2") == ["open", "queued"]
    desk.feed(decided("t2", 2))
    assert desk.counts["ignored", "decided_before"] == 1


def test_a_decision_that_crossed_the_end_is_answered_with_the_end() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.feed(Reported("t1", 1, "ANSWERED_HUMAN"), decided("t1", 2))
    assert desk.statuses("t1") == ["open", "completed", "completed"]
    assert [record["decision_sequence"] for record in desk.said("t1")] == [1, 1, 2]


# -- a contact in progress ----------------------------------------------------------------------------------------


def test_who_is_in_the_queue_right_now_is_not_called() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), Contact("t1", "k1", over=False))
    desk.go_to(MONDAY + 10 * MINUTE)
    assert desk.statuses("t1") == []
    desk.feed(Contact("t1", "k1", over=True))
    desk.go_to(MONDAY + 11 * MINUTE)
    assert desk.statuses("t1") == ["open"]
    desk.feed(Contact("t1", "k1", over=False), Contact("t1", "k2", over=False))
    assert desk.statuses("t1") == ["open", "queued"], "the end of a contact wins over its beginning"
    desk.feed(Contact("t1", "k2", over=True, served=True))
    assert desk.statuses("t1")[-1] == "completed"


def test_a_contact_of_which_no_end_is_told_holds_for_an_hour() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), Contact("t1", "k1", over=False))
    desk.go_to(MONDAY + 61 * MINUTE)
    assert desk.statuses("t1") == ["open"]


def test_the_agent_who_is_about_to_call_is_asked_to_stop_and_it_waits_again() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.feed(Contact("t1", "k1", over=False))
    assert desk.statuses("t1")[-1] == "retract_requested"
    desk.command(Done("ann", "k1", "t1", "stopped"))
    assert desk.statuses("t1")[-1] == "queued"
    desk.go_to(MONDAY + MINUTE)
    assert desk.statuses("t1")[-1] == "queued"


# -- erasure ------------------------------------------------------------------------------------------------------


def test_an_erased_customers_trigger_ends_at_once_without_a_number() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), decided("t2"))
    desk.go_to(MONDAY + SECOND)
    granted = desk.claim("t1")
    desk.feed(Erased("t1"))
    last = desk.said("t1")[-1]
    assert (last["status"], last["status_reason"], last["phone_e164"]) == ("retracted", "erased", None)
    again = desk.command(Claim("ann", "c1", "t1"))
    assert again == granted | {"trigger": None}
    assert not any(b"+31200000002" in data for key, data in desk.states.items() if key == "t1")
    desk.feed(Reported("t1", 1, "NO_ANSWER"), decided("t1", 5))
    assert desk.counts["ignored", "erased"] == 2
    assert not any(b"+3120" in data for key, data in desk.states.items() if key == "t1")


def test_an_erased_customer_is_forgotten_in_all_triggers_and_nobody_else_is() -> None:
    desk = Timeline()
    same = {"customer_id": "erika"}
    desk.feed(decided("t1", **same), decided("t2", **same), decided("t3"))
    desk.go_to(MONDAY + SECOND)
    desk.feed(Erased(customer_id="erika"), Erased(customer_id="nobody-here"))
    assert [desk.statuses(each)[-1:] for each in ("t1", "t2", "t3")] == [["retracted"], [], ["open"]]
    assert not any(b"erika" in data for data in desk.states.values())
    outputs = len(desk.outputs)
    desk.feed(Erased(customer_id="erika"), Erased("t1"))
    assert len(desk.outputs) == outputs


def test_nothing_is_said_of_an_erased_customer_of_whom_nothing_was_said() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), Erased("t1"))
    desk.go_to(MONDAY + SECOND)
    assert desk.outputs == []


# -- time ---------------------------------------------------------------------------------------------------------


def test_a_window_that_closes_takes_it_back_and_the_next_one_lets_it_out() -> None:
    desk = Timeline()
    windows = [[MONDAY, MONDAY + HOUR], [MONDAY + DAY, MONDAY + DAY + HOUR]]
    desk.feed(decided("t1", windows=windows))
    desk.go_to(MONDAY + SECOND)
    desk.go_to(MONDAY + HOUR)
    assert desk.statuses("t1") == ["open", "queued"]
    assert desk.claim("t1")["reason"] == "not_open"
    desk.go_to(MONDAY + DAY)
    assert desk.statuses("t1")[-1] == "open"


def test_whom_nobody_may_call_in_time_is_suppressed() -> None:
    desk = Timeline()
    desk.feed(decided("t1", windows=[]))
    assert [(r["status"], r["status_reason"]) for r in desk.said("t1")] == [("suppressed", "never_callable")]


def test_validity_ends_what_waits_and_what_is_open_and_a_claim_with_its_lease() -> None:
    desk = Timeline(rules(skills=skills(calendar=attempts(2))))
    until = MONDAY + 10 * MINUTE
    desk.feed(*(decided(f"t{n}", expires_at=until, worth=-float(n)) for n in range(3)))
    desk.go_to(MONDAY + 9 * MINUTE)
    desk.claim("t0")
    desk.go_to(until)
    assert [desk.statuses(f"t{n}")[-1] for n in range(3)] == ["claimed", "expired", "expired"]
    desk.go_to(MONDAY + 15 * MINUTE)
    assert desk.statuses("t0")[-1] == "expired"


def test_a_promise_that_is_late_escalates_once() -> None:
    desk = Timeline(rules(skills=skills(calendar=attempts(0))))
    desk.feed(decided("t1", purpose="requested_callback", due_at=MONDAY + HOUR))
    for hour in (1, 2, 3):
        desk.go_to(MONDAY + hour * HOUR)
    assert [(r["status"], r["status_reason"]) for r in desk.said("t1")] == [("queued", "promise_late")]
    assert desk.counts["escalated", "service"] == 1


def test_a_tick_that_leaps_ahead_of_the_brokers_is_not_believed() -> None:
    desk = Timeline()
    desk.feed(Tick(MONDAY + DAY))
    assert desk.partition.desk.now == MONDAY
    assert desk.counts["tick", "ahead"] == 1


def test_an_ended_one_is_forgotten_after_the_longest_retention() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.feed(Reported("t1", 1, "ANSWERED_HUMAN"))
    desk.go_to(MONDAY + 44 * DAY)
    assert "t1" in desk.states
    desk.go_to(MONDAY + 46 * DAY)
    assert "t1" not in desk.states


def test_answers_are_kept_for_a_day() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.claim("t1", "bob")
    kept = [key for key in desk.states if "answer" in key]
    assert len(kept) == 2
    desk.go_to(MONDAY + HOUR)
    assert len([key for key in desk.states if "answer" in key]) == 1, "a refusal for minutes"
    desk.go_to(MONDAY + 25 * HOUR)
    assert not [key for key in desk.states if "answer" in key]


# -- modes --------------------------------------------------------------------------------------------------------


def test_in_shadow_releases_go_elsewhere_are_not_granted_and_end_with_their_lease() -> None:
    desk = Timeline(rules(skills=skills(mode="shadow", most_outstanding=0)))
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    assert [(output.shadow, orjson.loads(output.value)["status"]) for output in desk.outputs] == [
        (True, "open")
    ]
    assert desk.claim("t1")["reason"] == "shadow"
    desk.go_to(MONDAY + 6 * MINUTE)
    assert desk.statuses("t1") == ["open", "expired"]


def test_going_live_lines_up_what_is_open_in_shadow() -> None:
    desk = Timeline(rules(skills=skills(mode="shadow")))
    desk.feed(decided("t1"))
    desk.go_to(MONDAY + SECOND)
    assert desk.command(SetMode("operator", "k1", "service", "live"))["result"] == "recorded"
    desk.go_to(MONDAY + 2 * SECOND)
    shown = [(o.shadow, orjson.loads(o.value)["status"]) for o in desk.outputs if o.kind == "trigger"]
    assert shown == [(True, "open"), (True, "queued"), (False, "open")]


def test_a_skill_that_is_stopped_takes_back_what_is_out() -> None:
    desk = Timeline()
    desk.feed(decided("t1"), decided("t2"))
    desk.go_to(MONDAY + SECOND)
    desk.claim("t1")
    desk.command(SetMode("operator", "k1", "service", "shadow"))
    assert (desk.statuses("t1")[-1], desk.statuses("t2")[-1]) == ("retract_requested", "queued")
    desk.go_to(MONDAY + 2 * SECOND)
    assert [o.shadow for o in desk.outputs if o.key == "customer-of-t2"] == [False, False, True]


def test_limited_to_so_many_a_day() -> None:
    desk = Timeline()
    desk.command(SetMode("operator", "k1", "service", "limited", 2))
    desk.feed(*(decided(f"t{n}") for n in range(5)))
    desk.go_to(MONDAY + SECOND)
    desk.go_to(MONDAY + HOUR)
    assert sum(bool(desk.said(f"t{n}")) for n in range(5)) == 2
    desk.go_to(MONDAY + DAY)
    assert sum(bool(desk.said(f"t{n}")) for n in range(5)) == 4


def test_a_tick_without_a_time_has_that_of_its_record() -> None:
    desk = Timeline()
    desk.feed(decided("t1"))
    desk.at = MONDAY + SECOND
    desk.feed(Tick())
    assert desk.partition.desk.now == MONDAY + SECOND
    assert desk.statuses("t1") == ["open"]


def test_a_desk_that_has_caught_up_stays_so_when_another_worker_takes_over_before_the_next_tick() -> None:
    desk = Timeline()
    desk.feed(Tick(MONDAY + SECOND), live=False)
    desk.feed(Progress(0, MONDAY))
    desk.restart()
    assert desk.partition.desk.live
