"""The thread that runs the Kafka client of a worker: how it is set up, and one look into its buffer.

Owns what must happen inside that thread. `fetching` decides when to fetch and what.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from copy import copy
from typing import Any, NamedTuple

import aiokafka
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from faust.transport.drivers import aiokafka as driver

from streams.lane.fetch_waits import lengthen
from streams.lane.log_ends import LogEnd
from streams.lane.log_moves import Committed
from streams.lane.micro_batch import TP, LaneSettings

_PATIENCE_MS = 3_000
"""How long the brokers may take to say where logs end, before that is given up until the next time."""
_MOST_RECORDS = 2_000
"""Records taken in one look, at most: decoding them must not keep the event loop from answering for long."""


class Fetched(NamedTuple):
    """One look into the client's buffer: records by partition, and where each partition stands."""

    records: Mapping[TP, list[Any]]
    ends: Mapping[TP, tuple[int, int]]
    """Position and end of each partition, only where a fetch response came since the assignment."""
    logs: Mapping[TP, LogEnd]
    """Where the log of each of them ends, as that response said."""
    outside: Mapping[TP, int]
    """Partitions whose log does not hold the position of ours, given here: the broker refused to read on from there."""


class LaneConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that runs the Kafka client: its heartbeats go on while the main thread computes."""

    heartbeat_at = 0.0
    """When the last heartbeat was sent that the broker confirmed, by `time.monotonic`."""
    topic_ids: Callable[[], Mapping[TP, str]] = staticmethod(dict)
    """Of which topic each partition is read; the consumer sets it."""
    _look: "asyncio.Future[Any] | None" = None

    async def on_start(self) -> None:
        """Start the client and note its heartbeats and refusals, which it keeps to itself."""
        await super().on_start()
        self.heartbeat_at = time.monotonic()
        consumer = self._ensure_consumer()
        coordinator = consumer._coordinator  # noqa: SLF001
        heartbeat = coordinator._do_heartbeat  # noqa: SLF001

        async def noted_heartbeat() -> bool:
            sent_at = time.monotonic()
            confirmed: bool = await heartbeat()
            if confirmed:
                self.heartbeat_at = sent_at
            return confirmed

        coordinator._do_heartbeat = noted_heartbeat  # noqa: SLF001
        push_error = coordinator._push_error_to_user  # noqa: SLF001

        def ended_by(error: BaseException) -> None:
            self.app.loop.call_soon_threadsafe(lambda: self.app.add_future(self.app.crash(error)))

        def told_error(error: Exception) -> Any:
            # What an assignor raises is wrapped in an error of the client's that only shows its text.
            said = error.__cause__ if type(error) is KafkaError and error.__cause__ is not None else error
            # The client keeps it for the next fetch, which never comes while we wait for partitions: a worker that
            # may not join its group would wait for ever.
            ended_by(said)
            return push_error(said)

        coordinator._push_error_to_user = told_error  # noqa: SLF001

        def told_topics(cluster: Any) -> None:
            # The client only logs it, and takes the topic for one that does not exist: we would go on without it, as without one that
            # was deleted.
            forbidden = cluster.unauthorized_topics & set(consumer.subscription())
            if forbidden:
                ended_by(TopicAuthorizationFailedError(forbidden))

        consumer._client.cluster.add_listener(told_topics)  # noqa: SLF001
        fetcher = consumer._fetcher  # noqa: SLF001
        next_requests = fetcher._get_actions_per_node  # noqa: SLF001

        def patient_requests(assignment: Any) -> Any:
            actions = next_requests(assignment)
            lengthen(actions[0], fetcher, assignment)
            return actions

        fetcher._get_actions_per_node = patient_requests  # noqa: SLF001

    def _crash(self, reason: BaseException) -> None:
        """Crash in the thread's own loop, where its events have their waiters: mode sets them from any thread, and breaks off."""
        self.crash_reason = reason
        if threading.current_thread() is self._thread or self.thread_loop.is_closed():
            super()._crash(reason)
        else:
            self.thread_loop.call_soon_threadsafe(super()._crash, reason)

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Have the thread do something, and return what it gave. Raises what it raised.

        The client cancels its questions when it closes a connection. That reaches us as a cancellation of which nobody asked, which
        would end the worker as by a bug: it is an outage of a broker.
        """
        try:
            return await super().call_thread(fun, *args, **kwargs)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self.should_stop or task is None or task.cancelling():
                raise
            raise KafkaConnectionError("the connection was closed before a broker answered") from error

    async def stop(self) -> None:
        """Stop the thread. One that has crashed may have closed its loop already: then there is nothing to stop."""
        try:
            await super().stop()
        except RuntimeError:
            if not self.thread_loop.is_closed():
                raise

    @property
    def _read_committed(self) -> bool:
        settings: LaneSettings = self.transport.lane.settings
        return settings.read_committed

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        # Faust takes the round-robin assignor for an app without tables, which tears the topics of one
        # partition number apart, and fixes fetch_max_wait_ms at 1.5 s, which a resumed partition waits for.
        conf = self.app.conf
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # a position that is gone has to be told, and the client only goes elsewhere
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 0) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=transport.lane.settings.fetch_max_wait_ms,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            isolation_level="read_committed" if self._read_committed else "read_uncommitted",
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def fetch(self, active: frozenset[TP], wait_seconds: float, *, urgent: bool) -> Fetched:
        """Take what was fetched of the `active` partitions (not empty), waiting up to `wait_seconds`.

        `urgent`: ask the broker at once, even when other partitions have something unread.
        """
        consumer = self._ensure_consumer()
        fetching = self._fetch(consumer, active, wait_seconds, urgent)
        # Not by way of Faust's queue of calls, which makes several tasks for each.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(fetching, self.thread_loop))

    async def _fetch(
        self, consumer: aiokafka.AIOKafkaConsumer, active: frozenset[TP], wait_seconds: float, urgent: bool
    ) -> Fetched:
        if urgent:
            # For 0.1 s the client asks a broker for nothing while anything from it lies unread: a full
            # partition would hold up the one that its merge waits for.
            fetcher = consumer._fetcher  # noqa: SLF001
            for unread in fetcher._records.values():  # noqa: SLF001
                unread._backoff = 0  # noqa: SLF001
            fetcher._notify(fetcher._wait_consume_future)  # noqa: SLF001
        look = asyncio.ensure_future(
            self._fetch_records(consumer, active, timeout=wait_seconds, max_records=_MOST_RECORDS)
        )
        self._look = look
        try:
            await asyncio.wait({look})
        finally:
            self._look = None
            look.cancel()
        records: Mapping[Any, list[Any]] = {}
        outside: Mapping[Any, int] = {}
        try:
            if not look.cancelled():
                records = look.result()
        except OffsetOutOfRangeError as error:
            outside = error.args[0]
        except NoOffsetForPartitionError:
            pass  # of the moment between an assignment and its seek, which gives each partition a position
        # Without an await since the records were taken: records and positions belong together.
        ends: dict[TP, tuple[int, int]] = {}
        logs: dict[TP, LogEnd] = {}
        subscription = consumer._subscription.subscription  # noqa: SLF001  (no public way to a set of positions)
        if subscription is not None and subscription.assignment is not None:
            for partition in subscription.assignment.tps:
                state = subscription.assignment.state_value(partition)
                if state.has_valid_position and state.highwater is not None:
                    end = state.highwater
                    if self._read_committed and state.lso is not None and state.lso >= 0:
                        end = state.lso  # what lies behind it belongs to a transaction that is still open
                    ends[TP(*partition)] = (state.position, end)
                    logs[TP(*partition)] = LogEnd(state.highwater, end, state.timestamp)
        return Fetched(
            {TP(*partition): found for partition, found in records.items()},
            ends,
            logs,
            {TP(*partition): position for partition, position in outside.items()},
        )

    def interrupt(self) -> None:
        """End a `fetch` that waits, from any thread: what it may ask for has changed."""
        self.thread_loop.call_soon_threadsafe(self._interrupt)

    def _interrupt(self) -> None:
        # Safe: the client hands over records without an await in between, so a cancelled look has taken none.
        if self._look is not None:
            self._look.cancel()

    async def committed(self) -> Mapping[TP, Committed]:
        """Return what the group left of each partition that is ours."""
        found: Mapping[TP, Committed] = await self.call_thread(self._committed)
        return found

    async def _committed(self) -> Mapping[TP, Committed]:
        consumer = self._ensure_consumer()
        ours = list(consumer.assignment())
        # The client's own `committed` asks for one partition at a time, and drops what was committed with the offset.
        found = await consumer._coordinator.fetch_committed_offsets(ours)  # noqa: SLF001
        committed = {}
        for place in ours:
            offset, topic_id = found.get(place, (-1, ""))
            committed[TP(*place)] = Committed(offset, topic_id) if offset >= 0 else Committed()
        return committed

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """Commit each offset with the id of the topic that was read. False after a rebalance, which reads it again."""
        consumer = self._ensure_consumer()
        ids, ours = self.topic_ids(), consumer.assignment()
        places = {aiokafka.TopicPartition(*tp): offset for tp, offset in offsets.items()}
        wanted = {
            place: aiokafka.structs.OffsetAndMetadata(offset, ids.get(TP(*place), ""))
            for place, offset in places.items()
            if place in ours
        }
        try:
            await consumer.commit(wanted)
        except CommitFailedError as error:
            if "already rebalanced" in str(error):
                return False
            await self.crash(error)
            return False
        except Exception as error:  # noqa: BLE001  (whatever it is, the app ends with it)
            await self.crash(error)
            return False
        return True

    async def begin_at(self, positions: Mapping[TP, int]) -> None:
        """Go to these positions; the ends of the logs are unknown until they are fetched."""
        await self.call_thread(self._begin_at, positions)

    async def _begin_at(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        ours = (
            consumer.assignment()
        )  # a rebalance may just have taken some: those are sought by whoever has them now
        places = {aiokafka.TopicPartition(*tp): offset for tp, offset in positions.items() if tp in ours}
        for place in places:
            state = consumer._subscription.subscription.assignment.state_value(place)  # noqa: SLF001
            state.highwater = state.lso = None
        await self._seek_wait(consumer, places)

    async def hold(self, partitions: Iterable[TP]) -> None:
        """Fetch nothing of these until the next assignment. Their position means nothing: the client wants one."""
        await self.call_thread(self._hold, frozenset(partitions))

    async def _hold(self, partitions: frozenset[TP]) -> None:
        consumer = self._ensure_consumer()
        places = [place for place in consumer.assignment() if place in partitions]
        await self._seek_wait(consumer, dict.fromkeys(places, 0))
        consumer.pause(*places)

    async def last_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return where the log of each of `partitions` ends, by the broker's word (which is wrong on Tansu, see `cluster.reading`)."""
        asked = [aiokafka.TopicPartition(*tp) for tp in partitions]
        last = await self.highwaters(*asked) if asked else {}
        return {TP(*tp): offset for tp, offset in last.items()}

    async def log_ends(self, partitions: Iterable[TP]) -> Mapping[TP, LogEnd]:
        """Return where the log of each of `partitions` ends, and up to where it is stable, by the broker's word."""
        asked = [aiokafka.TopicPartition(*tp) for tp in partitions]
        found: Mapping[TP, LogEnd] = await self.call_thread(self._log_ends, asked)
        return found

    async def _log_ends(self, asked: list[Any]) -> Mapping[TP, LogEnd]:
        consumer = self._ensure_consumer()
        at = int(time.time() * 1000)
        reader, cluster = consumer._fetcher, consumer._client.cluster  # noqa: SLF001
        # The client would ask for none before all have a leader.
        asked = [place for place in asked if cluster.leader_for_partition(place) not in (None, -1)]
        whole: Mapping[Any, int] = {}
        if self._read_committed:
            # The client has one isolation level for all it asks; a copy of its reader asks with the other one. It asks first, so that
            # what is written in between does not look like a transaction.
            uncommitted = copy(reader)
            uncommitted._isolation_level = READ_UNCOMMITTED  # noqa: SLF001
            whole = await uncommitted.end_offsets(asked, _PATIENCE_MS)
        stable = await reader.end_offsets(asked, _PATIENCE_MS)
        return {TP(*place): LogEnd(max(end, whole.get(place, end)), end, at) for place, end in stable.items()}

    async def first_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Return the first offset that the broker still has, of each of `partitions`."""
        asked = [aiokafka.TopicPartition(*tp) for tp in partitions]
        first = await self.earliest_offsets(*asked) if asked else {}
        return {TP(*tp): offset for tp, offset in first.items()}
