"""The limit of dead letters as timelines: what counts, what trips it, what a restart knows, what heals it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas import topics
from streams.core.dead_letter_limit import (
    WINDOW,
    DeadLetterLimit,
    DeadLetterLimitError,
    Tallies,
    Tally,
    as_rows,
    differs,
    from_rows,
    without,
)
from streams.core.decode import decode
from streams.core.records import Decoded
from streams.state.changelog import PartitionRecord, Stamp, decode_partition, encode_partition
from tests.builders import START, call, record

GOOD, BAD, NOBODY = call(START), decode(record(topics.CALLS, b"?")), call(START, customer="unknown")
TOPIC = topics.CALLS
LIMIT = DeadLetterLimit()


def topic(of: Iterable[Decoded], first: int = 0, name: str = TOPIC) -> list[Decoded]:
    """These records one after another in a topic."""
    offsets = count(first)
    return [d._replace(record=d.record._replace(topic=name, offset=next(offsets))) for d in of]


def test_a_topic_without_a_reject_costs_nothing() -> None:
    assert LIMIT.count(topic([GOOD, NOBODY] * 100), {}) == {}


def test_the_run_ends_with_the_next_event_that_can_be_read() -> None:
    tallies = LIMIT.count(topic([GOOD, BAD, BAD]), {})
    assert (tallies[TOPIC].offset, tallies[TOPIC].run) == (3, 2)
    assert LIMIT.count(topic([GOOD], 3), tallies)[TOPIC].run == 0


def test_events_of_nobody_count_as_neither() -> None:
    tallies = LIMIT.count(topic([BAD, BAD]), {})
    assert LIMIT.count(topic([NOBODY] * 50, 2), tallies) == tallies


def test_the_ratio_is_a_mean_in_which_a_record_weighs_one_in_two_thousand() -> None:
    tallies = LIMIT.count(topic([BAD]), {})
    assert tallies[TOPIC].ratio == pytest.approx(1 / WINDOW)
    later = LIMIT.count(topic([GOOD] * WINDOW, 1), tallies)[TOPIC].ratio
    assert later == pytest.approx((1 / WINDOW) * (1 - 1 / WINDOW) ** WINDOW)
    assert later == pytest.approx(1 / WINDOW / 2.7183, rel=1e-3)


def test_one_reject_too_many_in_a_row_trips_and_says_what_to_do() -> None:
    tallies = LIMIT.count(topic([BAD] * 500), {})
    with pytest.raises(DeadLetterLimitError) as raised:
        LIMIT.count(topic([BAD], 500), tallies)
    said = str(raised.value)
    for expected in (
        "contact.calls has gone bad: 501 records in a row",
        "partition 0, offset 500: not_json",
        "--no-dead-letter-limit",
        "BEHOUDLIJN_DEAD_LETTER_LIMIT=off",
        "Repair the producer",
    ):
        assert expected in said


def test_two_bad_records_of_three_trip_the_ratio() -> None:
    """Also where a good one now and then ends every run."""
    with pytest.raises(DeadLetterLimitError, match=r"50% of the last records .*MAX_RATIO=0\.5"):
        LIMIT.count(topic([BAD, BAD, GOOD] * 3_000), {})


@pytest.mark.parametrize("every", [100, 10, 3])
def test_poison_spread_evenly_never_trips(every: int) -> None:
    tallies = LIMIT.count(topic(([BAD] + [GOOD] * (every - 1)) * (100_000 // every)), {})
    assert tallies[TOPIC].ratio == pytest.approx(1 / every, rel=0.05)


def test_a_good_record_never_trips_whatever_was_before() -> None:
    assert LIMIT.count(topic([GOOD]), {TOPIC: Tally(0, 9_999, 0.99)})[TOPIC].run == 0


def test_topics_do_not_share_a_count() -> None:
    calls, surveys = topic([BAD] * 400), topic([BAD] * 400, name=topics.SURVEYS)
    tallies = LIMIT.count([each for pair in zip(calls, surveys, strict=True) for each in pair], {})
    assert {name: tally.run for name, tally in tallies.items()} == {topics.CALLS: 400, topics.SURVEYS: 400}


def test_records_that_are_read_again_do_not_count_again() -> None:
    """A kill after the changelog and before the commit: the tallies are ahead of the group."""
    tallies = LIMIT.count(topic([BAD] * 400), {})
    assert LIMIT.count(topic([BAD] * 400), tallies) == tallies
    assert LIMIT.count(topic([BAD] * 500), tallies)[TOPIC].run == 500


@given(some.lists(some.sampled_from([GOOD, BAD, NOBODY]), max_size=60), some.data())
def test_how_records_are_cut_into_batches_and_read_again_does_not_show(
    mixed: list[Decoded], data: some.DataObject
) -> None:
    limit = DeadLetterLimit(max_run=7, max_ratio=0.02)
    records = topic(mixed)

    def until_tripped(cuts: list[int], *, again: int) -> tuple[Tallies, int]:
        tallies: Tallies = {}
        at = 0
        for cut in [*sorted(cuts), len(records)]:
            try:
                tallies = limit.count(records[max(0, at - again) : cut], tallies)
            except DeadLetterLimitError:
                for last in range(max(0, at - again), cut):  # a restart reads other batches
                    try:
                        tallies = limit.count(records[last : last + 1], tallies)
                    except DeadLetterLimitError:
                        return tallies, last
            at = cut
        return tallies, len(records)

    cuts = data.draw(some.lists(some.integers(0, len(records)), max_size=5))
    again = data.draw(some.integers(0, 5))
    assert until_tripped(cuts, again=again) == until_tripped([], again=0)


def test_let_go_on_it_counts_nothing_and_begins_anew_afterwards() -> None:
    off = DeadLetterLimit(on=False)
    tallies = off.count(topic([BAD] * 5_000), {TOPIC: Tally(0, 500, 0.3)})
    assert tallies == {TOPIC: Tally(5_000, 0, 0.0)}
    assert LIMIT.count(topic([BAD, GOOD], 5_000), tallies)[TOPIC].run == 0
    with pytest.raises(DeadLetterLimitError):
        LIMIT.count(topic([BAD] * 501, 5_000), tallies)


def test_how_much_is_used_up_is_the_nearer_of_the_two_limits() -> None:
    used = LIMIT.used({"a": Tally(1, 100, 0.05), "b": Tally(1, 0, 0.4)})
    assert used == {"a": pytest.approx(0.2), "b": pytest.approx(0.8)}


def test_a_restart_should_know_of_rejects_and_of_a_run_that_ended() -> None:
    before = LIMIT.count(topic([BAD]), {})
    assert differs({}, before)
    assert differs(before, LIMIT.count(topic([GOOD], 1), before))
    healed = LIMIT.count(topic([GOOD], 1), before)
    assert not differs(healed, LIMIT.count(topic([GOOD], 2), healed))


def test_the_changelog_brings_the_tallies_back_and_old_records_have_none() -> None:
    tallies = LIMIT.count(topic([BAD, GOOD, BAD]), {})
    written = PartitionRecord(Stamp(1, 3), 50, "p@1", "owner", as_rows(tallies))
    read = decode_partition(encode_partition(written))
    assert read == written
    assert from_rows(read.dead_letters) == tallies
    old = b'{"version":2,"epoch":1,"batch":3,"clock":50,"policy":"p@1","owner":"owner"}'
    assert decode_partition(old).dead_letters == ()


def test_a_log_that_begins_anew_is_counted_from_its_first_record() -> None:
    tallies = LIMIT.count(topic([BAD] * 400, first=1000), {})
    anew = without(tallies, TOPIC)
    assert LIMIT.count(topic([BAD] * 3), tallies)[TOPIC].run == 400, (
        "below the offset up to which was counted"
    )
    assert LIMIT.count(topic([BAD] * 3), anew)[TOPIC].run == 3
    assert without({**tallies, "other": Tally(1, 1, 0.1)}, TOPIC) == {"other": Tally(1, 1, 0.1)}
