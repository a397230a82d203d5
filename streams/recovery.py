"""Recovery: a partition's store, read back from its changelog, and the outputs that may not have been sent.

Owns reading the changelog. It must not write or send anything: `worker` sends what `unsent` holds before the
first batch. The end of the changelog is taken from fetch responses, since some brokers answer wrongly when
they are asked for it (Tansu, after a batch of several records).
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.changelog import (
    PARTITION_KEY,
    Sending,
    decode_entry,
    decode_outbox,
    decode_partition,
)
from streams.store import PartitionStore

log = structlog.get_logger(__name__)

_SILENT_SECONDS = 60.0
"""A recovery that reads nothing for this long is given up: the worker ends and is started again."""
_TAKE = 5_000


class RecoveryError(Exception):
    """The changelog could not be read to its end; the worker must not process without its states."""


@dataclass(slots=True)
class Recovered:
    """A partition as its changelog tells. `unsent`: the outputs of its highest batch.

    The outputs of a batch are delivered before the next batch is begun, so those of earlier batches are out.
    """

    store: PartitionStore
    unsent: list[Sending] = field(default_factory=list)


class Reading:
    """One partition while its changelog is read; records come in offset order."""

    def __init__(self, number: int) -> None:
        self._store = PartitionStore(number)
        self._outboxes: dict[str, bytes] = {}

    def add(self, key: bytes, value: bytes | None) -> None:
        """Takes one record. Raises `ChangelogError` when its value cannot be read."""
        store = self._store
        if key == PARTITION_KEY:
            if value is not None:
                record = decode_partition(value)
                self._seen(record.batch)
                store.clock.now = record.clock
                store.policy = record.policy
            return
        customer_id = key.decode()
        self._outboxes.pop(customer_id, None)
        store.departed.discard(customer_id)
        if value is None:
            store.states.pop(customer_id, None)
            return
        batch, state, outbox = decode_entry(value)
        self._seen(batch)
        if outbox and batch == store.batch:
            self._outboxes[customer_id] = outbox
        if state:
            store.states[customer_id] = state
        else:
            store.states.pop(customer_id, None)
            store.departed.add(customer_id)

    def _seen(self, batch: int) -> None:
        # A batch that was written in part counts too: its customers' outputs may already be out.
        if batch > self._store.batch:
            self._store.batch = batch
            self._outboxes.clear()

    def finish(self) -> Recovered:
        """The partition, with its timers set."""
        store = self._store
        store.restore(store.clock.now)
        unsent = [
            sending
            for customer_id, outbox in self._outboxes.items()
            for sending in decode_outbox(customer_id, outbox)
        ]
        return Recovered(store, unsent)


async def recover(topic: str, partitions: Iterable[int], options: Mapping[str, Any]) -> list[Recovered]:
    """Reads the changelog `topic` of `partitions` from its first record to its end.

    `options`: address and security of an aiokafka client. Raises `RecoveryError` when nothing arrives for a
    minute, `ChangelogError` for values that cannot be read, and the client's errors.
    """
    readings = {TopicPartition(topic, number): Reading(number) for number in partitions}
    if not readings:
        return []
    consumer = AIOKafkaConsumer(
        **options,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        consumer.assign(list(readings))
        for partition in readings:
            consumer.seek(partition, 0)  # out of range, when the beginning was removed, leads to the earliest
        await _read(consumer, readings)
    finally:
        await consumer.stop()
    return [reading.finish() for reading in readings.values()]


async def _read(consumer: Any, readings: Mapping[TopicPartition, Reading]) -> None:
    loop = asyncio.get_running_loop()
    left, heard = set(readings), loop.time()
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=200, max_records=_TAKE)
        for partition, records in fetched.items():
            reading = readings[partition]
            for record in records:
                if record.key is not None:
                    reading.add(record.key, record.value)
            heard = loop.time()
        for partition in list(left):
            end = consumer.highwater(partition)
            if end is not None and await consumer.position(partition) >= end:
                left.discard(partition)
                consumer.pause(partition)
        await asyncio.sleep(0)
        if left and loop.time() - heard > _SILENT_SECONDS:
            numbers = ", ".join(str(partition.partition) for partition in sorted(left))
            raise RecoveryError(
                f"nothing was read from the changelog's partitions {numbers} for {_SILENT_SECONDS:.0f} s: "
                "check that the topic exists and has a leader, then start the worker again"
            )
