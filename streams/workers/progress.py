"""How far the partitions of a signals worker have read, told to every desk each second.

Owns what "read up to" means: no record that a broker took before that time is still to be judged, by the last word of the brokers about
each topic. A desk releases and grants nothing for customers of a partition of which it has not heard for too long (decision 32). It
writes no state: of several words the latest counts.
"""

import asyncio
import time
from collections.abc import Collection, Iterable
from typing import Any, Final

import faust

from schemas import topics
from streams.core.release.encode import encode
from streams.core.release.inputs import Progress
from streams.lane.crash import crash_on_error
from streams.lane.lane import Lane
from streams.lane.micro_batch import Lag
from streams.settings import Settings
from streams.state.broker_time import BrokerTime
from streams.state.delivery import Deliveries
from streams.state.store import SignalsStore, Store
from streams.workers.fence import Fence, StaleError

_EVERY_SECONDS: Final = 1.0


def read_to(lags: Iterable[tuple[Lag, int | None]]) -> int | None:
    """Return up to when (ms) all is read, of topics with up to when (ms) the brokers' word on each log's end is whole; None where that is
    not known.
    """
    times: list[int] = []
    for lag, whole_to in lags:
        at = whole_to if lag.records == 0 else lag.oldest_at
        if at is None:
            return None
        times.append(at)
    return min(times, default=None)


class ProgressToDesks:
    """Of one worker. `desks`: the partition of each."""

    def __init__(
        self,
        app: faust.App,
        lane: Lane[Any],
        store: Store[SignalsStore],
        fence: Fence,
        deliveries: Deliveries,
        broker_time: BrokerTime,
        settings: Settings,
        desks: Collection[int],
    ) -> None:
        self._app = app
        self._lane = lane
        self._store = store
        self._fence = fence
        self._deliveries = deliveries
        self._broker_time = broker_time
        self._topic = settings.topic(topics.CANDIDATES)
        self._desks = sorted(desks)

    async def tell_forever(self) -> None:
        """Tell until the app stops; an error ends the app."""
        async with crash_on_error(self._app):
            while not self._app.should_stop:
                await asyncio.sleep(_EVERY_SECONDS)
                if self._app.consumer.flow_active and self._app.consumer.prepared:
                    await self._tell()

    async def _tell(self) -> None:
        sent = []
        for partition in self._store:
            told = self._read_to(partition.number)
            if told is None:
                continue
            try:
                self._fence.check(partition)
            except StaleError:
                return
            value = encode(Progress(partition.number, told))
            sent += [
                await self._deliveries.send(self._topic, None, value, headers=[], partition=desk)
                for desk in self._desks
            ]
        await self._deliveries.confirmed(sent)

    def _read_to(self, number: int) -> int | None:
        ends, skew, now = self._lane.ends, self._broker_time.skew, time.monotonic()
        return read_to(
            (lag, None if (at := ends.known_up_to(tp, now)) is None else at - skew)
            for tp, lag in self._lane.lag().items()
            if tp.partition == number
        )
