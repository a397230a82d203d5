"""Whatever the bytes: an event or a reject, a letter for the reject, a row for the event, and nothing quoted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from schemas import topics
from schemas.dead_letter import DeadLetter
from schemas.erasure import ErasureEvent
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.clickhouse.tables import COLUMNS
from streams.core.decode import MAX_DEPTH, MAX_UNKNOWN_FIELDS, decode, encode_dead_letter
from streams.core.records import Decoded, Record
from tests import hostile

_MOST_BYTES = 1_000_000
"""What a broker takes in one record unless it is told otherwise, less its overhead."""
_VALID = (
    b'{"type":"call","schema_version":1,"event_id":"e","customer_id":"c","occurred_at":"2026-09-07T08:00:00Z"'
)


def decoded(
    topic: str, value: bytes | None, key: bytes | None = b"k", at: int = 1_790_000_000_000
) -> Decoded:
    return decode(Record(topic, 3, 2**40, at, key, value))


def reason(more: bytes) -> str:
    found = decoded(topics.CALLS, _VALID + more)
    return found.reject.code if found.reject else "accepted"


@settings(max_examples=400)
@given(hostile.RECORDS, some.none() | some.binary(max_size=3_000), some.integers(-1, 2**62))
@example((topics.CALLS, b"\x00" * 900_000), b"k" * 900_000, 0)
def test_any_input_is_an_event_or_a_reject(record: tuple[str, bytes], key: bytes | None, at: int) -> None:
    topic, value = record
    found = decoded(topic, value, key, at)
    assert (found.event is None) == (found.reject is not None)
    if found.reject is not None:
        assert hostile.CANARY not in found.reject.message
        letter = encode_dead_letter(found)
        assert len(letter) < _MOST_BYTES
        assert DeadLetter.model_validate_json(letter).payload_size == len(value)
        row = row_of_output(letter, found.record._replace(topic=topics.DEAD_LETTERS))
        assert row is not None
        assert hostile.CANARY not in str(row)
    elif not isinstance(found.event, ErasureEvent):  # which has no row
        assert found.event is not None
        row = row_of_event(found.event, found.record)
        assert len(row.values) == len(COLUMNS[row.table])
        assert row_of_event(found.event, found.record, found.at) == row


@pytest.mark.parametrize("where", [b',"x":%s}', b',"wait_seconds":%s}', b',"customer_id":%s}'])
@pytest.mark.parametrize(
    "deep", [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 60_000]
)
def test_what_is_nested_too_deep_is_refused_while_it_is_read(where: bytes, deep: bytes) -> None:
    assert reason(where % deep) == "not_json"


def test_the_depth_that_is_read() -> None:
    assert reason(b',"x":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}") == "accepted"
    assert reason(b',"x":' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}") == "not_json"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (b',"x":' + b"9" * 4_300 + b"}", "accepted"),
        (b',"x":' + b"9" * 60_000 + b"}", "not_json"),
        (b',"x":' + b"9" * 1_000_000 + b"}", "too_large"),
        (b',"wait_seconds":1e400}', "invalid_field"),
        (b',"wait_seconds":NaN}', "invalid_field"),
        (b',"x":"\\ud800"}', "not_json"),
        (b',"x":"\xed\xa0\x80"}', "not_json"),
        (b',"x":"\xc0\x80"}', "not_json"),
        (b',"x":"\x00"}', "not_json"),
        (b',"event_id":"a\\u0000b"}', "invalid_field"),
        (b"} {}", "not_json"),
        (b',"customer_id":"d","customer_id":"no id!"}', "invalid_customer_id"),
        (b"".join(b',"f%d":0' % n for n in range(MAX_UNKNOWN_FIELDS)) + b"}", "accepted"),
        (b"".join(b',"f%d":0' % n for n in range(MAX_UNKNOWN_FIELDS + 1)) + b"}", "invalid_field"),
        (b"".join(b',"f%d":0' % n for n in range(5_000)) + b"}", "invalid_field"),
    ],
)
def test_the_limits(more: bytes, expected: str) -> None:
    assert reason(more) == expected


def test_a_byte_order_mark_is_no_json() -> None:
    found = decoded(topics.CALLS, b"\xef\xbb\xbf" + _VALID + b"}")
    assert found.reject is not None
    assert found.reject.code == "not_json"


def test_of_two_equal_keys_the_last_one_counts_everywhere() -> None:
    value = _VALID + b',"customer_id":"d"}'
    found = decoded(topics.CALLS, value)
    assert found.event is not None
    assert found.event.customer_id == json.loads(value)["customer_id"] == "d"


@given(some.datetimes(datetime(1970, 1, 1), datetime(2101, 1, 1), timezones=some.just(UTC)))  # noqa: DTZ001
@example(datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_the_time_of_an_event_is_its_whole_milliseconds(moment: datetime) -> None:
    value = _VALID.replace(b"2026-09-07T08:00:00Z", moment.isoformat().encode()) + b"}"
    assert decoded(topics.CALLS, value, at=-1).at == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
