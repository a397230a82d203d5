"""Outcomes in reports: what counts as an attempt, and as one that reached the customer, is what the table of dispositions says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.dispositions import DISPOSITION_RULES
from schemas.outcome import Disposition, OutcomeEvent
from sinks.clickhouse.connection import ClickHouse
from tests.integration.clickhouse_sink.messages import day
from tests.integration.clickhouse_sink.test_rollups import Story


@pytest.mark.parametrize("disposition", DISPOSITION_RULES)
def test_a_disposition_counts_as_its_row_says(store: ClickHouse, disposition: Disposition) -> None:
    rules, story = DISPOSITION_RULES[disposition], Story(store)
    story.write(
        story.trigger("c1", 0),
        story.of(
            OutcomeEvent,
            "c1",
            "o1",
            1,
            trigger_id="c1-1",
            attempt=1,
            disposition=disposition,
            agent_minutes=2,
        ),
    )
    daily = "SELECT disposition, attempts, reached, agent_minutes FROM v_daily_outcomes"
    expected = [(disposition, 1, int(rules.reached), 2.0)] if rules.attempt else []
    assert store.query(daily) == expected, "as it is computed when asked for"
    story.refresh()
    assert store.query(daily) == expected, "as it is stored"
    assert store.query("SELECT attempts, reached, first_attempt_at, reached_at FROM v_episodes") == [
        (
            int(rules.attempt),
            rules.reached,
            day(1) if rules.attempt else None,
            day(1) if rules.reached else None,
        )
    ]
    assert store.query("SELECT disposition FROM v_outcomes") == [(disposition,)]


def test_when_the_call_was_placed_and_when_to_call_instead_are_kept(store: ClickHouse) -> None:
    story = Story(store)
    begun, later = day(1) - timedelta(seconds=40), day(2)
    story.write(
        story.of(OutcomeEvent, "c1", "o1", 0, trigger_id="t", attempt=1, disposition="BUSY"),
        story.of(
            OutcomeEvent,
            "c1",
            "o2",
            1,
            trigger_id="t",
            attempt=2,
            disposition="CALLBACK_LATER",
            started_at=begun,
            callback_at=later,
        ),
    )
    assert store.query("SELECT started_at, callback_at FROM v_outcomes ORDER BY event_id") == [
        (None, None),
        (begun, later),
    ]
