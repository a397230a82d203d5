"""The producer of a signals worker: a record is confirmed by all replicas in sync, or the process ends.

Owns the deadline of a delivery, and that nothing leaves a process whose partitions may be another's: `alive`
is asked in the instant before each request is written, so also before a repeat, and after a sleep of the
whole process. It must not know what a record means.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NoReturn, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.produce import ProduceRequest

from streams.cluster.codecs import batch_number, spare_effort
from streams.settings import Settings

BATCH_BYTES = 1_000_000
"""Size of a batch of records: just below what brokers and topics take by default (`max.message.bytes`, 1,048,588).

A batch's request waits for the one before, so a micro-batch's states had better go in few.
"""
_LOOK_SECONDS = 0.5


class EffectsError(Exception):
    """A record could not be delivered, or must not be; the process ends with the batch unacknowledged."""


class Sent(Protocol):
    """What the broker says of a delivered record, or of the first one of a batch.

    `timestamp`: of a batch, when the broker took it, in ms; -1 or None where the topic is not stamped by brokers.
    """

    offset: int
    timestamp: int | None


Outgoing = tuple[bytes, bytes | None, Sequence[tuple[str, bytes]]]
"""Key, value and headers of a record to be sent."""
Delivery = tuple[str, "asyncio.Future[Sent]"]
"""A record under way: its topic, and the confirmation that is to come."""


class _WithheldError(KafkaError):  # type: ignore[misc]
    """Stops a request in the client, which fails its batches without another try."""


class Deliveries:
    """`alive` raises `EffectsError` when nothing may be sent any more."""

    def __init__(self, settings: Settings, alive: Callable[[], None]) -> None:
        self._settings = settings
        self._alive = alive
        self._producer: Any = None

    async def start(self) -> None:
        """Connect. Raises the client's error when no broker answers."""
        settings = self._settings
        spare_effort()
        self._producer = AIOKafkaProducer(
            **settings.aiokafka_options(),
            acks="all",
            enable_idempotence=settings.idempotence,
            max_batch_size=BATCH_BYTES,
            compression_type=settings.compression_type,
            request_timeout_ms=int(settings.request_timeout_s * 1000),
        )
        self._ask_before_each_request()
        await self._producer.start()

    def _ask_before_each_request(self) -> None:
        # An idempotent client repeats a request for ever, and one that woke up sends what lay in its queue.
        client = self._producer.client
        send = client.send

        async def asked(node_id: int, request: Any, **more: Any) -> Any:
            if isinstance(request, ProduceRequest):
                await client.ready(node_id, **more)  # connecting takes time, so it comes before the question
                try:
                    self._alive()
                except EffectsError as error:
                    raise _WithheldError(str(error)) from error
            return await send(node_id, request, **more)

        client.send = asked

    async def stop(self) -> None:
        """Disconnects; repeatable. What is not confirmed is dropped: the client would go on to send it."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        sender = producer._sender  # noqa: SLF001  (no public way to close without sending)
        if sender is not None and sender.sender_task is not None:
            sender.sender_task.cancel()
            with suppress(asyncio.CancelledError):
                await sender.sender_task
        await producer.stop()

    async def metadata(self) -> Any:
        """Return the cluster as its brokers describe it now: an `aiokafka.cluster.ClusterMetadata` of all topics."""
        return await self._producer.client.fetch_all_metadata()

    def batch(self, topic: str) -> Any:
        """Return an empty batch of records for `topic`; `append(key=, value=, timestamp=None, headers=)` is None when it is full.

        It is full by what it holds, not by what is left of that when it is compressed.
        """
        # The client has one codec for all topics.
        return BatchBuilder(BATCH_BYTES, batch_number(self._settings.compression_of(topic)))

    def batches(self, topic: str, records: Iterable[Outgoing]) -> Iterator[tuple[Any, int]]:
        """Yield batches that hold the records (at least one) in order, filled when asked for, and how many each holds."""
        batch, count = self.batch(topic), 0
        for key, value, headers in records:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                yield batch, count
                batch, count = self.batch(topic), 0
                if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    raise EffectsError(
                        f"a record for {topic} is larger than a batch takes; if it is a state, lower max_facts of the policy"
                    )
            count += 1
        yield batch, count

    async def send_batch(self, batch: Any, topic: str, partition: int) -> Sent:
        """Send a batch; delivered on return."""
        delivery = await self._send_batch(batch, topic, partition)
        await self.confirmed([delivery])
        return delivery[1].result()

    async def send_all(self, topic: str, partition: int, records: Iterable[Outgoing]) -> list[Delivery]:
        """Send records (at least one) in order, in few batches; await `confirmed` before anything relies on them."""
        return [await self._send_batch(batch, topic, partition) for batch, _ in self.batches(topic, records)]

    async def _send_batch(self, batch: Any, topic: str, partition: int) -> Delivery:
        self._alive()
        batch.close()
        return topic, await self._sending(topic, self._producer.send_batch(batch, topic, partition=partition))

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        headers: Sequence[tuple[str, bytes]],
        partition: int | None,
    ) -> Delivery:
        """Send one record; await `confirmed` before anything relies on it."""
        sending = self._producer.send(topic, value, key=key, headers=headers, partition=partition)
        return topic, await self._sending(topic, sending)

    async def _sending(
        self, topic: str, sending: Awaitable["asyncio.Future[Sent]"]
    ) -> "asyncio.Future[Sent]":
        try:
            return await sending
        except KafkaError as error:
            _failed(topic, error)

    async def confirmed(self, deliveries: Sequence[Delivery]) -> None:
        """Wait until all are delivered. Raises `EffectsError` for the first that fails, and when it takes too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.delivery_timeout_s
        waiting = {future for _, future in deliveries}
        while waiting:
            done, waiting = await asyncio.wait(
                waiting, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_EXCEPTION
            )
            for topic, future in deliveries:
                if future in done and (error := future.exception()) is not None:
                    self._alive()  # says it better, where it is the reason
                    _failed(topic, error)
            if waiting:
                self._alive()
                if loop.time() > deadline:
                    topic = next(topic for topic, future in deliveries if future in waiting)
                    raise EffectsError(
                        f"a record for {topic} was not confirmed within {self._settings.delivery_timeout_s:g} s "
                        "(BEHOUDLIJN_DELIVERY_TIMEOUT_S): check that its partition has a leader and enough "
                        "replicas in sync; the batch was not acknowledged, so start the worker again and "
                        "nothing is lost"
                    )


def _failed(topic: str, error: BaseException) -> NoReturn:
    if not isinstance(error, KafkaError):
        raise error
    advice = "check the brokers, the topic and our rights on it"
    if isinstance(error, MessageSizeTooLargeError):
        advice = f"let the topic take batches of {BATCH_BYTES:,} bytes (max.message.bytes, or message.max.bytes of its brokers)"
    raise EffectsError(
        f"a record for {topic} was not delivered ({type(error).__name__}): {advice}; the batch was not acknowledged, so start "
        "the worker again and nothing is lost"
    ) from error
