"""The event types: complete, with numbers that never move, and words for what their facts say."""

from typing import Any

import pytest

from schemas import topics
from schemas.parts import MissingPartError, complete, numbered
from schemas.survey import SurveyEvent
from schemas.topics import EVENT_TYPES, EventType
from streams.core import facts as f
from streams.core.events import table
from streams.core.events.rules import EventRules
from streams.core.facts import code_of
from streams.operations.fact_text import noun_of, text_of
from tests.builders import START, call, cancellation, fact_of, outcome, profile, survey


def test_each_type_has_its_rules_and_each_kind_of_fact_one_type() -> None:
    assert table.EVENTS.keys() == EVENT_TYPES.keys()
    assert {kind: rules.noun for kind, rules in table.BY_KIND.items()} == {
        f.CALL: "contact",
        f.SURVEY: "survey",
        f.CANCELLATION: "cancellation",
        f.OUTCOME: "callback",
    }


def test_the_numbers_in_stored_states_never_move() -> None:
    """What is here is in states that workers of other versions wrote. Append to it; change nothing."""
    assert (f.CALL, f.SURVEY, f.CANCELLATION, f.OUTCOME) == (1, 2, 3, 4)
    assert f.STAGES == ("inquiry", "requested", "withdrawn", "confirmed", "reinstated")
    assert f.REASONS[:8] == (
        *("unknown", "competitor_offer", "price", "quality", "service", "moved", "deceased", "other"),
    )
    assert f.CHANNELS[:8] == ("phone", "chat", "email", "web", "app", "store", "social", "other")
    assert f.DISPOSITIONS[:14] == (
        *("ANSWERED_HUMAN", "NO_ANSWER", "BUSY", "MACHINE", "INVALID_NUMBER", "ABANDONED", "DO_NOT_CALL"),
        *(
            "CALLBACK_LATER",
            "WRONG_PARTY",
            "LEFT_MESSAGE",
            "REFUSED",
            "TECHNICAL_FAILURE",
            "STOPPED",
            "TOO_LATE",
        ),
    )
    assert f.RESULTS[:6] == ("unknown", "satisfied", "unresolved", "will_leave", "competitor", "other")
    flags = (f.INBOUND, f.ABANDONED, f.RESOLVED, f.UNRESOLVED, f.CANCEL_INTENT, f.TRIED_ONLINE)
    assert flags == (1, 2, 4, 8, 16, 32)
    assert (f.ANSWERED, f.NOT_ANSWERED, f.CALLBACK_REQUESTED, f.OF_CONTRACT) == (64, 128, 256, 512)


@pytest.mark.parametrize("forgotten", sorted(EVENT_TYPES))
def test_a_type_without_rules_is_named(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(table.EVENTS, forgotten)
    with pytest.raises(MissingPartError, match=f"event type '{forgotten}' has no row of rules: add it in"):
        table._by_kind()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (EventRules(kind=f.CALL, fact=lambda *_: None, words=lambda *_: []), "kind 1 is another's"),
        (EventRules(kind=64, fact=lambda *_: None, words=lambda *_: []), "not below 64"),
        (EventRules(fact=lambda *_: None), "kind, fact and words go together"),
        (EventRules(kind=5), "kind, fact and words go together"),
        (EventRules(register=lambda *_: True), "register and revoke go together"),
    ],
)
def test_rules_that_do_not_fit_are_named(rules: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table.EVENTS, "profile", rules)
    with pytest.raises(MissingPartError, match=said):
        table._by_kind()


def test_rules_for_a_type_that_nobody_declared_are_named() -> None:
    with pytest.raises(MissingPartError, match="there has a row for 'visit', which is no event type"):
        complete("event type", EVENT_TYPES, "row", [*EVENT_TYPES, "visit"], "there")


def test_a_word_without_a_number_is_named_and_a_number_never_goes() -> None:
    from schemas.outcome import Disposition

    with pytest.raises(MissingPartError, match="'TOO_LATE' has no number: append it to"):
        numbered(Disposition, f.DISPOSITIONS[:-1])
    with pytest.raises(MissingPartError, match="'GONE' is not in the schema any more"):
        numbered(Disposition, (*f.DISPOSITIONS, "GONE"))
    with pytest.raises(MissingPartError, match="two numbers"):
        numbered(Disposition, (*f.DISPOSITIONS, "BUSY"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reply": EventType(SurveyEvent, "contact.replies")}, "'reply': the field `type` of SurveyEvent"),
        ({"profile": EventType(SurveyEvent, topics.PROFILES)}, "'profile': the field `type`"),
    ],
)
def test_a_registration_that_does_not_fit_is_named(
    changed: dict[str, EventType], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "EVENT_TYPES", EVENT_TYPES | changed)
    with pytest.raises(MissingPartError, match=said):
        topics._by_topic()


def test_a_topic_carries_two_types_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EVENT_TYPES, "call", EVENT_TYPES["call"]._replace(topic=topics.PROFILES))
    with pytest.raises(MissingPartError, match=r"'call': customer.profiles carries two types already"):
        topics._by_topic()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            call(START, channel="chat", reason="billing", wait_seconds=90, ivr_steps=3, transfers=1, resolved=False),
            "inbound, chat, about billing, waited 90 s, 3 IVR steps, 1 transfer, unresolved",
        ),
        (
            call(START, direction="outbound", reason="", abandoned=True, cancel_intent=True, tried_online_first=True),
            "outbound, phone, abandoned, spoke of leaving, tried online first",
        ),
        (call(START, reason="secret", resolved=True), f"inbound, phone, about reason #{code_of('secret'):08x}, resolved"),
        (survey(START, csat=2, nps=0, ces=7, answered=False), "CSAT 2, NPS 0, CES 7, question not answered"),
        (survey(START, answered=True, callback_requested=True), "question answered, asked to be called back"),
        (cancellation(START, "requested", reason="price"), "requested, reason price"),
        (outcome(START, "NO_ANSWER"), "no answer"),
        (outcome(START, result="will_leave"), "answered human, result will_leave"),
        (outcome(START, "LEFT_MESSAGE", result="other"), "left message, result other"),
    ],
)  # fmt: skip
def test_what_a_fact_says(event: Any, said: str) -> None:
    fact = fact_of(event)
    assert fact is not None
    assert text_of(fact, ["Billing", "billing"]) == said
    assert noun_of(fact) != "fact"


def test_a_fact_of_a_newer_release_is_said_to_be_one() -> None:
    fact = fact_of(call(START))
    assert fact is not None
    assert text_of(fact._replace(kind=63)) == "unknown kind 63"
    assert noun_of(fact._replace(kind=63)) == "fact"


def test_a_profile_leaves_no_fact() -> None:
    assert fact_of(profile(START)) is None
