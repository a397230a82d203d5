"""One decoder: worker, backtest, replay and check say the same of the same bytes, whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import topics
from streams.core.decode import decode, kind_of
from streams.core.records import Decoded, Record
from streams.files.backlog import Backlog
from streams.files.ndjson import NO_TIME, InputError, Line, check_line, decode_line
from streams.files.replay import outgoing_lines
from tests.hostile import RECORDS

_REST = b'"schema_version":1,"event_id":"e","customer_id":"c","occurred_at":"2026-10-01T10:00:00Z"'
NEAR_MISSES = [
    *(
        b'{"type":"survey",%s,"csat":1,"x":%s}' % (_REST, odd)
        for odd in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b'"\\ud800"', b"{}", b"[1]", b"1" * 5_000)
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
    with Backlog(1) as backlog:
        came_in = backlog.add(Line("f", 1, value))
        [[found]] = backlog.runs(0)
    assert said(came_in) == said(found)
    return found


@given(RECORDS.map(lambda pair: pair[1]).filter(bool) | some.sampled_from(NEAR_MISSES))
def test_every_road_reads_the_same(value: bytes) -> None:
    worker, judged = by_the_worker(value), by_backtest(value)
    assert (
        said(worker) == said(judged) == said(decode_line(Line("f", 1, value)))
    )  # the last is the check's road
    [(sent, valid)] = outgoing_lines([Line("f", 1, value)], keep_invalid=True)
    assert valid == (worker.event is not None)
    assert sent.topic == judged.record.topic
    if worker.event is None:
        with pytest.raises(InputError, match=r"^f:1: "):
            check_line(Line("f", 1, value))
    else:
        assert repr(check_line(Line("f", 1, value)).event) == repr(worker.event)
