"""The watchdog, as timelines: ends and commits of a partition, looked at once a minute; five minutes are a stall."""

from __future__ import annotations

from streams.lane.micro_batch import TP
from streams.lane.watchdog import Watchdog

CALLS = TP("contact.calls", 3)
SURVEYS = TP("contact.surveys", 3)
MINUTE = 60.0


class Watch:
    """One partition under a watchdog; `look` is a minute later each time."""

    def __init__(self) -> None:
        self.dog = Watchdog(5 * MINUTE)
        self.now = 0.0

    def look(self, end: int, committed: int | None, *, behind: bool = False) -> bool:
        self.now += MINUTE
        return bool(self.dog.look(self.now, {CALLS: end}, {CALLS: committed}, {CALLS} if behind else set()))


def test_commits_that_follow_are_no_stall() -> None:
    watch = Watch()
    assert not any(watch.look(n * 100, (n - 1) * 100) for n in range(1, 60))


def test_an_idle_partition_is_no_stall_and_its_next_record_has_its_time() -> None:
    watch = Watch()
    assert not any(watch.look(100, 100) for _ in range(60))
    assert [watch.look(101, 100) for _ in range(6)] == [False] * 5 + [True]


def test_an_end_that_advances_without_commits_is_a_stall() -> None:
    watch = Watch()
    watch.look(100, 100)
    assert [watch.look(100 + n, 100) for n in range(1, 7)] == [False] * 5 + [True]


def test_every_commit_gives_new_time() -> None:
    watch = Watch()
    watch.look(100, 100)
    for n in range(4):
        assert not watch.look(200 + n, 100)
    assert not any(watch.look(300 + n, 101) for n in range(5))


def test_a_backlog_that_nobody_works_on_is_a_stall_though_nothing_comes() -> None:
    watch = Watch()
    assert [watch.look(100, 40, behind=True) for _ in range(6)] == [False] * 5 + [True]


def test_transaction_markers_behind_the_last_record_are_none() -> None:
    watch = Watch()
    assert not any(watch.look(100, 97) for _ in range(60))


def test_nothing_committed_yet_counts_as_a_commit_that_stands() -> None:
    watch = Watch()
    assert [watch.look(n, None) for n in range(1, 8)] == [False] * 6 + [True]


def test_one_partition_stalls_while_another_goes_on() -> None:
    dog = Watchdog(5 * MINUTE)
    found = [
        dog.look(n * MINUTE, {CALLS: n, SURVEYS: n}, {CALLS: 0, SURVEYS: n - 1}, set()) for n in range(8)
    ]
    assert found[5] == []
    assert found[7] == [CALLS]


def test_a_partition_that_went_and_came_back_begins_anew() -> None:
    watch = Watch()
    for _ in range(4):
        watch.look(100, 40, behind=True)
    watch.dog.look(watch.now, {}, {}, set())
    assert not any(watch.look(100, 40, behind=True) for _ in range(5))
