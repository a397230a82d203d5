"""The bound of partition time: what lies in the future never gets into the merge's order, and only a fresh answer refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from schemas import topics
from streams.core.decode import AS_USUAL, decode, encode_dead_letter
from streams.core.merge import Merger
from streams.core.records import REJECTED_AT, Decoded
from streams.core.redriven import Origin
from streams.core.repartition import decode_rekeyed, wrap
from streams.state.broker_time import BROKERS_APART_MS, BrokerTime
from streams.state.store import SignalsStore
from streams.workers.time_bound import LeapError, TimeBound
from tests.builders import DAY, HOUR, START, Record, call, erasure, profile, survey

TOLERANCE = 300_000
AHEAD = 400 * DAY


class Worker:
    """A bound with a broker that says `broker` when it is asked."""

    def __init__(self, told: int = START, broker: int = START, tolerance: int = TOLERANCE) -> None:
        self.asked = 0
        self.broker = broker
        self.time = BrokerTime(wall=lambda: START + 10 * AHEAD, steady=lambda: 0)
        self.time.answered(0, told)
        self.bound = TimeBound(self.time, tolerance, lambda record: decode(record, AS_USUAL), self.ask)
        self.partition = SignalsStore(0)

    async def ask(self, partition: SignalsStore) -> None:
        self.asked += 1
        self.time.answered(partition.number, self.broker)

    def judged(self, *records: Decoded) -> Sequence[Decoded]:
        return asyncio.run(self.bound.settle(self.partition, self.bound.set_aside(0, records)))


def test_what_is_within_costs_no_question() -> None:
    worker = Worker()
    records = [call(START - 30 * DAY), call(START), call(START + TOLERANCE)]
    assert worker.bound.set_aside(0, records) == records
    assert list(worker.judged(*records)) == records
    assert not worker.asked


@pytest.mark.parametrize("make", [call, erasure, profile])
def test_an_event_of_the_future_whose_producer_stamped_it_is_a_reject(make: object) -> None:
    worker = Worker()
    good, bad = call(START), make(START + AHEAD)  # type: ignore[operator]
    assert bad.record.timestamp == START + AHEAD, "within the tolerance of its record"
    kept, refused = worker.judged(good, bad)
    assert kept == good
    assert refused.reject is not None
    assert refused.reject.code == "ahead_of_broker"
    assert (refused.at, refused.event) == (REJECTED_AT, None)
    assert encode_dead_letter(refused) == encode_dead_letter(worker.judged(bad)[0])


def test_a_stamp_of_the_future_is_refused_though_the_event_is_of_now() -> None:
    """Its arrival would win over every later version of the event."""
    (refused,) = Worker().judged(call(START, ingested=START + AHEAD))
    assert refused.reject is not None
    assert refused.reject.message == "the record's timestamp is ahead of the brokers' time"


def test_a_suspect_keeps_no_other_back_in_the_merge() -> None:
    """Calls behind one of the future would wait until the surveys are read to their end, and be late then."""
    calls = [call(START + AHEAD), *(call(START - day * DAY) for day in (30, 20, 10))]
    surveys = [survey(START - day * DAY, csat=1) for day in (25, 15, 5)]
    merger: Merger[Decoded] = Merger((topics.CALLS, topics.SURVEYS))
    for topic, records in ((topics.CALLS, calls), (topics.SURVEYS, surveys)):
        merger.push(topic, Worker().bound.set_aside(0, records))
        merger.fetched(topic, records[-1].offset + 1, records[-1].offset + 1, 0)
    merged = merger.take(0)
    assert [each.offset for each in merged] == [
        calls[0].offset,
        *(each.offset for each in sorted(calls[1:] + surveys, key=lambda each: each.at)),
    ]


def test_a_machine_that_slept_refuses_nothing() -> None:
    worker = Worker(told=START - 3 * DAY, broker=START)
    record = call(START)
    assert list(worker.judged(record)) == [record]
    assert worker.asked == 1


def test_what_was_sent_once_more_is_still_known_to_be_so() -> None:
    """Its letter is that of its original, with one try more."""
    origin = Origin(7, START, 2)
    for at in (START, START + AHEAD):
        record = call(at)._replace(origin=origin)
        (judged,) = Worker(told=START - DAY).judged(record)
        assert judged.origin == origin


def test_clocks_of_brokers_may_differ_a_little_whatever_the_tolerance() -> None:
    worker = Worker(tolerance=0)
    near, far = call(START + BROKERS_APART_MS), call(START + BROKERS_APART_MS + 1)
    kept, refused = worker.judged(near, far)
    assert kept == near
    assert refused.event is None


def test_what_was_sent_on_is_judged_by_the_time_at_which_it_first_came() -> None:
    worker = Worker()
    worker.bound = TimeBound(worker.time, TOLERANCE, decode_rekeyed, worker.ask)
    original = call(START + AHEAD).record
    (refused,) = worker.judged(
        decode_rekeyed(Record("p.behoudlijn.signals.repartition", 0, 9, START, b"c1", wrap(original)))
    )
    assert refused.reject is not None
    assert refused.reject.code == "ahead_of_broker"


@pytest.mark.parametrize(
    ("ahead", "refused"), [(0, False), (TOLERANCE, False), (3 * HOUR, False), (2 * DAY, True)]
)
def test_a_partition_that_has_leapt_does_not_go_on(ahead: int, refused: bool) -> None:
    worker = Worker()
    worker.partition.clock.now = START + ahead
    if not refused:
        worker.bound.check(worker.partition)
        return
    with pytest.raises(
        LeapError, match=r"partition 0 is 2 days ahead of .* `behoudlijn state repair --partition 0`"
    ):
        worker.bound.check(worker.partition)


def test_a_partition_without_events_has_not_leapt() -> None:
    worker = Worker()
    worker.bound.check(worker.partition)
