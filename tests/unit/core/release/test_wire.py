"""What a desk says has its schema: replies and the records of triggers, through a life in which much happens."""

from __future__ import annotations

from typing import get_args

import orjson

from schemas import topics
from schemas.reply import Refusal, Reply
from schemas.trigger import CallbackTrigger, DecisionStatus, TriggerStatus
from streams.core.release.decode import WRITTEN_BY_DESK
from streams.core.release.inputs import Contact, Decided, Done, GiveBack, Renew, Reported, Withdrawn
from streams.core.release.places import ENDS, PLACES
from tests import hostile
from tests.builders import HOUR
from tests.desks import MONDAY, SECOND, Timeline, decided

RECORD = next(each for each in hostile.examples(topics.TRIGGERS) if each["status"] == "open")
TRIGGER = {name: each for name, each in RECORD.items() if name not in WRITTEN_BY_DESK}


def whole(trigger_id: str) -> Decided:
    own = {
        "skill": "service",
        "customer_id": f"customer-of-{trigger_id}",
        "phone_e164": "+31201234567",
    }
    return decided(trigger_id, trigger=TRIGGER | own)


def test_every_place_and_end_of_a_trigger_that_is_told_is_a_status() -> None:
    told = {*PLACES} - {"unknown", "new", "ended"} | {*ENDS}
    assert told | {"held_out"} == set(get_args(TriggerStatus))
    assert set(get_args(DecisionStatus)) < set(get_args(TriggerStatus))


def test_what_a_desk_says_has_its_schema() -> None:
    desk = Timeline()
    desk.feed(*(whole(f"t{number}") for number in range(4)))
    desk.go_to(MONDAY + SECOND)
    granted = Reply.model_validate_json(orjson.dumps(desk.claim("t0")))
    assert granted.result == "granted"
    assert granted.trigger is not None
    assert (granted.trigger.status, granted.trigger.claimant) == ("claimed", "ann")
    assert granted.trigger.claim_until == granted.until
    desk.command(Renew("ann", "r1", "t0"))
    desk.feed(Reported("t0", 1, "BUSY"))
    for command in (GiveBack("ann", "g1", "t0"), Renew("bob", "r2", "t1"), Done("bob", "d1", "gone")):
        assert desk.command(command)["result"] == "refused"
    desk.claim("t1")
    desk.command(Done("ann", "d2", "t1"))
    desk.claim("t2")
    desk.feed(Withdrawn("t2", 2, "cooled_down"), Contact("t3", "x1", over=False))
    desk.command(Done("ann", "d3", "t2", "stopped"))
    desk.claim(skill="nobodys")
    desk.go_to(MONDAY + 200 * HOUR)
    statuses = {
        CallbackTrigger.model_validate_json(each.value).status
        for each in desk.outputs
        if each.kind == "trigger"
    }
    assert {
        "open",
        "claimed",
        "waiting_retry",
        "handed_over",
        "retract_requested",
        "retracted",
        "queued",
        "expired",
    } <= statuses
    for reply in desk.replies():
        said = Reply.model_validate_json(reply.value)
        assert (said.reason is None) == (said.result != "refused")
        assert said.reason is None or said.reason in get_args(Refusal)
