"""How far each partition is behind, as the metrics show it: records, seconds, and what an open transaction holds up.

Owns the age of what waits: of the oldest record in hand, or, while none is, since when somebody has seen records wait: in a recovery, or
where nothing can be fetched. It must not ask the brokers.
"""

import time
from typing import Any

from streams.lane.lane import Lane
from streams.lane.micro_batch import TP, Lag
from streams.settings import Settings
from streams.telemetry.metrics import Metrics


class LagShown:
    """Of one worker."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        self._metrics = metrics
        self._settings = settings
        self._unread_since: dict[TP, float] = {}

    def show(self, lane: Lane[Any]) -> None:
        """Set the lag of every partition that is ours, and no other: a lost one must not stay."""
        metrics = self._metrics
        for gauge in (
            metrics.lag_records,
            metrics.lag_seconds,
            metrics.open_transaction_records,
            metrics.open_transaction,
        ):
            gauge.clear()
        every, now = lane.lag(), time.time()
        held = {each.tp: each for each in lane.ends.held(time.monotonic())}
        ages = self._ages(every, now)
        for tp, lag in every.items():
            labels = (self._settings.plain_topic(tp.topic), str(tp.partition))
            metrics.records_lost.labels(*labels)  # from 0 on, so that an increase can be seen
            metrics.log_restarts.labels(*labels)
            if lag.records is not None:
                metrics.lag_records.labels(*labels).set(lag.records)
            metrics.lag_seconds.labels(*labels).set(ages[tp])
            behind = held.get(tp)
            metrics.open_transaction_records.labels(*labels).set(behind.records if behind else 0)
            metrics.open_transaction.labels(*labels).set(behind.seconds if behind else 0.0)

    def _ages(self, every: dict[TP, Lag], now: float) -> dict[TP, float]:
        unread = {tp: now for tp, lag in every.items() if lag.records and lag.oldest_at is None}
        self._unread_since = {tp: self._unread_since.get(tp, at) for tp, at in unread.items()}
        return {
            tp: max(
                0.0,
                now - (self._unread_since.get(tp, now) if lag.oldest_at is None else lag.oldest_at / 1000),
            )
            for tp, lag in every.items()
        }
