"""A datetime with a zone as ms since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.call import CallEvent
from schemas.instants import ms_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.one_of(
    st.just(UTC),
    st.just(ZoneInfo("Europe/Amsterdam")),
    st.integers(-86_399, 86_399).map(lambda seconds: timezone(timedelta(seconds=seconds))),
)


@given(st.datetimes(timezones=ZONES))
def test_it_is_the_whole_milliseconds_since_the_epoch(at: datetime) -> None:
    assert ms_of(at) == (at - EPOCH) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-10T07:03:10.361Z", 1_773_126_190_361),
        ("2026-03-10T08:03:10.361+01:00", 1_773_126_190_361),
        ("2026-03-10T07:03:10.361999Z", 1_773_126_190_361),
        ("1969-12-31T23:59:59.9999Z", -1),
    ],
)
def test_as_the_parser_reads_it(text: str, ms: int) -> None:
    given = {"schema_version": 1, "type": "call", "event_id": "e", "customer_id": "c", "occurred_at": text}
    assert ms_of(CallEvent.model_validate(given, strict=False).occurred_at) == ms


def test_without_a_zone_it_is_no_instant() -> None:
    with pytest.raises(ValueError, match="zone"):
        ms_of(datetime(2026, 3, 10))  # noqa: DTZ001
