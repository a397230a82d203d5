"""NDJSON input: plain, gzip and standard input, the topic of a line, and messages that tell the place."""

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.files import ndjson
from streams.files.ndjson import InputError, Line, check_line, read_lines, topic_of

CALL = (
    b'{"type":"call","schema_version":1,"event_id":"e1","customer_id":"c1",'
    b'"occurred_at":"2026-01-01T00:00:00Z"}'
)


def test_plain_and_gzip_are_told_by_their_first_bytes(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a", tmp_path / "b"
    plain.write_bytes(CALL + b"\n\n  \r\n" + CALL)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    lines = list(read_lines([str(plain), str(packed)]))
    assert [(line.number, line.data) for line in lines] == [(1, CALL), (4, CALL)] * 2
    assert lines[1].place == f"{plain}:4"


def test_standard_input_may_be_packed_and_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    source = io.BytesIO(gzip.compress(CALL + b"\n"))
    monkeypatch.setattr(ndjson.sys, "stdin", SimpleNamespace(buffer=source))
    assert list(read_lines(["-"])) == [Line("stdin", 1, CALL)]
    assert not source.closed


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: cannot be read: No such file"):
        list(read_lines([str(tmp_path / "nothing")]))
    broken = tmp_path / "broken"
    broken.write_bytes(gzip.compress(CALL * 1000)[:-9])
    with pytest.raises(InputError, match="broken after line"):
        list(read_lines([str(broken)]))
    long = tmp_path / "long"
    long.write_bytes(b"x" * (ndjson.MAX_LINE_BYTES + 2))
    with pytest.raises(InputError, match="long:1: the line is longer"):
        list(read_lines([str(long)]))


def test_the_type_gives_the_topic() -> None:
    kinds = {"profile": topics.PROFILES, "call": topics.CALLS, "survey": topics.SURVEYS}
    kinds |= {"cancellation": topics.CANCELLATIONS, "outcome": topics.OUTCOMES}
    assert {kind: topic_of(b'{"type":"%s"}' % kind.encode()) for kind in kinds} == kinds


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "f:7: no JSON"),
        (b"[]", "f:7: no event"),
        (b'{"type":1}', "f:7: no event: field type must be one of profile, erasure, objection, call"),
        (b'{"type":"call"}', "f:7: schema_version: Field required"),
        (CALL.replace(b"00Z", b"00"), "f:7: occurred_at: Input should have timezone"),
        (CALL.replace(b'"c1"', b'"c 1"'), "f:7: customer_id: "),
    ],
)
def test_a_wrong_line_is_told_by_place_and_field_without_its_content(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_line(Line("f", 7, data))
    assert str(caught.value).startswith(message)
    assert "c 1" not in str(caught.value)


@pytest.mark.parametrize("customer", [b'"0"', b"null", b'""', b'"Unknown"'])
def test_nobody_has_no_key_but_a_fixed_partition(customer: bytes) -> None:
    checked = check_line(Line("f", 1, CALL.replace(b'"c1"', customer)))
    assert (checked.key, checked.routing) == (None, b"e1")


def test_partitions_are_those_of_kafka() -> None:
    # Expected hashes: org.apache.kafka.common.utils.UtilsTest.testMurmur2.
    assert partition_of(b"21", 1000) == (-973932308 & 0x7FFFFFFF) % 1000
    assert partition_of(b"foobar", 1000) == (-790332482 & 0x7FFFFFFF) % 1000
