"""Who is barred, and for how long: came back, has a second contract, agreed anew, has died; in whatever order it becomes known."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.generated.episodes_page import episodes_page
from streams.core import facts as f
from streams.core.barred import BARS, Bar, barred_by, newest_request, requests
from streams.core.state import NEVER, VERSION, State, check, decode, encode
from streams.core.steps import MOST_CONTRACTS, WHOLE, contract_of
from tests.builders import (
    DAY,
    HOUR,
    PHONE,
    START,
    Partition,
    call,
    cancellation,
    erasure,
    event,
    iso,
    objection,
    outcome,
    profile,
    removal,
    survey,
)

if TYPE_CHECKING:
    from streams.core.records import Decoded

T = START
STATES = json.loads(
    (Path(__file__).parents[2] / "data" / "states" / "leaving.version-4.json").read_text(encoding="utf-8")
)
"""What version 4 wrote of customers who had asked to leave at START, or had left an hour later."""


def step(at: int, stage: str, contract: str | None = None, **fields: object) -> Decoded:
    """A step of the whole relation, or of one contract."""
    if contract is not None:
        fields |= {"contract_id": contract, "whole_relation": False}
    return cancellation(at, stage, **fields)


def of(*events: Decoded) -> Partition:
    partition = Partition()
    partition.one_by_one(events)
    return partition


def bar(partition: Partition) -> str | None:
    return barred_by(partition.state())


def asked(at: int) -> Decoded:
    return survey(at, callback_requested=True)


# --- the table -------------------------------------------------------------------------------------------------------------------

RAISED: dict[str, list[Decoded]] = {
    "deceased": [step(T, "inquiry", reason="deceased")],
    "objected to calls": [outcome(T, "DO_NOT_CALL")],
    "objected by number": [profile(T - DAY, phone_e164=PHONE), objection(T)],
    "do-not-call in the profile": [profile(T, do_not_call=True)],
    "the relation is ended": [step(T, "confirmed")],
}
LATER: dict[str, Decoded] = {
    "reinstated": step(T + DAY, "reinstated"),
    "a contract reinstated": step(T + DAY, "reinstated", "A"),
    "customer since": profile(T + 2 * DAY, phone_e164=PHONE, customer_since=iso(T + DAY)),
    "consented": profile(T + 2 * DAY, phone_e164=PHONE, consented_at=iso(T + DAY)),
    "a plain profile": profile(T + 2 * DAY, phone_e164=PHONE),
    "another number": profile(T + 2 * DAY, phone_e164="+31301234567"),
    "the number lifted": objection(T + DAY, lifted=True),
    "withdrawn": step(T + DAY, "withdrawn"),
    "requested": step(T + DAY, "requested"),
    "a contract's end": step(T + DAY, "confirmed", "A"),
    "reached": outcome(T + DAY),
}
LIFTS = {
    ("the relation is ended", "reinstated"),
    ("the relation is ended", "a contract reinstated"),
    ("the relation is ended", "customer since"),
    ("objected to calls", "consented"),
    ("objected by number", "consented"),
    ("objected by number", "another number"),
    ("objected by number", "the number lifted"),
    ("do-not-call in the profile", "another number"),
    ("do-not-call in the profile", "customer since"),  # any later profile that does not say it
    ("do-not-call in the profile", "consented"),
    ("do-not-call in the profile", "a plain profile"),
}
EARLIER: dict[str, Decoded] = {
    "reinstated": step(T - DAY, "reinstated"),
    "at the same time": step(T, "reinstated"),
    "customer since": profile(T + DAY, phone_e164=PHONE, customer_since=iso(T)),
    "will be a customer": profile(T, phone_e164=PHONE, customer_since=iso(T + DAY)),
    "consented": profile(T + DAY, phone_e164=PHONE, consented_at=iso(T)),
    "will consent": profile(T, phone_e164=PHONE, consented_at=iso(T + DAY)),
    "the number lifted": objection(T, lifted=True),
}


def test_the_table_is_walked() -> None:
    assert [each.word for each in BARS] == list(RAISED)
    assert all(each.raised in episodes_page() and each.lifted in episodes_page() for each in BARS)


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("each", BARS, ids=lambda each: each.word)
def test_what_raises_a_bar_holds_until_what_lifts_it(each: Bar, later: str) -> None:
    lifted = (each.word, later) in LIFTS
    for order in permutations([*RAISED[each.word], LATER[later]]):
        partition = of(*order, asked(T + 3 * DAY))
        assert [one.word for one in BARS if one.holds(partition.state())] == ([] if lifted else [each.word])
        assert bar(partition) == (None if lifted else each.cause)
        assert (("requested_callback", "open", 1) in partition.story()) == lifted


@pytest.mark.parametrize("early", EARLIER)
@pytest.mark.parametrize(
    "word", ["deceased", "objected to calls", "objected by number", "the relation is ended"]
)
def test_what_came_no_later_than_a_bar_lifts_nothing(word: str, early: str) -> None:
    for order in permutations([*RAISED[word], EARLIER[early]]):
        assert bar(of(*order)) is not None


# --- came back -------------------------------------------------------------------------------------------------------------------


def test_a_customer_who_came_back_is_called_again() -> None:
    partition = of(step(T, "requested"), step(T + HOUR, "confirmed"), asked(T + 2 * HOUR))
    assert partition.story() == [("save", "open", 1), ("save", "retracted", 2)]
    partition.feed(step(T + DAY, "reinstated"))
    assert partition.story()[2:] == [("requested_callback", "open", 1)], "what was asked meanwhile waits"
    partition.feed(outcome(T + DAY + HOUR), step(T + 3 * DAY, "requested"))
    assert partition.story()[3:] == [("requested_callback", "completed", 2), ("save", "open", 1)]
    partition.feed(step(T + 4 * DAY, "confirmed"))
    assert partition.triggers()[-1]["status_reason"] == "cancellation_confirmed"
    assert bar(partition) == "cancellation_confirmed", "and barred anew"


def test_who_began_anew_has_not_asked_to_leave() -> None:
    """What was asked before the end, or until the relation began anew, is over."""
    left = [step(T, "requested"), step(T + HOUR, "confirmed"), step(T + 2 * HOUR, "requested")]
    back = profile(T + DAY, customer_since=iso(T + DAY))
    for order in permutations([*left, back]):
        partition = of(*order)
        assert bar(partition) is None
        assert requests(partition.state()) == []
        assert partition.reading("cancellation_requested", T + 2 * DAY) == 0
        assert ("save", "open", 1) not in partition.story()[2:]
    partition.feed(step(T + 2 * DAY, "requested"))
    assert partition.story()[-1] == ("save", "open", 1)


def test_a_profile_that_does_not_say_it_any_more_takes_the_new_beginning_back() -> None:
    """The whole profile stands until a later one replaces it: who says `customer_since` goes on saying it."""
    partition = of(step(T, "confirmed"), profile(T + DAY, customer_since=iso(T + DAY)))
    assert bar(partition) is None
    partition.feed(removal(T + 2 * DAY))
    assert bar(partition) == "cancellation_confirmed"


def test_who_came_back_is_forgotten_as_others_are_and_who_has_left_is_not() -> None:
    gone, back = of(step(T, "confirmed")), of(step(T, "confirmed"), step(T + DAY, "reinstated"))
    for partition in (gone, back):
        partition.advance(T + 400 * DAY)
    assert list(gone.states) == ["c1"]
    assert list(back.states) == []


# --- a second contract -----------------------------------------------------------------------------------------------------------


def test_the_end_of_one_contract_ends_its_callbacks_and_bars_nobody() -> None:
    partition = of(step(T, "requested", "A"), step(T + DAY, "confirmed", "A"))
    assert partition.story() == [("save", "open", 1), ("save", "retracted", 2)]
    assert partition.triggers()[-1]["status_reason"] == "cancellation_confirmed"
    assert bar(partition) is None
    partition.feed(step(T + 2 * DAY, "requested", "B"))
    assert partition.story()[2:] == [("save", "open", 1)]
    ids = {trigger["trigger_id"] for trigger in partition.triggers()}
    assert len(ids) == 2, "an episode of its own"


def test_a_request_for_another_contract_waits_behind_the_open_episode() -> None:
    partition = of(step(T, "requested", "A"), step(T + HOUR, "requested", "B"))
    assert partition.story() == [("save", "open", 1)]
    partition.feed(step(T + 2 * HOUR, "withdrawn", "A"))
    assert partition.story()[1:] == [("save", "retracted", 2), ("save", "open", 1)]
    assert [each["status_reason"] for each in partition.triggers()][1] == "cancellation_withdrawn"
    partition.feed(step(T + 3 * HOUR, "confirmed", "A"))
    assert partition.state().episode, "the end of another contract ends nothing"
    partition.feed(step(T + 4 * HOUR, "confirmed", "B"))
    assert partition.triggers()[-1]["status_reason"] == "cancellation_confirmed"
    assert bar(partition) is None


def test_two_contracts_asked_of_at_one_time_are_one_episode() -> None:
    partition = of(step(T, "requested", "A"), step(T, "requested", "B"), step(T + HOUR, "confirmed", "A"))
    assert partition.story() == [("save", "open", 1)]
    partition.feed(step(T + 2 * HOUR, "confirmed", "B"))
    assert partition.story()[1:] == [("save", "retracted", 2)]


def test_an_episode_goes_on_when_its_contract_is_asked_of_again() -> None:
    partition = of(step(T, "requested", "A"), step(T + HOUR, "requested", "A"))
    assert partition.story() == [("save", "open", 1)]


def test_a_step_of_the_whole_relation_is_one_of_each_contract() -> None:
    partition = of(step(T, "requested", "A"), step(T + HOUR, "requested"))
    assert partition.story() == [("save", "open", 1)], "the whole is asked to end, so this contract too"
    partition.feed(step(T + 2 * HOUR, "withdrawn"))
    assert partition.story()[1:] == [("save", "retracted", 2)]
    partition.feed(step(T + 3 * HOUR, "requested", "A"))
    assert partition.story()[2:] == [("save", "open", 1)]
    partition.feed(step(T + 4 * HOUR, "confirmed"))
    assert bar(partition) == "cancellation_confirmed"


def test_a_contract_that_is_not_named_is_one_too() -> None:
    nameless = cancellation(T, "confirmed", whole_relation=False)
    assert bar(of(nameless)) is None
    named = cancellation(T, "confirmed", contract_id="A")
    assert bar(of(named)) == "cancellation_confirmed", "the whole relation, unless it is said otherwise"


def test_a_call_to_save_a_contract_makes_no_sense_after_its_end() -> None:
    end = T + 2 * DAY + 30_500
    partition = of(step(T, "requested", "A", effective_at=iso(end)))
    assert partition.triggers()[0]["expires_at"] == iso(end - 30_500).replace(".000", ""), "to the minute"


def test_the_newest_contracts_are_kept_in_whatever_order_they_come() -> None:
    steps = [step(T + number * HOUR, "withdrawn", f"K{number}") for number in range(12)]
    newest = tuple(contract_of(f"K{number}") for number in range(12 - MOST_CONTRACTS, 12))
    for order in (steps, steps[::-1], steps[6:] + steps[:6], steps + steps):
        assert tuple(each.contract for each in of(*order).state().contracts) == newest


# --- agreed anew, died -----------------------------------------------------------------------------------------------------------


def test_who_agreed_anew_is_called_again_until_the_next_objection() -> None:
    partition = of(outcome(T, "DO_NOT_CALL"), asked(T + HOUR))
    assert partition.story() == []
    partition.feed(profile(T + DAY, consented_at=iso(T + 2 * HOUR)))
    assert partition.story() == [("requested_callback", "open", 1)]
    partition.feed(outcome(T + 2 * DAY, "DO_NOT_CALL"))
    assert partition.story()[1:] == [("requested_callback", "retracted", 2)]
    assert partition.triggers()[-1]["status_reason"] == "do_not_call"


def test_a_profile_that_objects_does_not_agree() -> None:
    partition = of(profile(T + DAY, do_not_call=True, consented_at=iso(T + DAY)))
    assert bar(partition) == "do_not_call"


def test_nothing_brings_the_dead_back() -> None:
    died = step(T, "confirmed", "A", reason="deceased", event_id="d")
    back = [
        step(T + DAY, "reinstated"),
        step(T + DAY, "reinstated", "A"),
        profile(T + 2 * DAY, customer_since=iso(T + DAY), consented_at=iso(T + DAY)),
    ]
    for order in permutations([died, *back]):
        assert bar(of(*order)) == "deceased"
    wrong = step(T, "confirmed", "A", reason="price", event_id="d", revised_at=iso(T + 3 * DAY))
    assert bar(of(died, *back, wrong)) is None, "but it was a mistake"


# --- wrong order, corrections, erasures ------------------------------------------------------------------------------------------


def test_an_end_that_becomes_known_after_the_return_bars_nobody() -> None:
    partition = of(step(T + DAY, "reinstated"), step(T, "confirmed"), asked(T + 2 * DAY))
    assert bar(partition) is None
    assert partition.story() == [("requested_callback", "open", 1)]


def test_a_confirmed_end_that_was_a_withdrawal_bars_nobody() -> None:
    asked_to_leave = step(T, "requested", event_id="r")
    wrong = step(T + HOUR, "confirmed", event_id="k")
    right = step(T + HOUR, "withdrawn", event_id="k", revised_at=iso(T + DAY))
    for order in permutations([asked_to_leave, wrong, right]):
        state = of(*order).state()
        assert barred_by(state) is None
        assert requests(state) == []
        assert (state.stage, state.stage_at, state.ended_at) == (f.WITHDRAWN, T + HOUR, NEVER)


def test_the_end_of_all_that_was_the_end_of_one_contract() -> None:
    other = step(T, "requested", "B", event_id="b")
    wrong = step(T + HOUR, "confirmed", event_id="k")
    right = step(T + HOUR, "confirmed", "A", event_id="k", revised_at=iso(T + DAY))
    for order in permutations([other, wrong, right]):
        partition = of(*order)
        assert bar(partition) is None
        request = newest_request(partition.state())
        assert request is not None
        assert (request.at, request.contract) == (T, contract_of("B"))


@pytest.mark.parametrize("contract", [None, "A"])
def test_a_return_that_was_a_mistake_takes_nothing_back(contract: str | None) -> None:
    end, back = step(T, "confirmed"), step(T + DAY, "reinstated", contract, event_id="b")
    wrong = step(T + DAY, "inquiry", contract, event_id="b", revised_at=iso(T + 2 * DAY))
    for order in permutations([end, back, wrong]):
        partition = of(*order)
        assert bar(partition) == "cancellation_confirmed"
        assert partition.state().returned_at == NEVER


def test_what_an_erasure_takes_away_bars_nobody() -> None:
    partition = of(
        step(T, "confirmed"), step(T, "requested", "A"), step(T + DAY, "requested", "B"), call(T + DAY)
    )
    partition.feed(erasure(T + HOUR))
    state = partition.state()
    assert (state.ended_at, [each.contract for each in state.contracts]) == (NEVER, [contract_of("B")])
    assert partition.story()[-1] == ("save", "open", 1)


# --- bytes of before -------------------------------------------------------------------------------------------------------------

OF_BEFORE = {
    "requested": (f.REQUESTED, T, NEVER, None),
    "confirmed": (f.REQUESTED, T, T + HOUR, "cancellation_confirmed"),
    "confirmed before it was requested": (f.REQUESTED, T + HOUR, T, "cancellation_confirmed"),
    "withdrawn": (f.WITHDRAWN, T + HOUR, NEVER, None),
    "deceased": (0, NEVER, T, "deceased"),
    "objected": (0, NEVER, NEVER, "do_not_call"),
    "silent since": (0, NEVER, T + HOUR, "cancellation_confirmed"),
}
"""Latest step and its time, when the relation ended, and what bars."""


@pytest.mark.parametrize("name", STATES)
def test_what_version_4_wrote_bars_whom_it_barred(name: str) -> None:
    data = b64decode(STATES[name])
    assert data[0] == 4
    check(data)
    state = decode(data)
    assert (state.stage, state.stage_at, state.ended_at, barred_by(state)) == OF_BEFORE[name]
    assert (state.contracts, state.returned_at, state.served_contract) == ((), NEVER, WHOLE)
    again = encode(state)
    assert again[0] == VERSION
    check(again)
    assert decode(again) == state


@pytest.mark.parametrize("name", ["confirmed", "confirmed before it was requested", "silent since"])
def test_who_had_left_by_version_4_can_come_back(name: str) -> None:
    partition = Partition()
    partition.states["c1"] = b64decode(STATES[name])
    partition.clock.now = T + 400 * DAY
    partition.feed(asked(T + 400 * DAY), step(T + 400 * DAY, "requested", "A"))
    assert partition.story() == []
    partition.feed(step(T + 401 * DAY, "reinstated"))
    assert partition.story() == [("requested_callback", "open", 1)]


def test_an_episode_that_version_4_opened_is_about_the_whole_relation() -> None:
    for events, status in (
        ([step(T + HOUR, "withdrawn")], "retracted"),
        ([step(T + HOUR, "confirmed", "A")], None),
        ([step(T + HOUR, "requested")], None),
    ):
        partition = Partition()
        partition.states["c1"] = b64decode(STATES["requested"])
        partition.clock.now = T
        partition.feed(*events)
        assert [trigger["status"] for trigger in partition.triggers()] == ([status] if status else [])


@pytest.mark.parametrize("cut", [1, 21, 43])
def test_contracts_that_were_cut_off_are_noticed(cut: int) -> None:
    data = encode(of(step(T, "confirmed", "A"), step(T, "requested", "B")).state())
    check(data)
    with pytest.raises(Exception, match="shorter or longer"):
        check(data[:-cut])


def test_an_event_names_a_contract_by_a_number_too() -> None:
    one, other = (
        event("cancellation", T, stage="confirmed", contract_id=each, whole_relation=False)
        for each in (7, "7")
    )
    assert of(one).state().contracts[0].contract == of(other).state().contracts[0].contract
    assert State().contracts == ()
