"""How runs and timers share a partition."""

from hypothesis import given
from hypothesis import strategies as some

from streams.core.engine import ALL
from streams.core.timer_share import LEAST, share_of

MAX_BATCH = 2_000


def test_a_run_judges_a_fifth_as_many_timers_as_records_and_six_at_least() -> None:
    assert [share_of(n, MAX_BATCH, 0) for n in (1, 30, 35, 100, 1_000)] == [LEAST, 6, 7, 20, 200]


def test_a_run_of_a_backlog_puts_nothing_off() -> None:
    assert share_of(1_001, MAX_BATCH, 0) == ALL


@given(some.integers(1, 1_000), some.floats(0, 1e6))
def test_the_longer_timers_wait_the_more_a_run_judges(records: int, seconds: float) -> None:
    assert share_of(records, MAX_BATCH, seconds) <= share_of(records, MAX_BATCH, seconds + 1)


def test_under_any_stream_of_small_runs_a_large_herd_is_judged_within_seconds() -> None:
    runs_a_second, herd, seconds = 100, 50_000, 0
    while herd > 0:
        herd -= runs_a_second * share_of(1, MAX_BATCH, seconds)
        seconds += 1
    assert seconds < 10
