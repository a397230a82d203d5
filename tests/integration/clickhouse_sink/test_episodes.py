"""`v_episodes`: a trigger and what followed it, in one row, compared with what a person would find in the events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pytest

from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.dispositions import DISPOSITION_RULES
from schemas.outcome import OutcomeEvent
from schemas.survey import SurveyEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.episodes import EPISODES
from tests.integration.clickhouse_sink.messages import day
from tests.integration.clickhouse_sink.test_rollups import Story

NAMES: Final = tuple(column.name for column in EPISODES.columns)
FOLLOWED: Final = NAMES[NAMES.index("cause_reason") :]
NOTHING: Final[dict[str, Any]] = {
    "cause_reason": "",
    "first_attempt_at": None,
    "attempts": 0,
    "reached": False,
    "reached_at": None,
    "agent_minutes": 0.0,
    "next_contact_at": None,
    "next_contact_id": "",
    "next_cancellation_at": None,
    "next_cancellation_stage": "",
    "next_cancellation_whole": False,
    "next_survey_at": None,
    "next_survey_csat": None,
    "next_survey_nps": None,
}


@pytest.fixture
def story(store: ClickHouse) -> Story:
    return Story(store)


def episodes(store: ClickHouse, more: str = "") -> dict[str, dict[str, Any]]:
    """The rows of the view, by trigger."""
    rows = store.query(f"SELECT * FROM v_episodes {more}")
    found = {row[0]: dict(zip(NAMES, row, strict=True)) for row in rows}
    assert len(found) == len(rows), "a trigger has one row"
    return found


def followed(episode: dict[str, Any]) -> dict[str, Any]:
    """What came of it."""
    return {name: episode[name] for name in FOLLOWED}


def tried(trigger_id: str, disposition: str, **more: Any) -> dict[str, Any]:
    return {"trigger_id": trigger_id, "attempt": 1, "disposition": disposition, **more}


def test_a_trigger_with_everything(story: Story) -> None:
    story.write(
        story.of(CallEvent, "c1", "e1", 0, reason="bill"),
        story.trigger("c1", 0.1, cause_event_id="e1"),
        story.trigger("c1", 0.1, 2, cause_event_id="e1", status="completed", status_reason="answered"),
        story.of(OutcomeEvent, "c1", "o1", 1, **tried("c1-1", "BUSY")),
        story.of(OutcomeEvent, "c1", "o2", 1.5, **tried("c1-1", "ANSWERED_HUMAN", agent_minutes=6.5)),
        story.of(OutcomeEvent, "c1", "o3", 1.7, **tried("c1-1", "ANSWERED_HUMAN", agent_minutes=1)),
        story.of(CallEvent, "c1", "e2", 2, reason="fault"),
        story.of(CallEvent, "c1", "e3", 3, reason="bill", direction="outbound"),
        story.of(CallEvent, "c1", "e4", 4, reason="bill"),
        story.of(CallEvent, "c1", "e5", 5, reason="bill"),
        story.of(SurveyEvent, "c1", "s1", 2.5, csat=4, nps=9),
        story.of(SurveyEvent, "c1", "s2", 6, csat=1),
        story.of(CancellationEvent, "c1", "k1", -1, stage="inquiry"),
        story.of(CancellationEvent, "c1", "k0", 6.5, stage="reinstated"),  # which is no step of leaving
        story.of(CancellationEvent, "c1", "k2", 7, stage="requested"),
    )
    [episode] = episodes(story.store).values()
    assert (episode["first_status"], episode["status"], episode["status_reason"]) == (
        *("open", "completed", "answered"),
    )
    assert episode["due_at"] == day(1.1)
    assert followed(episode) == {
        "cause_reason": "bill",
        "first_attempt_at": day(1),
        "attempts": 3,
        "reached": True,
        "reached_at": day(1.5),
        "agent_minutes": 7.5,
        "next_contact_at": day(4),
        "next_contact_id": "e4",
        "next_cancellation_at": day(7),
        "next_cancellation_stage": "requested",
        "next_cancellation_whole": True,
        "next_survey_at": day(2.5),
        "next_survey_csat": 4,
        "next_survey_nps": 9,
    }


def test_a_trigger_without_anything(story: Story) -> None:
    story.write(story.trigger("c1", 0, cause_event_id=None))
    story.write(
        story.of(CallEvent, "c2", "e1", 1), story.of(OutcomeEvent, "c2", "o", 1, **tried("c1-1", "BUSY"))
    )
    for setting in ("join_use_nulls = 1", "join_use_nulls = 0", "aggregate_functions_null_for_empty = 1"):
        [episode] = episodes(story.store, f"SETTINGS {setting}").values()
        assert followed(episode) == NOTHING, "what others did is not its own"


def test_a_survey_opens_an_episode_about_its_contact(story: Story) -> None:
    story.write(
        story.of(CallEvent, "c1", "e1", 0, reason="bill"),
        story.of(SurveyEvent, "c1", "s1", 1, csat=1, contact_id="e1"),
        story.trigger("c1", 1, cause_event_id="s1"),
        story.of(CallEvent, "c1", "e2", 3, reason="bill"),
        story.of(CallEvent, "c2", "s1", 0, reason="fault"),
    )
    [episode] = episodes(story.store).values()
    assert (episode["cause_reason"], episode["next_contact_id"]) == ("bill", "e2")
    assert episode["next_survey_at"] is None, "the survey that opened it is not the next"


def test_a_call_and_a_survey_of_one_id(story: Story) -> None:
    """Ids are unique within a kind of event only: a later call cannot have opened it."""
    story.write(
        story.of(CallEvent, "c1", "e0", 0, reason="bill"),
        story.of(SurveyEvent, "c1", "e1", 1, csat=1, contact_id="e0"),
        story.of(CallEvent, "c1", "e1", 5, reason="fault"),
        story.trigger("c1", 1, cause_event_id="e1"),
    )
    [episode] = episodes(story.store).values()
    assert episode["cause_reason"] == "bill"


def test_several_episodes_of_one_customer_and_corrections(story: Story) -> None:
    first = story.of(CallEvent, "c1", "e1", 0, reason="bill")
    story.write(
        first,
        story.of(CallEvent, "c1", "e2", 10, reason="fault"),
        story.trigger("c1", 0, cause_event_id="e1"),
        story.trigger("c1", 10, cause_event_id="e2", trigger_id="c1-2"),
        story.of(CallEvent, "c1", "e3", 20, reason="bill"),
        story.of(OutcomeEvent, "c1", "o1", 11, **tried("c1-2", "ANSWERED_HUMAN")),
    )
    story.write(first, story.trigger("c1", 0, cause_event_id="e1"))
    found = episodes(story.store)
    assert (found["c1-1"]["next_contact_id"], found["c1-1"]["attempts"]) == ("e3", 0)
    assert (found["c1-2"]["next_contact_id"], found["c1-2"]["attempts"]) == ("", 1)
    story.write(
        story.of(CallEvent, "c1", "e1", 0, reason="fault", revised_at=day(30)),
        story.of(CallEvent, "c1", "e3", 9, reason="fault", revised_at=day(30)),
        story.of(OutcomeEvent, "c1", "o1", 12, **tried("c1-1", "BUSY"), revised_at=day(30)),
    )
    found = episodes(story.store)
    assert (found["c1-1"]["next_contact_id"], found["c1-1"]["attempts"]) == ("e3", 1)
    assert (found["c1-2"]["next_contact_id"], found["c1-2"]["attempts"]) == ("", 0)


def test_random_histories_are_what_a_person_would_find(story: Story) -> None:
    chance = random.Random(25)
    reasons = ("bill", "fault", "move")

    def some() -> Iterator[Any]:
        for number in range(600):
            customer, at = f"c{chance.randrange(25)}", chance.randrange(600) / 10 + number / 10_000
            kind = chance.choice(
                (CallEvent, CallEvent, CallEvent, SurveyEvent, CancellationEvent, "trigger", OutcomeEvent)
            )
            name = f"e{number}"
            if kind is CallEvent:
                direction = chance.choice(("inbound", "inbound", "outbound"))
                yield story.of(
                    CallEvent, customer, name, at, reason=chance.choice(reasons), direction=direction
                )
            elif kind is SurveyEvent:
                contact = f"e{chance.randrange(600)}"
                yield story.of(SurveyEvent, customer, name, at, csat=chance.randint(1, 5), contact_id=contact)
            elif kind is CancellationEvent:
                stage = chance.choice(("inquiry", "requested", "reinstated"))
                whole = chance.choice((True, False))
                yield story.of(
                    CancellationEvent, customer, name, at, stage=stage, contract_id="K", whole_relation=whole
                )
            elif kind is OutcomeEvent:
                how = chance.choice(("BUSY", "ANSWERED_HUMAN", "REFUSED", "STOPPED"))
                of = f"{customer}-{chance.randrange(600)}"
                yield story.of(OutcomeEvent, customer, name, at, **tried(of, how, agent_minutes=1.5))
            else:
                cause = f"e{chance.randrange(600)}"
                yield story.trigger(customer, at, trigger_id=f"{customer}-{number}", cause_event_id=cause)

    story.write(*some())
    messages = [each.message for each in story.written.deliveries]
    found = episodes(story.store)
    triggers = [each for each in messages if hasattr(each, "trigger_id") and hasattr(each, "sequence")]
    assert set(found) == {each.trigger_id for each in triggers}
    for trigger in triggers:
        assert followed(found[trigger.trigger_id]) == expected(trigger, messages)
    assert sum(each["next_contact_id"] != "" for each in found.values()) > 0


def expected(trigger: Any, messages: list[Any]) -> dict[str, Any]:
    """What followed a trigger, looked for among all events."""
    of = [each for each in messages if each.customer_id == trigger.customer_id]
    calls = {each.event_id: each for each in of if isinstance(each, CallEvent)}
    surveys = {each.event_id: each for each in of if isinstance(each, SurveyEvent)}
    contact = trigger.cause_event_id
    if contact in surveys:
        contact = surveys[contact].contact_id
    cause = calls.get(contact)
    tries = [
        each
        for each in of
        if isinstance(each, OutcomeEvent)
        and each.trigger_id == trigger.trigger_id
        and DISPOSITION_RULES[each.disposition].attempt
    ]
    answered = [each for each in tries if DISPOSITION_RULES[each.disposition].reached]

    def after(events: list[Any]) -> Any:
        later = [each for each in events if each.occurred_at > trigger.created_at]
        return min(later, key=lambda each: each.occurred_at, default=None)

    def first(events: list[Any]) -> datetime | None:
        return min((each.occurred_at for each in events), default=None)

    again = [
        each
        for each in calls.values()
        if cause and each.reason == cause.reason and each.direction == "inbound"
    ]
    contacted, leaving, survey = (
        after(again),
        after([each for each in of if isinstance(each, CancellationEvent) and each.stage != "reinstated"]),
        after(list(surveys.values())),
    )
    return {
        "cause_reason": cause.reason if cause else "",
        "first_attempt_at": first(tries),
        "attempts": len(tries),
        "reached": bool(answered),
        "reached_at": first(answered),
        "agent_minutes": sum(each.agent_minutes or 0.0 for each in tries),
        "next_contact_at": contacted.occurred_at if contacted else None,
        "next_contact_id": contacted.event_id if contacted else "",
        "next_cancellation_at": leaving.occurred_at if leaving else None,
        "next_cancellation_stage": leaving.stage if leaving else "",
        "next_cancellation_whole": leaving is not None and leaving.whole_relation,
        "next_survey_at": survey.occurred_at if survey else None,
        "next_survey_csat": survey.csat if survey else None,
        "next_survey_nps": survey.nps if survey else None,
    }
