"""The feeder: sends windows live while faults happen, patiently, and remembers what the brokers acknowledged.

Owns pace, patience and the record of acknowledgements. A window that failed is sent again whole: what had arrived of it
becomes duplicates by event id, as with any producer that retries above Kafka. Each window comes in the next codec, and some by
way of transactions. It must not decide what is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from random import Random
from typing import Any, Final, NamedTuple, get_args
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.settings import Compression, Settings
from tests.chaos.events import Feed, Sent, Window
from tests.chaos.history import History
from tests.chaos.transactions import Transactions

_PATIENCE_MS: Final = 90_000
_TRICKLE: Final = 5
"""How many times slower it feeds while `trickle` is set, and what is beyond the wanted number: on a slow machine the faults
take longer, and every partition has to be kept going meanwhile."""
_TRANSACTIONAL: Final = 0.25
"""Of so many windows the records go through transactions."""
_LEFT_OPEN: Final = 0.1
"""With so many windows a transaction is begun that stands open for a while."""


class Acknowledged(NamedTuple):
    """A record that the brokers have confirmed. `topic` without prefix, of which `life`; `crc` of its value."""

    topic: str
    partition: int
    offset: int
    crc: int
    life: int = 0


class Feeder:
    """Feeds until told to finish. `events` counts what was acknowledged, heartbeats not counted."""

    def __init__(
        self, settings: Settings, feed: Feed, events_per_second: float, history: History, seed: int
    ) -> None:
        self._settings = settings
        self._feed = feed
        self._history = history
        self._pace = events_per_second
        self._random = Random(f"feeder/{seed}")
        self.transactions = Transactions(settings, feed, self._random)
        self._turn = asyncio.Lock()
        self._codecs = cycle(get_args(Compression))
        self._producers: dict[str, Any] = {}
        self.acknowledged: list[Acknowledged] = []
        self.events = 0
        self.trickle = False
        self.windows: Counter[str] = Counter()
        """Those that were sent, by codec and road."""
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
                async with self._turn:
                    sent = await self._send_patiently(next(windows))
                paced += sent * (_TRICKLE if self.trickle or self.events >= at_least else 1)
                ahead = began + paced / self._pace - time.monotonic()
                if ahead < -5:
                    began -= ahead  # an outage is not made up for by a flood
                elif ahead > 0:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(hurry.wait(), ahead)
            async with self.held():
                await self._send_patiently(self._feed.closing())
        finally:
            await self._disconnect()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Inside it nothing is sent, no transaction is open, and nobody is connected."""
        async with self._turn:
            while True:
                try:
                    await self.transactions.take_back(now=True)
                    break
                except (KafkaError, TimeoutError):
                    await asyncio.sleep(1)
            await self._disconnect()
            yield

    async def raise_barrier(self, name: str) -> None:
        """Sends what lets the last records of a topic go; call it while the feeder is held."""
        await self._send_patiently(self._feed.barrier(name))
        await self._disconnect()

    async def _send_patiently(self, window: Window) -> int:
        while True:
            codec = next(self._codecs)
            try:
                done = await self._send_window(codec, window)
                break
            except (KafkaError, TimeoutError):
                self.windows_sent_again += 1
                await self._disconnect()
                await asyncio.sleep(1)
        self.acknowledged += done
        self.events += sum(sent.kind != "heartbeat" for sent in window.records)
        return len(window.records)

    async def _send_window(self, codec: str, window: Window) -> list[Acknowledged]:
        regular = window.number >= 0
        await self.transactions.take_back()
        if regular and self._random.random() < _LEFT_OPEN:
            await self.transactions.leave_open(codec)
        transactional = regular and self._random.random() < _TRANSACTIONAL
        if transactional:
            outcomes = await self.transactions.send(window.records, codec)
        else:
            outcomes = await self._send(await self._connected(codec), window)
        self.windows[f"{codec}, in transactions" if transactional else codec] += 1
        return [
            self._acknowledged(sent, outcome) for sent, outcome in zip(window.records, outcomes, strict=True)
        ]

    async def _send(self, producer: Any, window: Window) -> list[Any]:
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
        return outcomes

    def _acknowledged(self, sent: Sent, outcome: Any) -> Acknowledged:
        life = self._history.life(sent.topic)
        return Acknowledged(sent.topic, sent.partition, outcome.offset, crc32(sent.value), life)

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
        await self.transactions.drop()
        producers, self._producers = self._producers, {}
        for producer in producers.values():
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), 10)
