"""Decoding: any bytes give an event or a reject with a reason, which quotes no payload."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import topics
from schemas.dead_letter import DeadLetter
from streams.core.decode import MAX_RECORD_BYTES, Reading, decode, encode_dead_letter
from streams.core.records import Decoded, Record
from tests.builders import DAY, START, call, iso, profile, record, survey

VALID = {
    "type": "call",
    "schema_version": 1,
    "event_id": "e1",
    "customer_id": "c1",
    "occurred_at": iso(START),
}
_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _json(body: object) -> bytes:
    try:
        return orjson.dumps(body)
    except (TypeError, orjson.JSONEncodeError):
        return repr(body).encode("utf-8", "surrogatepass")


def code(body: dict[str, object], *, topic: str = topics.CALLS, timestamp: int = START) -> str:
    decoded = decode(record(topic, _json(body), timestamp=timestamp))
    return decoded.reject.code if decoded.reject else "accepted"


def check_dead_letter(decoded: Decoded) -> None:
    letter = encode_dead_letter(decoded)
    assert letter == encode_dead_letter(decoded)
    assert DeadLetter.model_validate_json(letter, strict=False).offset == decoded.record.offset


@given(some.sampled_from(sorted(topics.INPUTS)), some.none() | some.binary(max_size=200) | _JSON.map(_json))
def test_any_bytes_give_an_event_or_a_reject(topic: str, value: bytes | None) -> None:
    decoded = decode(record(topic, value))
    assert (decoded.event is None) == (decoded.reject is not None)
    if decoded.reject:
        check_dead_letter(decoded)


@given(
    some.sampled_from(sorted(topics.INPUTS)),
    some.fixed_dictionaries({}, optional={name: some.just(value) | _JSON for name, value in VALID.items()}),
    some.integers(-1, 2**62),
)
def test_almost_valid_events_too(topic: str, body: dict[str, object], timestamp: int) -> None:
    decoded = decode(record(topic, _json(body), timestamp=timestamp))
    assert (decoded.event is None) == (decoded.reject is not None)
    if decoded.reject:
        check_dead_letter(decoded)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "accepted"),
        ({"type": "survey"}, "unknown_type"),
        ({"schema_version": 2}, "unknown_version"),
        ({"customer_id": "no spaces"}, "invalid_customer_id"),
        ({"customer_id": 7}, "accepted"),
        ({"customer_id": -7}, "invalid_customer_id"),
        ({"wait_seconds": -1}, "invalid_field"),
        ({"wait_seconds": "12"}, "invalid_field"),
        ({"occurred_at": "2026-09-07T08:00:00"}, "invalid_field"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_field"),
        ({"occurred_at": "1969-12-31T23:59:59.999Z"}, "invalid_field"),
    ],
)
def test_each_mistake_has_its_code(change: dict[str, object], expected: str) -> None:
    assert code(VALID | change) == expected


def test_records_without_readable_content() -> None:
    assert [
        decode(record(topics.CALLS, value)).reject.code  # type: ignore[union-attr]
        for value in (None, b"", b"{", b"\xff\xfe", b" " * (MAX_RECORD_BYTES + 1))
    ] == ["empty", "empty", "not_json", "not_json", "too_large"]


def test_the_future_begins_five_minutes_after_ingestion() -> None:
    assert call(START + 300_000, ingested=START).reject is None
    ahead = call(START + 300_001, ingested=START).reject
    assert ahead is not None
    assert ahead.code == "future_dated"
    assert "300 s" in ahead.message


def test_a_revision_of_the_future_does_not_win_for_ever() -> None:
    assert call(START, revised_at=iso(START + 300_000), ingested=START).reject is None
    ahead = call(START, revised_at=iso(START + 300_001), ingested=START).reject
    assert ahead is not None
    assert (ahead.code, ahead.message) == ("future_dated", "revised_at is 300 s after the record was written")
    assert call(START, revised_at=iso(START + 4_000 * DAY), ingested=-1).reject is None, (
        "a file tells no time"
    )


def test_a_record_of_kafka_without_a_time_is_a_reject_whatever_it_holds() -> None:
    from_kafka = Reading(stamped=True)
    for topic, value in ((topics.CALLS, orjson.dumps(VALID)), (topics.PROFILES, None), (topics.CALLS, b"{")):
        refused = decode(Record(topic, 0, 7, -1, b"c1", value), from_kafka)
        assert refused.reject is not None
        assert refused.reject.code == "no_timestamp"
        check_dead_letter(refused)
    assert decode(Record(topics.CALLS, 0, 7, START, b"c1", orjson.dumps(VALID)), from_kafka).reject is None


def test_a_file_without_ingestion_times_has_no_future_but_the_calendar_ends() -> None:
    assert call(START + 4_000 * DAY, ingested=-1).reject is None
    assert code(VALID | {"occurred_at": "9999-12-31T23:59:59Z"}, timestamp=-1) == "invalid_field"


def test_a_producer_that_writes_microseconds_as_ingestion_time_stops_nothing() -> None:
    refused = decode(Record(topics.CALLS, 0, 7, START * 1000, b"k", b"{"))
    check_dead_letter(refused)


@pytest.mark.parametrize("customer", [None, "", "  ", "0", "unknown", "NULL"])
def test_nobody_in_particular_is_anonymous(customer: str | None) -> None:
    decoded = call(START, customer=customer)
    assert decoded.reject is None
    assert decoded.anonymous


def test_unknown_fields_are_named_and_do_not_refuse() -> None:
    assert call(START, colour="red", size=3).unknown_fields == ("colour", "size")
    assert call(START).unknown_fields == ()


def test_a_reject_quotes_nothing_of_the_payload() -> None:
    for refused in (
        survey(START, csat="+31612345678"),
        survey(START, comment="+31612345678"),
        profile(START, phone_e164="call +31612345678"),
        call(START, customer="+31612345678 x"),
    ):
        assert refused.reject is not None
        assert "612345678" not in refused.reject.message


def test_event_times_are_exact_to_the_millisecond_in_any_zone() -> None:
    body = VALID | {"occurred_at": "2026-09-07T10:00:00.123+02:00"}
    assert decode(record(topics.CALLS, orjson.dumps(body))).at == START + 123


def test_a_topic_may_have_a_prefix_but_must_be_an_input() -> None:
    assert decode(record("acme.contact.calls", orjson.dumps(VALID))).reject is None
    with pytest.raises(KeyError, match="no input topic"):
        decode(record("contact.orders", orjson.dumps(VALID)))
