"""The envelope of a re-keyed event: what goes in comes out, judged as what it was, and nothing raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import topics
from streams.core.decode import Reading, decode, encode_dead_letter
from streams.core.records import Record
from streams.core.repartition import EnvelopeError, decode_rekeyed, original_of, unwrap, wrap
from tests.builders import START, call, iso

PREFIXED = f"acme.{topics.REPARTITION}"


def rekeyed(value: bytes | None, offset: int = 7) -> Record:
    return Record(PREFIXED, 3, offset, START + 60_000, b"c1", value)


@given(some.sampled_from(sorted(topics.INPUTS)), some.integers(0, 2**62), some.binary(max_size=200))
def test_the_original_comes_out_as_it_went_in_with_the_customer_as_key(
    topic: str, offset: int, value: bytes
) -> None:
    original = Record(f"acme.{topic}", 1, offset, START, b"account-9", value)
    assert unwrap(rekeyed(wrap(original))) == original._replace(key=b"c1")


def test_an_event_keeps_its_model_its_time_of_arrival_and_its_place_in_the_merge() -> None:
    original = call(START).record
    found = decode_rekeyed(rekeyed(wrap(original)))
    assert found.event == decode(original).event
    assert found.at == START
    place = found.record
    assert (place.topic, place.partition, place.offset) == (PREFIXED, 3, 7)
    assert place.timestamp == original.timestamp, "latency is from the first arrival"


def test_the_future_is_judged_by_the_first_arrival() -> None:
    ahead = json.dumps({**json.loads(call(START).record.value or b""), "occurred_at": iso(START + 600_000)})
    original = call(START).record._replace(value=ahead.encode(), timestamp=START)
    found = decode_rekeyed(rekeyed(wrap(original))._replace(timestamp=START + 3_600_000))
    assert found.reject is not None
    assert found.reject.code == "future_dated"


def test_what_had_no_time_where_it_first_stood_has_none_at_home() -> None:
    """As a worker of a release before sends it on."""
    original = call(START).record._replace(timestamp=-1)
    found = decode_rekeyed(rekeyed(wrap(original)), Reading(stamped=True))
    assert found.reject is not None
    assert found.reject.code == "no_timestamp"
    assert original_of(found).record.topic == original.topic


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{}",
        b"no line at all" * 200,
        b"\n{}",
        b"{}\n{}",
        b'"contact.calls"\n{}',
        b"[" * 900 + b"\n{}",
        b'["contact.calls",0,0]\n{}',
        b'["contact.calls",0,0,0,0]\n{}',
        b'["contact.calls",true,0,0]\n{}',
        b'["contact.calls",0,-1,0]\n{}',
        b'["contact.calls",0,"1",0]\n{}',
        b'["elsewhere",0,0,0]\n{}',
        b"[7,0,0,0]\n{}",
        b"[[],0,0,0]\n{}",
        b"[null,0,0,0]\n{}",
    ],
)
def test_a_broken_envelope_is_a_reject(value: bytes | None) -> None:
    with pytest.raises(EnvelopeError, match="envelope: "):
        unwrap(rekeyed(value))
    found = decode_rekeyed(rekeyed(value))
    assert found.reject is not None
    assert found.reject.code == "invalid_field"
    assert found.record == rekeyed(value)
    assert original_of(found) == found
    assert json.loads(encode_dead_letter(found))["topic"] == PREFIXED


@given(some.binary(max_size=300))
def test_no_bytes_raise(value: bytes) -> None:
    decode_rekeyed(rekeyed(value))
    decode_rekeyed(rekeyed(b'["contact.calls",0,0,0]\n' + value))


def test_a_reject_points_to_the_record_that_was_re_keyed_so_that_it_can_be_driven_again() -> None:
    original = Record("acme.contact.calls", 1, 42, START, b"account-9", b"{}")
    letter = json.loads(encode_dead_letter(original_of(decode_rekeyed(rekeyed(wrap(original))))))
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("acme.contact.calls", 1, 42)
    assert letter["payload_size"] == 2
