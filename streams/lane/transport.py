"""The transport of a worker: what makes a Faust app read our input topics through the lane.

Owns the wiring of app, consumer, producer and lane. Holds no logic of its own.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, ClassVar

import faust
from faust.transport.drivers import aiokafka as driver

from streams.core.merge import ItemT
from streams.lane.consumer import LaneConsumer
from streams.lane.lane import Decode, Lane
from streams.lane.log_moves import TopicIds
from streams.lane.micro_batch import Assignment, LaneSettings, Moved


class LaneProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer, idempotent: Faust is so only within transactions."""

    def _settings_extra(self) -> Mapping[str, Any]:
        extra: dict[str, Any] = {**super()._settings_extra()}
        if self.transport.lane.settings.idempotent_producer:
            extra |= {"acks": "all", "enable_idempotence": True}
        return extra


class LaneTransport(driver.Transport):  # type: ignore[misc]
    """The transport of one app, with its lane and what the app does when partitions come and go."""

    Consumer: ClassVar[Any] = LaneConsumer
    Producer: ClassVar[Any] = LaneProducer

    def __init__(
        self,
        app: faust.App,
        lane: Lane[Any],
        on_assigned: Callable[[Assignment], Awaitable[None]],
        on_revoked: Callable[[], None],
        on_committed: Callable[[], None],
        on_moved: Callable[[Moved], None],
        on_told: Callable[[Moved], None],
        on_resumed: Callable[[float], None],
        topic_ids: TopicIds,
    ) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self.lane = lane
        self._on_assigned = on_assigned
        self.on_revoked = on_revoked
        self.on_committed = on_committed
        self.on_moved = on_moved
        self.on_told = on_told
        self.on_resumed = on_resumed
        self.topic_ids = topic_ids

    async def on_assigned(self, assignment: Assignment) -> None:
        """Do what must happen before the first micro-batch of an assignment, such as the recovery of state."""
        await self._on_assigned(assignment)


async def _no_ids(_: Collection[str]) -> Mapping[str, str]:
    return {}


async def _nothing_to_prepare(_: Assignment) -> None:
    return None


def install(
    app: faust.App,
    settings: LaneSettings,
    decode: Decode[ItemT],
    *,
    on_assigned: Callable[[Assignment], Awaitable[None]] = _nothing_to_prepare,
    on_revoked: Callable[[], None] = lambda: None,
    on_committed: Callable[[], None] = lambda: None,
    on_moved: Callable[[Moved], None] = lambda _: None,
    on_told: Callable[[Moved], None] = lambda _: None,
    on_resumed: Callable[[float], None] = lambda _: None,
    topic_ids: TopicIds = _no_ids,
) -> Lane[ItemT]:
    """Install the lane's transport in `app`; call it before the first agent is declared.

    `on_assigned` is awaited before the first micro-batch of each assignment and cancelled by a rebalance; when it
    raises, the app ends. `on_revoked` is called when partitions were taken away, after the last commit;
    `on_committed` whenever the broker has confirmed a commit; `on_moved` when a log did not hold the position from which it was
    to be read on, and `on_told` once the group has the new position, so that it is counted once; `on_resumed` when partitions are
    ready after a rebalance, with the seconds for which nothing was worked on. `topic_ids` asks the brokers for the ids of topics:
    without it a topic that is made anew is known by its shorter log only.
    """
    lane = Lane(settings, decode, clock=lambda: time.monotonic_ns() // 1_000_000)
    app.transport = LaneTransport(
        app, lane, on_assigned, on_revoked, on_committed, on_moved, on_told, on_resumed, topic_ids
    )
    app.producer_transport = app.transport
    return lane
