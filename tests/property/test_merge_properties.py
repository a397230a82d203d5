"""What must hold of the merger for every backlog: one order whatever the fetches, nothing lost or doubled."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.core.merge import Merger
from streams.core.records import REJECTED_AT, Decoded, Record

TOPICS = ("a", "b", "c")


@dataclass(frozen=True)
class Backlog:
    """A complete log: per topic its records, with gaps in the offsets, and where the partition ends."""

    records: dict[str, list[Decoded]]
    end: dict[str, int]


@st.composite
def backlogs(draw: st.DrawFn) -> Backlog:
    records: dict[str, list[Decoded]] = {}
    end: dict[str, int] = {}
    for topic in TOPICS:
        offset = draw(st.integers(0, 3))
        records[topic] = []
        for at in draw(st.lists(st.one_of(st.just(REJECTED_AT), st.integers(0, 12)), max_size=12)):
            record = Record(topic, 0, offset, 0, b"k", b"v" * draw(st.integers(0, 3)))
            records[topic].append(Decoded(record, at, None, None, (), False))
            offset += draw(st.sampled_from([1, 1, 1, 2, 5]))
        end[topic] = offset
    return Backlog(records, end)


def expected(backlog: Backlog) -> list[Decoded]:
    """The rule by brute force: the earliest head of all, again and again."""
    rest = {topic: list(records) for topic, records in backlog.records.items()}
    merged = []
    while any(rest.values()):
        topic = min((t for t in TOPICS if rest[t]), key=lambda t: (rest[t][0].at, TOPICS.index(t)))
        merged.append(rest[topic].pop(0))
    return merged


@given(backlogs())
def test_a_backlog_fed_whole_comes_out_in_the_order_of_the_rule(backlog: Backlog) -> None:
    merger = Merger(TOPICS)
    for topic in TOPICS:
        merger.push(topic, backlog.records[topic])
        merger.fetched(topic, backlog.end[topic], backlog.end[topic], 0)
    assert merger.take(0) == expected(backlog)
    assert merger.take(0) == []
    assert merger.buffered_bytes() == 0


@given(backlogs(), st.data())
def test_fetch_sizes_responses_and_runs_do_not_show(backlog: Backlog, data: st.DataObject) -> None:
    batch = data.draw(st.integers(1, 5), label="max_batch")
    idle = data.draw(st.sampled_from([0, 0, 10]), label="idle_ms")
    unawaited = data.draw(st.sets(st.sampled_from(TOPICS)), label="unawaited")
    merger = Merger(TOPICS, idle_ms=idle, max_batch=batch, unawaited=unawaited)
    at = dict.fromkeys(TOPICS, 0)
    merged: list[Decoded] = []
    now = 0
    told: set[str] = set()
    while told != set(TOPICS):
        topic = data.draw(st.sampled_from([t for t in TOPICS if t not in told]), label="response")
        records, end = backlog.records[topic], backlog.end[topic]
        size = data.draw(st.integers(0, 6), label="fetched")
        chunk = records[at[topic] : at[topic] + size]
        at[topic] += len(chunk)
        whole = at[topic] == len(records)
        merger.push(topic, chunk)
        # A position lies before the next record, or at the end once the trailing markers were passed.
        position = end if whole else records[at[topic]].record.offset
        merger.fetched(topic, position, end, now)
        if whole:
            told.add(topic)
        if data.draw(st.booleans(), label="taken now"):
            merged += merger.take(now)
        now += data.draw(st.integers(0, 20), label="ms passed")
    while merger.buffered_bytes():
        micro_batch = merger.take(now)
        assert len(micro_batch) <= batch
        merged += micro_batch
        now += idle
    assert merged == expected(backlog)


@given(backlogs(), st.data())
def test_live_arrival_loses_nothing_and_keeps_each_topic_in_order(
    backlog: Backlog, data: st.DataObject
) -> None:
    """The end moves while we read: any order between topics is possible, but no loss, no repeat."""
    merger = Merger(TOPICS, max_batch=3)
    merged: list[Decoded] = []
    at = dict.fromkeys(TOPICS, 0)
    now = 0
    for topic in data.draw(st.lists(st.sampled_from(TOPICS), max_size=30)):
        chunk = backlog.records[topic][at[topic] : at[topic] + data.draw(st.integers(0, 3))]
        at[topic] += len(chunk)
        merger.push(topic, chunk)
        position = chunk[-1].record.offset + 1 if chunk else 0
        merger.fetched(topic, position, position + data.draw(st.sampled_from([0, 0, 2])), now)
        merged += merger.take(now)
    for topic in TOPICS:
        merger.push(topic, backlog.records[topic][at[topic] :])
        merger.fetched(topic, backlog.end[topic], backlog.end[topic], now)
    while micro_batch := merger.take(now):
        merged += micro_batch
    for topic in TOPICS:
        assert [item for item in merged if item.record.topic == topic] == backlog.records[topic]
    assert len(merged) == sum(map(len, backlog.records.values()))
