"""The effects of a batch: its states to the changelog, then its outputs to their topics, all awaited.

Owns the producer, the order of the effects, and what a published record looks like (key, partition,
CloudEvents headers). It must not decide anything. A failure leaves as `EffectsError`; the batch is then not
acknowledged.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NoReturn

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas import topics
from streams.changelog import PARTITION_KEY, PartitionRecord, Sending, encode_partition
from streams.core.decode import encode_dead_letter
from streams.core.records import Decoded
from streams.settings import Settings

_CHANGELOG_BYTES = 512 * 1024
"""Size of a batch of changelog records, before which a single record is always accepted."""
_MOST_KEY_BYTES = 1024
"""A dead letter keeps a longer key in its body only (cut), or it could exceed what the broker takes."""
_SOURCE = b"behoudlijn/signals"


class EffectsError(Exception):
    """A record could not be delivered, or must not be; the process ends with the batch unacknowledged."""


class FailPoint:
    """A place at which a test lets the process die as if by kill -9; nowhere unless it is named.

    The value is a name (`after_changelog`, `after_outputs`, `before_ack`), or `name:n` for the n-th passage.
    """

    def __init__(self, wanted: str = "") -> None:
        self._name, _, count = wanted.partition(":")
        self._left = int(count or 1)

    def __call__(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os._exit(137)


class Effects:
    """Publishes for the partitions of this worker. `guard` raises when they may no longer be ours."""

    def __init__(self, settings: Settings, guard: Callable[[], None]) -> None:
        self._settings = settings
        self._guard = guard
        self._changelog = settings.topic(topics.CHANGELOG)
        self._topics = {
            ("trigger", "live"): settings.topic(topics.TRIGGERS),
            ("trigger", "shadow"): settings.topic(topics.SHADOW_TRIGGERS),
            ("signals", "live"): settings.topic(topics.SIGNALS),
            ("signals", "shadow"): settings.topic(topics.SIGNALS),
        }
        self._producer: Any = None

    async def start(self) -> None:
        """Connects. Raises the client's error when no broker answers."""
        settings = self._settings
        self._producer = AIOKafkaProducer(
            **settings.aiokafka_options(),
            acks="all",
            enable_idempotence=settings.idempotence,
            max_batch_size=_CHANGELOG_BYTES,
            request_timeout_ms=int(settings.request_timeout_s * 1000),
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnects; repeatable. Nothing waits to be sent then, since every delivery was awaited."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def write_changelog(
        self, partition: int, entries: Mapping[str, bytes | None], record: PartitionRecord
    ) -> None:
        """Writes the entries (None: a tombstone), then the partition's record; durable on return."""
        items = [(customer_id.encode(), value) for customer_id, value in entries.items()]
        items.append((PARTITION_KEY, encode_partition(record)))
        builder = self._producer.create_batch()
        for key, value in items:
            if builder.append(key=key, value=value, timestamp=None) is None:
                # Each piece is awaited before the next, so that the last record never stands alone.
                await self._deliver(partition, builder)
                builder = self._producer.create_batch()
                if builder.append(key=key, value=value, timestamp=None) is None:
                    raise EffectsError(
                        "a state is larger than the changelog takes; lower max_facts of the policy"
                    )
        await self._deliver(partition, builder)

    async def _deliver(self, partition: int, builder: Any) -> None:
        self._guard()
        builder.close()
        try:
            await (await self._producer.send_batch(builder, self._changelog, partition=partition))
        except KafkaError as error:
            _failed(self._changelog, error)

    async def publish(self, partition: int, sendings: Sequence[Sending]) -> None:
        """Publishes outputs to `partition` of their topics, in order; delivered on return."""
        self._guard()
        await self._all(
            [
                self._send(
                    self._topics[sending.kind, sending.mode],
                    sending.customer_id.encode(),
                    sending.value,
                    headers=headers_of(sending),
                    partition=partition,
                )
                for sending in sendings
            ]
        )

    async def publish_dead_letters(self, rejects: Sequence[Decoded]) -> None:
        """Publishes what could not be read, under its own key; delivered on return."""
        self._guard()
        topic = self._settings.topic(topics.DEAD_LETTERS)
        sends = []
        for reject in rejects:
            record = reject.record
            key = record.key if record.key is not None and len(record.key) <= _MOST_KEY_BYTES else None
            identity = f"{record.topic}.{record.partition}.{record.offset}"
            headers = _headers(identity, "dead_letter", max(record.timestamp, 0))
            sends.append(self._send(topic, key, encode_dead_letter(reject), headers=headers, partition=None))
        await self._all(sends)

    async def _all(self, sends: Sequence[Awaitable[tuple[str, Any]]]) -> None:
        waiting = [await send for send in sends]  # one after another: this is what keeps their order
        done = await asyncio.gather(*(future for _, future in waiting), return_exceptions=True)
        for (topic, _), outcome in zip(waiting, done, strict=True):
            if isinstance(outcome, KafkaError):
                _failed(topic, outcome)
            if isinstance(outcome, BaseException):
                raise outcome

    async def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        *,
        headers: list[tuple[str, bytes]],
        partition: int | None,
    ) -> tuple[str, Any]:
        try:
            future = await self._producer.send(topic, value, key=key, headers=headers, partition=partition)
        except KafkaError as error:
            _failed(topic, error)
        return topic, future


def _failed(topic: str, error: KafkaError) -> NoReturn:
    raise EffectsError(
        f"a record for {topic} was not delivered ({type(error).__name__}): check the brokers, the topic and "
        "our rights on it; the batch was not acknowledged, so start the worker again and nothing is lost"
    ) from error


def headers_of(sending: Sending) -> list[tuple[str, bytes]]:
    """CloudEvents headers (binary mode). The same output always has the same ones."""
    if sending.kind == "trigger":
        trigger = orjson.loads(sending.value)
        return _headers(
            f"{trigger['trigger_id']}.{trigger['sequence']}", "callback_trigger", sending.caused_at
        )
    identity = blake2b(sending.value, digest_size=16).hexdigest()
    return _headers(identity, "customer_signals", sending.caused_at)


def _headers(identity: str, kind: str, at: int) -> list[tuple[str, bytes]]:
    instant = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_type", f"behoudlijn.{kind}.v1".encode()),
        ("ce_source", _SOURCE),
        ("ce_time", instant.encode()),
        ("content-type", b"application/json"),
    ]
