"""Sends events into the input topics: from files, or from the simulator.

Owns keys, partitions and confirmed delivery.

Records are sent in windows; the next window begins when every record of the last one is in the broker. So
topics stay close to each other in event time, memory stays bounded, and the returned counts are of records
that Kafka has. What goes wrong raises `ReplayError`; how many records were in by then is in it. Sending again
is harmless: event ids deduplicate. It must not create topics.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas import topics
from streams.cluster import codecs
from streams.cluster.partitioning import partition_of
from streams.core.decode import AS_USUAL, Reading
from streams.files.ndjson import InputError, Line, check_line, likely_topic
from streams.settings import Settings
from streams.simulate import SimulatedRecord

WINDOW: Final = 2_000
_LINGER_MS: Final = 5
_BATCH_BYTES: Final = 131_072


class ReplayError(Exception):
    """The records could not all be sent; the message tells why, and how many were confirmed."""


class Outgoing(NamedTuple):
    """One record to send. `topic` is without the installation's prefix; `key` is None for nobody."""

    topic: str
    key: bytes | None
    routing: bytes
    """What decides the partition; never empty."""
    value: bytes


class Sent(NamedTuple):
    """What was sent and confirmed."""

    records: int
    by_topic: dict[str, int]
    invalid: int
    """Lines passed on although they are no valid events (only where that was asked for)."""


def outgoing_lines(
    lines: Iterable[Line], *, keep_invalid: bool = False, reading: Reading = AS_USUAL
) -> Iterator[tuple[Outgoing, bool]]:
    """Yield the records of NDJSON lines, each with whether it is valid.

    Raises InputError at the first line that is not; with `keep_invalid` it is passed on for the pipeline to
    refuse, to the topic that its type names, or to the calls. An objection by number is refused always: no number goes into its topic.
    """
    for line in lines:
        if likely_topic(line.data) == topics.OBJECTIONS:
            raise InputError(
                f"{line.place}: an objection by number is not sent as it is: give its file to `behoudlijn objections load`"
            )
        try:
            checked = check_line(line, reading)
        except InputError:
            if not keep_invalid:
                raise
            yield Outgoing(likely_topic(line.data), None, str(line.number).encode(), line.data), False
        else:
            yield Outgoing(checked.topic, checked.key, checked.routing, line.data), True


def outgoing_simulated(records: Iterable[SimulatedRecord]) -> Iterator[tuple[Outgoing, bool]]:
    """Yield the records of the simulator, the broken ones included."""
    for each in records:
        key = each.customer_id.encode() if each.customer_id else None
        yield Outgoing(each.topic, key, each.routing, each.value), not each.poison


async def send(
    records: Iterable[tuple[Outgoing, bool]],
    settings: Settings,
    *,
    progress: Callable[[int], None] | None = None,
) -> Sent:
    """Send the records in their order and wait for each to be in the broker.

    Kafka's timestamp is that of arrival, whatever the event time. `progress` is told the number of confirmed
    records after each window. Raises ReplayError when Kafka does not take them, and the InputError of
    `records`, the latter after all records before it have been confirmed.
    """
    if problem := codecs.problem():
        raise ReplayError(problem)
    codecs.spare_effort()
    producer = AIOKafkaProducer(
        **settings.aiokafka_options(),
        acks="all",
        enable_idempotence=settings.idempotence,
        linger_ms=_LINGER_MS,
        max_batch_size=_BATCH_BYTES,
        compression_type=settings.compression_type,
        request_timeout_ms=int(settings.request_timeout_s * 1000),
    )
    sender = _Sender(producer, settings)
    try:
        try:
            await producer.start()
            source = iter(records)
            while await sender.window(source):
                if progress is not None:
                    progress(sender.confirmed)
        finally:
            await producer.stop()
    except (KafkaError, OSError, TimeoutError) as error:
        raise ReplayError(
            f"Kafka at {settings.kafka_bootstrap} did not take the events: {error!r}; "
            f"{sender.confirmed} were confirmed. Sending all again is harmless: repeats are dropped"
        ) from error
    return Sent(sender.confirmed, dict(sender.by_topic), sender.invalid)


class _Sender:
    def __init__(self, producer: AIOKafkaProducer, settings: Settings) -> None:
        self._producer, self._settings = producer, settings
        self._partitions: dict[str, int] = {}
        self.by_topic: Counter[str] = Counter()
        self.confirmed = self.invalid = 0

    async def window(self, source: Iterator[tuple[Outgoing, bool]]) -> bool:
        """Send the next window; False when there was nothing left."""
        deliveries: list[asyncio.Future[object]] = []
        sent: Counter[str] = Counter()
        invalid = 0
        mistake: Exception | None = None
        while len(deliveries) < WINDOW:
            try:
                record, valid = next(source)
            except StopIteration:
                break
            except InputError as error:
                mistake = error
                break
            topic = self._settings.topic(record.topic)
            partition = partition_of(record.routing, await self._partitions_of(topic))
            deliveries.append(await self._producer.send(topic, record.value, record.key, partition=partition))
            sent[record.topic] += 1
            invalid += not valid
        if deliveries:
            outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
            failed = [each for each in outcomes if isinstance(each, BaseException)]
            self.confirmed += len(outcomes) - len(failed)
            if failed:
                raise failed[0]
            self.by_topic += sent
            self.invalid += invalid
        if mistake is not None:
            raise mistake
        return bool(deliveries)

    async def _partitions_of(self, topic: str) -> int:
        count = self._partitions.get(topic)
        if count is None:
            count = self._partitions[topic] = len(await self._producer.partitions_for(topic))
        return count
