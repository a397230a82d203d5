"""Lag as the metrics show it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.core.records import Decoded, FetchedRecord
from streams.lane.lane import Lane
from streams.lane.log_ends import LogEnd
from streams.lane.micro_batch import TP, LaneSettings
from streams.settings import Settings
from streams.telemetry.metrics import Metrics
from streams.workers import lag_shown
from streams.workers.lag_shown import LagShown

CALLS = TP("contact.calls", 0)


def nothing(_: TP, __: Sequence[FetchedRecord]) -> Sequence[Decoded]:
    return []


class Worker:
    """A lane with one partition, a clock, and what is shown of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.metrics = Metrics()
        self.lane: Lane[Decoded] = Lane(LaneSettings(topics=(CALLS.topic,)), nothing, lambda: 0)
        self._shown = LagShown(self.metrics, Settings())
        monkeypatch.setattr(lag_shown.time, "time", lambda: self.now)
        self.assign()

    def assign(self) -> None:
        self.lane.assign({CALLS: None}, {CALLS: 0})

    def ends(self, high_watermark: int, stable: int) -> None:
        self.lane.ends.tell({CALLS: LogEnd(high_watermark, stable, int(self.now * 1000))}, self.now)

    def shown(self, name: str) -> float | None:
        self._shown.show(self.lane)
        labels = {"topic": CALLS.topic, "partition": str(CALLS.partition)}
        return self.metrics.registry.get_sample_value(name, labels)


def test_what_waits_unread_grows_old_too(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    assert worker.shown("behoudlijn_lag_records") is None, "nobody knows yet"
    assert worker.shown("behoudlijn_lag_seconds") == 0
    worker.ends(10, 10)
    assert worker.shown("behoudlijn_lag_records") == 10
    worker.now += 90
    assert worker.shown("behoudlijn_lag_seconds") == 90
    worker.lane.fetched(CALLS, 10, 10)  # markers, or what was taken back
    assert worker.shown("behoudlijn_lag_records") == 0
    assert worker.shown("behoudlijn_lag_seconds") == 0
    worker.ends(12, 12)
    assert worker.shown("behoudlijn_lag_seconds") == 0, "these have only come"


def test_what_an_open_transaction_holds_up_is_no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.ends(10, 4)
    assert worker.shown("behoudlijn_lag_records") == 4
    assert worker.shown("behoudlijn_open_transaction_records") == 6
    worker.ends(10, 10)
    assert worker.shown("behoudlijn_lag_records") == 10
    assert worker.shown("behoudlijn_open_transaction_records") == 0
    assert worker.shown("behoudlijn_open_transaction_seconds") == 0


def test_a_partition_that_went_is_shown_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch)
    worker.ends(10, 4)
    assert worker.shown("behoudlijn_lag_records") == 4
    worker.lane.forget()
    assert worker.shown("behoudlijn_lag_records") is None
    assert worker.shown("behoudlijn_open_transaction_records") is None
