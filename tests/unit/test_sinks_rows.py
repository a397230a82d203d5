"""Messages become rows: which table, which values, and what never gets into one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from schemas import topics
from schemas.base import Event
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.profile import ProfileEvent
from schemas.revisions import arrival_of
from schemas.survey import SurveyEvent
from sinks.clickhouse import tables
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.contract import ForeignRecordError, Row
from tests.integration.clickhouse_sink.messages import START, At, dead_letter, event, signals, trigger, wire

START_MS = 2_971_589_415_123


def named(row: Row | None) -> dict[str, Any]:
    assert row is not None
    return dict(zip(tables.COLUMNS[row.table], row.values, strict=True))


def test_times_are_exact_milliseconds_in_utc() -> None:
    local = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    row = named(row_of_event(event(CallEvent, at=local), At(topics.CALLS, 3, 11, 1_700_000_000_001)))
    assert row["occurred_at"] == START_MS
    assert row["ingested_at"] == 1_700_000_000_001
    assert (row["source_topic"], row["source_partition"], row["source_offset"]) == (topics.CALLS, 3, 11)


@pytest.mark.parametrize("year", [1, 1969, 2150, 9999])
def test_times_that_no_table_holds_are_kept_within(year: int) -> None:
    row = named(row_of_event(event(CallEvent, at=datetime(year, 6, 1, tzinfo=UTC)), At(topics.CALLS)))
    assert 0 <= row["occurred_at"] <= 4_102_444_800_000


@pytest.mark.parametrize(
    ("resolved", "shown"), [(True, "yes"), (False, "no"), ("unknown", "unknown"), (None, "unknown")]
)
def test_three_answers_not_two(resolved: Any, shown: str) -> None:
    assert named(row_of_event(event(CallEvent, resolved=resolved), At(topics.CALLS)))["resolved"] == shown


def test_a_grade_that_was_not_asked_is_no_zero() -> None:
    row = named(row_of_event(event(SurveyEvent, nps=0), At(topics.SURVEYS)))
    assert (row["csat"], row["nps"], row["ces"], row["answered"]) == (None, 0, None, "unknown")


@pytest.mark.parametrize("customer", [None, "", "0", " unknown ", "null"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [(CallEvent, {"reason": "bill"}), (CancellationEvent, {"stage": "inquiry"}), (ProfileEvent, {})],
)
def test_nobody_in_particular_has_a_table_of_its_own(
    customer: str | None, kind: type[Event], more: dict[str, Any]
) -> None:
    made = event(kind, customer.strip() if customer else customer, **more)
    assert row_of_event(made, At(topics.CALLS)).table == tables.UNATTRIBUTABLE


@pytest.mark.parametrize("kind", [CallEvent, ProfileEvent])
@pytest.mark.parametrize("customer", ["c1", None])
def test_a_revision_is_in_the_row_and_the_version_is_left_to_the_server(
    kind: type[Event], customer: str | None
) -> None:
    revised = named(row_of_event(event(kind, customer, revised_at=START), At(topics.CALLS)))
    assert revised["revised_at"] == START_MS
    assert named(row_of_event(event(kind, customer), At(topics.CALLS)))["revised_at"] is None
    assert "version" not in revised


@pytest.mark.parametrize(
    ("year", "shown"), [(1, None), (1969, None), (2150, 4_102_444_800_000), (9999, 4_102_444_800_000)]
)
def test_a_revision_that_no_table_holds_is_kept_within_or_none(year: int, shown: int | None) -> None:
    made = event(CallEvent, revised_at=datetime(year, 6, 1, tzinfo=UTC))
    assert named(row_of_event(made, At(topics.CALLS)))["revised_at"] == shown


def test_the_version_of_an_output_is_its_arrival() -> None:
    row = named(row_of_output(wire(signals()), At(topics.SIGNALS, offset=5)))
    assert row["version"] == arrival_of(At(topics.SIGNALS).timestamp, 5)


def test_the_mode_is_the_topic_of_the_trigger() -> None:
    assert named(row_of_output(wire(trigger()), At(topics.TRIGGERS)))["mode"] == "live"
    assert named(row_of_output(wire(trigger()), At(topics.SHADOW_TRIGGERS)))["mode"] == "shadow"


def test_a_dead_letter_is_found_by_its_original() -> None:
    row = named(row_of_output(wire(dead_letter(42, payload="c2VjcmV0")), At(topics.DEAD_LETTERS, 1, 3)))
    assert (row["original_topic"], row["original_partition"], row["original_offset"]) == (topics.CALLS, 2, 42)
    assert (row["source_partition"], row["source_offset"]) == (1, 3)
    assert "c2VjcmV0" not in repr(row)


def test_a_tombstone_has_no_row() -> None:
    assert row_of_output(None, At(topics.SIGNALS)) is None


def test_strange_bytes_are_explained_without_being_quoted() -> None:
    with pytest.raises(ForeignRecordError, match=r"callback.triggers\[0\]@7 is no CallbackTrigger") as caught:
        row_of_output(
            b'{"type": "callback_trigger", "phone_e164": "+31612345678"}', At(topics.TRIGGERS, offset=7)
        )
    assert "612345678" not in str(caught.value)
    with pytest.raises(ValueError, match="no output topic"):
        row_of_output(b"{}", At(topics.CALLS))


@pytest.mark.parametrize("zone", ["+02:00", ""])
def test_outputs_tell_their_times_in_utc(zone: str) -> None:
    elsewhere = wire(signals()).replace(b'Z","score"', zone.encode() + b'","score"')
    with pytest.raises(ForeignRecordError, match=r"no CustomerSignals \(fields: as_of\)"):
        row_of_output(elsewhere, At(topics.SIGNALS))


def test_an_event_without_a_table_is_a_bug() -> None:
    strange = Event.model_construct(schema_version=1, event_id="e", customer_id="c", occurred_at=START)
    with pytest.raises(TypeError, match="no table"):
        row_of_event(strange, At(topics.CALLS))
