"""The feeder: sends windows live while faults happen, patiently, and remembers what the brokers acknowledged.

Owns pace, patience and the record of acknowledgements. A window that failed is sent again whole: what had arrived of it
becomes duplicates by event id, as with any producer that retries above Kafka. It must not decide what is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final, NamedTuple, get_args
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.settings import Compression, Settings
from tests.chaos.events import Feed, Sent, Window

_PATIENCE_MS: Final = 90_000
_TRICKLE: Final = 5
"""How many times slower it feeds while `trickle` is set, and what is beyond the wanted number: on a slow machine the faults
take longer, and every partition has to be kept going meanwhile."""


class Acknowledged(NamedTuple):
    """A record that the brokers have confirmed. `topic` without prefix; `crc` of its value."""

    topic: str
    partition: int
    offset: int
    crc: int


class Feeder:
    """Feeds until told to finish. `events` counts what was acknowledged, heartbeats not counted."""

    def __init__(self, settings: Settings, feed: Feed, events_per_second: float) -> None:
        self._settings = settings
        self._feed = feed
        self._pace = events_per_second
        self._codecs = cycle(get_args(Compression))
        self._producers: dict[str, Any] = {}
        self.acknowledged: list[Acknowledged] = []
        self.events = 0
        self.trickle = False
        self.windows_sent_again = 0

    @property
    def planted(self) -> Counter[str]:
        """What was fed, by kind."""
        return self._feed.planted

    async def feed(self, at_least: int, hurry: asyncio.Event) -> None:
        """Sends at its pace until `hurry` is set, then as fast as it can up to `at_least` events."""
        began, paced = time.monotonic(), 0
        windows: Iterator[Window] = self._feed.windows()
        try:
            while not (hurry.is_set() and self.events >= at_least):
                sent = await self._send_patiently(next(windows))
                paced += sent * (_TRICKLE if self.trickle or self.events >= at_least else 1)
                ahead = began + paced / self._pace - time.monotonic()
                if ahead < -5:
                    began -= ahead  # an outage is not made up for by a flood
                elif ahead > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(hurry.wait(), ahead)
            await self._send_patiently(self._feed.closing())
        finally:
            await self._disconnect()

    async def _send_patiently(self, window: Window) -> int:
        while True:
            try:
                done = await self._send(await self._connected(next(self._codecs)), window)
                break
            except KafkaError:
                self.windows_sent_again += 1
                await self._disconnect()
                await asyncio.sleep(1)
        self.acknowledged += done
        self.events += sum(sent.kind != "heartbeat" for sent in window.records)
        return len(window.records)

    async def _send(self, producer: Any, window: Window) -> list[Acknowledged]:
        topic = self._settings.topic
        waiting = [
            await producer.send(topic(sent.topic), sent.value, key=sent.key, partition=sent.partition)
            for sent in window.records
        ]
        # Every one is heard, so that none of them fails unheard later.
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [_acknowledged(sent, outcome) for sent, outcome in zip(window.records, outcomes, strict=True)]

    async def _connected(self, codec: str) -> Any:
        """The producer of a codec: each window comes in the next one, as from many producers."""
        if codec not in self._producers:
            producer = AIOKafkaProducer(
                **self._settings.aiokafka_options(),
                acks="all",
                enable_idempotence=True,
                compression_type=None if codec == "none" else codec,
                request_timeout_ms=_PATIENCE_MS,
                linger_ms=2,
            )
            await producer.start()
            self._producers[codec] = producer
        return self._producers[codec]

    async def _disconnect(self) -> None:
        producers, self._producers = self._producers, {}
        for producer in producers.values():
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), 10)


def _acknowledged(sent: Sent, outcome: Any) -> Acknowledged:
    return Acknowledged(sent.topic, sent.partition, outcome.offset, crc32(sent.value))
