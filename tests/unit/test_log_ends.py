"""Where logs end by the brokers' word, and transactions that stay open."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from streams.lane.log_ends import LogEnd, LogEnds
from streams.lane.micro_batch import TP

CALLS, OTHER = TP("contact.calls", 0), TP("contact.calls", 1)
OURS = {CALLS, OTHER}


def test_what_is_not_known_and_what_is_old_is_asked_for() -> None:
    ends = LogEnds()
    assert set(ends.stale(OURS, 10_000)) == OURS
    ends.tell({CALLS: LogEnd(5, 5, 9_000), OTHER: LogEnd(5, 5, 2_000)}, 0.0)
    assert ends.stale(OURS, 10_000) == [OTHER]
    ends.forget()
    assert set(ends.stale(OURS, 10_000)) == OURS


def test_the_later_word_counts_and_a_clock_that_went_back_makes_it_old() -> None:
    ends = LogEnds()
    ends.tell({CALLS: LogEnd(8, 8, 2_000)}, 0.0)
    ends.tell({CALLS: LogEnd(5, 5, 1_000)}, 1.0)
    assert ends.of(CALLS) == 8
    assert ends.stale([CALLS], 1_000) == [CALLS]


def test_a_transaction_is_told_once_when_it_stands_and_once_when_it_ends() -> None:
    ends = LogEnds()
    with capture_logs() as said:
        for second in range(0, 200, 5):
            ends.tell({CALLS: LogEnd(40 + second, 12, second)}, float(second))
            ends.watch(OURS, float(second))
        assert [each.records for each in ends.held(195.0)] == [40 + 195 - 12]
        assert ends.words(195.0)[0].startswith(
            "contact.calls, partition 0: a transaction has been open at offset 12"
        )
        ends.tell({CALLS: LogEnd(300, 300, 300)}, 200.0)
        ends.watch(OURS, 200.0)
        ends.watch(OURS, 205.0)
    assert [each["log_level"] for each in said] == ["warning", "info"]
    assert "abort --topic contact.calls --partition 0 --start-offset 12" in said[0]["action"]
    assert not ends.words(205.0)


def test_transactions_that_follow_one_another_hold_nothing_up_for_long() -> None:
    ends = LogEnds()
    for second in range(0, 200, 5):
        ends.tell({CALLS: LogEnd(second + 10, second, second)}, float(second))
    assert [each.seconds for each in ends.held(195.0)] == [0.0]
    assert not ends.words(195.0)


@pytest.mark.parametrize(("again", "seconds"), [(True, 100.0), (False, 0.0)])
def test_a_rebalance_keeps_the_age_for_partitions_that_come_back(again: bool, seconds: float) -> None:
    ends = LogEnds()
    ends.tell({CALLS: LogEnd(40, 12, 0)}, 0.0)
    ends.forget()
    ends.watch(OURS if again else {OTHER}, 50.0)
    ends.tell({CALLS: LogEnd(40, 12, 100)}, 100.0)
    assert [each.seconds for each in ends.held(100.0)] == [seconds]


def test_an_end_tells_of_all_that_was_written_before_the_transaction_that_is_open() -> None:
    ends = LogEnds()
    assert ends.known_up_to(CALLS, 0.0) is None
    ends.tell({CALLS: LogEnd(10, 10, 50_000)}, 5.0)
    assert ends.known_up_to(CALLS, 7.0) == 50_000
    ends.tell({CALLS: LogEnd(20, 10, 60_000)}, 15.0)
    ends.tell({CALLS: LogEnd(30, 10, 70_000)}, 25.0)
    assert ends.known_up_to(CALLS, 25.0) == 60_000
    ends.tell({CALLS: LogEnd(40, 40, 80_000)}, 35.0)
    assert ends.known_up_to(CALLS, 35.0) == 80_000
