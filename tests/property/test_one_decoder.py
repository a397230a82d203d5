"""One decoder: worker, backtest, replay and check say the same of the same bytes, whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.decode import decode, kind_of
from streams.core.records import Decoded, Record
from streams.files.backlog import Backlog
from streams.files.ndjson import NO_TIME, InputError, Line, check_line, decode_line
from streams.files.replay import outgoing_lines
from tests.hostile import RECORDS

_REST = b'"schema_version":1,"event_id":"e","customer_id":"c","occurred_at":"2026-10-01T10:00:00Z"'
_PARTITIONS = 16
NEAR_MISSES = [
    *(
        b'{"type":"survey",%s,"csat":1,"x":%s}' % (_REST, odd)
        for odd in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b'"\\ud800"', b"{}", b"[1]", b"1" * 5_000)
    ),
    *(
        b'{"type":"call",%s,"%s":%s}' % (_REST, name, value)
        for name in (b"customer_id", b"event_id")
        for value in (b"null", b"7", b"true", b"7.0", b'"\\u0063\\u0032"', b'" "', b'"c c"', b"1" * 5_000, b"[]")
    ),
    b'{"type":"call","schema_version":1,"event_id":77,"customer_id":0,"occurred_at":"2026-10-01T10:00:00Z"}',
    *(
        b'{%s"schema_version":1,"event_id":"e","occurred_at":"2026-10-01T10:00:00Z"%s}' % parts
        for parts in (
            (b'"type" : "call", "customer_id"\n:\t"c2",', b""),
            (b'"type":"call","customer_\\u0069d":"c2",', b',"a":{"customer_id":"c3"}'),
            (b'"type":"call","customer_id":"c2",', b',"a":{"customer_id":"c3","type":"survey"}'),
            (b'"a":{"customer_id":"c3"},"type":"call","customer_id":"c2",', b""),
            (b'"type":"call","customer_id":7,', b',"a":{"customer_id":"c3"}'),
            (b'"type":"call","customer_id":"c2",', b',"customer_id":"c3"'),
            (b'"type":"call","customer_id":"c2",', b',"a":"\\"customer_id\\":\\"c3\\""'),
            (b'"\\u0074ype":"call","customer_id":"c2",', b',"a":{"type":"survey"}'),
            (b'"type":"call","customer_id":"0",', b""),
            (b'"type":"call","customer_id":"{c2}",', b""),
            (b'"type":"call","customer_id":"\xc3\xa9",', b""),
        )
    ),
    b'\xef\xbb\xbf{"type":"call"}',
    b'{"type":"call","type":"survey",%s,"csat":1}' % _REST,
    b'{"type":["call"]}',
    b'{"type":"erasure",%s}' % _REST,
    b'{%s,"type":"call",%s}' % (b",".join(b'"f%d":1' % n for n in range(101)), _REST),
]  # fmt: skip


def by_the_worker(value: bytes) -> Decoded:
    kind = kind_of(value)
    topic = topics.EVENT_TYPES[kind].topic if kind in topics.EVENT_TYPES else topics.CALLS
    return decode(Record(topic, 0, 0, NO_TIME, None, value))


def said(decoded: Decoded) -> tuple[object, ...]:
    """What was made of the bytes; the event as text, since a NaN equals nothing."""
    return repr(decoded.event), decoded.reject, decoded.at, decoded.unknown_fields, decoded.anonymous


def by_backtest(value: bytes) -> Decoded:
    with Backlog(_PARTITIONS) as backlog:
        backlog.add(Line("f", 1, value))
        found = [each for partition in range(_PARTITIONS) for run in backlog.runs(partition) for each in run]
    everywhere = found[0].record.topic == topics.OBJECTIONS
    assert len(found) == (_PARTITIONS if everywhere else 1)
    assert len(set(map(said, found))) == 1
    return found[0]


@given(RECORDS.map(lambda pair: pair[1]).filter(bool) | some.sampled_from(NEAR_MISSES))
def test_every_road_reads_the_same(value: bytes) -> None:
    worker, judged = by_the_worker(value), by_backtest(value)
    assert (
        said(worker) == said(judged) == said(decode_line(Line("f", 1, value)))
    )  # the last is the check's road
    if worker.record.topic == topics.OBJECTIONS:
        with pytest.raises(InputError, match=r"^f:1: .*objections load"):
            list(outgoing_lines([Line("f", 1, value)], keep_invalid=True))
        return
    [(sent, valid)] = outgoing_lines([Line("f", 1, value)], keep_invalid=True)
    assert valid == (worker.event is not None)
    if worker.event is None:
        with pytest.raises(InputError, match=r"^f:1: "):
            check_line(Line("f", 1, value))
    else:
        checked = check_line(Line("f", 1, value))
        assert repr(checked.event) == repr(worker.event)
        assert sent.topic == judged.record.topic
        assert judged.record.partition == partition_of(checked.routing, _PARTITIONS)
