"""The published figures on a small truth that can be worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas import topics
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.evaluation import evaluate
from sinks.clickhouse.reports import (
    CallsInHours,
    ReasonCount,
    TriggerCount,
    calls_in_hours,
    dead_letter_counts,
    most_urgent,
    table_counts,
    trigger_counts,
)
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.clickhouse.writer import ClickHouseSink
from tests.integration.clickhouse_sink.messages import START, At, day, dead_letter, event, trigger, wire


class Story:
    """Events by customer and day, written through the sink."""

    def __init__(self, sink: ClickHouseSink) -> None:
        self.sink = sink
        self.offset = 0

    def at(self, topic: str) -> At:
        self.offset += 1
        return At(topic, offset=self.offset)

    def customer(self, *names: str) -> None:
        for name in names:
            self.sink.add(*row_of_event(event(ProfileEvent, name, f"p-{name}"), self.at(topics.PROFILES)))

    def calls(self, name: str, *days: float, **more: Any) -> None:
        for number, when in enumerate(days):
            made = event(CallEvent, name, f"call-{number}-{when}", day(when), **more)
            self.sink.add(*row_of_event(made, self.at(topics.CALLS)))

    def cancels(self, name: str, when: float, stage: str = "requested", **more: Any) -> None:
        made = event(CancellationEvent, name, f"{stage}-{when}", day(when), stage=stage, **more)
        self.sink.add(*row_of_event(made, self.at(topics.CANCELLATIONS)))

    def output(self, message: Any, topic: str = topics.TRIGGERS) -> None:
        row = row_of_output(wire(message), self.at(topic))
        assert row is not None
        self.sink.add(*row)


@pytest.fixture
def story(sink: ClickHouseSink) -> Story:
    return Story(sink)


def test_the_evaluation_by_hand(story: Story, store: ClickHouse) -> None:
    story.customer(*(f"c{number}" for number in range(10)))
    # Five cancel: flagged ten days before, four days before, on the instant, after, never.
    story.cancels("c0", 10)
    story.cancels("c0", 40, "confirmed")
    story.cancels("c1", 8, "confirmed")
    story.cancels("c2", 5)
    story.cancels("c3", 5)
    story.cancels("c4", 5)
    story.cancels("c4", 9, "reinstated")  # who comes back had left
    story.cancels("c5", 5, "inquiry")  # asked only
    story.cancels("c6", 5, "confirmed", contract_id="K-1", whole_relation=False)  # and stays a customer
    story.output(trigger("c0", at=day(0)))
    story.output(trigger("c0", 2, at=day(0), status="completed", status_reason="answered"))
    story.output(trigger("c0", at=day(3), trigger_id="c0-2"))
    story.output(trigger("c1", at=day(4)))
    story.output(trigger("c2", at=day(5)))
    story.output(trigger("c3", at=day(6), purpose="save"))
    story.output(trigger("c5", at=day(1)))
    story.output(trigger("c6", at=day(1)))
    story.output(trigger("c9", at=day(1)), topics.SHADOW_TRIGGERS)
    # The rule of four: c1 in time, c2 reaches the fourth after cancelling, c7 never cancels.
    story.calls("c1", 1, 2, 3, 6)
    story.calls("c2", 1, 2, 3, 7)
    story.calls("c7", 1, 2, 3, 4, 5)
    story.calls("c8", 1, 2, 3, 4, direction="outbound")
    story.sink.flush()

    found = evaluate(store, "live")
    assert (found.customers, found.cancelled, found.base_rate) == (10, 5, 0.5)
    ours = found.triggers
    assert (ours.flagged, ours.too_late, ours.hits) == (4, 2, 2)
    assert (ours.precision, ours.recall, ours.lift) == (0.5, 0.4, 1.0)
    assert ours.median_lead_days == pytest.approx(7.0)
    rule = found.four_calls
    assert (rule.flagged, rule.too_late, rule.hits) == (2, 0, 1)
    assert rule.median_lead_days == pytest.approx(2.0)
    assert found.random.flagged == 4
    assert found.random.median_lead_days is None
    assert evaluate(store, "live") == found
    shadow = evaluate(store, "shadow").triggers
    assert (shadow.flagged, shadow.hits, shadow.median_lead_days) == (1, 0, None)


def test_an_empty_database_has_figures_too(store: ClickHouse) -> None:
    found = evaluate(store)
    assert (found.customers, found.base_rate, found.triggers.lift) == (0, 0.0, 0.0)
    assert {each.rows for each in table_counts(store)} == {0}
    assert trigger_counts(store) == []
    assert most_urgent(store) == []
    assert dead_letter_counts(store) == []


def test_the_most_urgent_are_open_and_tell_why(story: Story, store: ClickHouse) -> None:
    for number in range(7):
        story.output(trigger(f"c{number}", priority=number * 10))
    story.output(trigger("c6", 2, priority=99, status="retracted", status_reason="confirmed"))
    story.output(trigger("c8", priority=100), topics.SHADOW_TRIGGERS)
    story.sink.flush()
    found = most_urgent(store)
    assert [each.customer_id for each in found] == ["c5", "c4", "c3", "c2", "c1"]
    assert found[0].drivers == (("contacts_7d", 4.0, 0.75, "4 contacts in 7 days"),)
    assert found[0].created_at == START
    assert [each.customer_id for each in most_urgent(store, "shadow")] == ["c8"]


def test_a_call_outside_of_the_windows_of_its_trigger_is_found(story: Story, store: ClickHouse) -> None:
    assert calls_in_hours(store) == CallsInHours(0, 0)
    hours = timedelta(hours=1)
    story.output(
        trigger(
            "c0", at=START, callable=((START, START + 2 * hours), (START + 20 * hours, START + 30 * hours))
        )
    )
    story.output(trigger("c0", 2, at=START, status="retracted", status_reason="cooled_down"))
    upgraded = {"updated_at": START + 5 * hours, "callable": ((START + 5 * hours, START + 6 * hours),)}
    story.output(trigger("c1", at=START, callable=((START, START + 2 * hours),)))
    story.output(trigger("c1", 2, at=START, **upgraded))
    story.output(trigger("c2", at=START, callable=None))
    story.output(trigger("c3", at=START, callable=((START, START + 2 * hours),)), topics.SHADOW_TRIGGERS)

    def calls(name: str, *after: float) -> None:
        for each in after:
            made = event(
                OutcomeEvent,
                name,
                f"{name}-{each}",
                START + each * hours,
                trigger_id=f"{name}-1",
                attempt=1,
                disposition="BUSY",
            )
            story.sink.add(*row_of_event(made, story.at(topics.OUTCOMES)))
        story.sink.flush()

    calls("c0", 0.1, 1.99, 20, 29.9)
    calls("c1", 1, 5, 5.5)
    assert calls_in_hours(store) == CallsInHours(7, 0)
    calls("c0", 2, 13.25, 30)  # the end of a window, a quarter to eleven in the evening, the end of the last
    assert calls_in_hours(store) == CallsInHours(10, 3)
    calls("c1", 1.5, 6.5)  # by the windows that were known then, and after those of the upgrade
    assert calls_in_hours(store) == CallsInHours(12, 4)
    calls("c2", 1)  # of a version that told no windows
    calls("c3", 1)  # which no dialer was told of
    calls("c4", 1)  # which nobody decided
    assert calls_in_hours(store) == CallsInHours(15, 7)


def test_counts_are_of_things_not_of_rows(story: Story, store: ClickHouse) -> None:
    for _ in range(2):
        story.output(trigger("c1"))
        story.output(trigger("c1", trigger_id="c1-2"))
        story.output(dead_letter(1), topics.DEAD_LETTERS)
        story.output(dead_letter(2), topics.DEAD_LETTERS)
        story.output(dead_letter(3, "future_dated"), topics.DEAD_LETTERS)
        story.sink.flush()
    expected = TriggerCount("live", "service_recovery", "repeat_contact", "open", triggers=2, customers=1)
    assert trigger_counts(store) == [expected]
    assert trigger_counts(store, "shadow") == []
    assert dead_letter_counts(store) == [
        ReasonCount("contact.calls", "not_json", 2),
        ReasonCount("contact.calls", "future_dated", 1),
    ]
    assert {each.view: each.rows for each in table_counts(store) if each.rows} == {
        "v_trigger_history": 2,
        "v_triggers": 2,
        "v_dead_letters": 3,
    }
