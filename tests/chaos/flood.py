"""A flood of the costliest events on one partition and a trickle on the others, with the moments at which the trickle was acknowledged.

Owns what is sent and how fast. It must not look at the worker.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.settings import Settings

HOT: Final = 0
"""The partition that is flooded."""
_HOT_CUSTOMER_EVERY: Final = 2
"""Every second event is one customer's, who soon has as many facts as are kept."""
_SLICE_SECONDS: Final = 0.1
_BATCH_BYTES: Final = 512 * 1024


class Flood:
    """`events_per_second` to partition `HOT` of the calls; `trickle_per_second` to each other one."""

    def __init__(self, settings: Settings, events_per_second: int, trickle_per_second: int) -> None:
        self._settings = settings
        self._topic = settings.topic(topics.CALLS)
        self._rate = events_per_second
        self._trickle_rate = trickle_per_second
        self._numbers = count()
        self._customers = {
            number: _customers(number, settings.partitions) for number in range(settings.partitions)
        }
        self.sent = 0
        self.sent_bytes = 0
        self.trickled: list[tuple[int, int, float]] = []
        """Partition, offset and moment (monotonic, s) of each acknowledged record of the trickle."""

    async def pour(self, seconds: float) -> None:
        """Both, for so long."""
        async with AIOKafkaProducer(
            **self._settings.aiokafka_options(), acks="all", max_batch_size=_BATCH_BYTES, linger_ms=5
        ) as producer:
            await asyncio.gather(self._flood(producer, seconds), self._trickle(producer, seconds))

    async def _flood(self, producer: Any, seconds: float) -> None:
        began = time.monotonic()
        wanted = int(self._rate * seconds)
        while self.sent < wanted and time.monotonic() - began < 2 * seconds:
            target = min(wanted, int(self._rate * (time.monotonic() - began + _SLICE_SECONDS)))
            while self.sent < target:
                await self._batch(producer, target - self.sent)
            ahead = self.sent / self._rate - (time.monotonic() - began)
            await asyncio.sleep(max(0.0, ahead))

    async def _batch(self, producer: Any, most: int) -> None:
        builder, at, until = producer.create_batch(), _now(), self.sent + most
        while self.sent < until:
            key = self._hot_key()
            value = _costly(key, next(self._numbers), at)
            if builder.append(key=key, value=value, timestamp=None) is None:
                break
            self.sent += 1
            self.sent_bytes += len(value)
        builder.close()
        await (await producer.send_batch(builder, self._topic, partition=HOT))

    def _hot_key(self) -> bytes:
        keys = self._customers[HOT]
        if self.sent % _HOT_CUSTOMER_EVERY == 0:
            return keys[0]
        return keys[self.sent % len(keys)]

    async def _trickle(self, producer: Any, seconds: float) -> None:
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            waiting = []
            for number, keys in self._customers.items():
                if number != HOT:
                    key = keys[next(self._numbers) % len(keys)]
                    value = _call(key, next(self._numbers), _now())
                    waiting.append(await producer.send(self._topic, value, key=key, partition=number))
            for outcome in await asyncio.gather(*waiting):
                self.trickled.append((outcome.partition, outcome.offset, time.monotonic()))
            await asyncio.sleep(1 / self._trickle_rate)

    def hot_customer(self) -> str:
        """The customer of whom half of the flood is."""
        return self._customers[HOT][0].decode()


def _customers(number: int, partitions: int) -> list[bytes]:
    """20,000 ids, whichever of them belong to the partition."""
    keys = (f"c-{n:06d}".encode() for n in range(20_000 * partitions))
    return [key for key in keys if partition_of(key, partitions) == number]


def _now() -> bytes:
    return datetime.now(UTC).isoformat(timespec="milliseconds").encode()


_CHANNELS: Final = (b"phone", b"chat", b"web")
_REASONS: Final = (b"complaint", b"fault", b"billing", b"outage")


def _costly(customer: bytes, number: int, at: bytes) -> bytes:
    """Such that it may raise the score by every signal of contacts: it is judged, and not only taken in."""
    return (
        b'{"type":"call","schema_version":1,"event_id":"f-%d","customer_id":"%b","occurred_at":"%b",'
        b'"channel":"%b","queue":"general","reason":"%b","wait_seconds":%d,"talk_seconds":200,"transfers":%d,'
        b'"ivr_steps":%d,"resolved":false,"abandoned":%b,"cancel_intent":%b}'
        % (
            number,
            customer,
            at,
            _CHANNELS[number % 3],
            _REASONS[number % 4],
            number % 900,
            number % 3,
            number % 9,
            b"true" if number % 5 == 0 else b"false",
            b"true" if number % 11 == 0 else b"false",
        )
    )


def _call(customer: bytes, number: int, at: bytes) -> bytes:
    return (
        b'{"type":"call","schema_version":1,"event_id":"f-%d","customer_id":"%b","occurred_at":"%b",'
        b'"channel":"phone","queue":"general","reason":"question","wait_seconds":40,"talk_seconds":200,'
        b'"ivr_steps":2,"resolved":true,"department":"customer service"}' % (number, customer, at)
    )
