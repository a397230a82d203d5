"""The others: customers who ask for a callback while something strikes, and when each was answered by a trigger.

Owns their latencies, and what of the triggers is missing or said twice. It must not know what strikes.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.settings import Settings
from tests.chaos.report import percentile
from tests.soak.events import Sent, now_ms, request
from tests.soak.pace import send_at

_PATIENCE_MS = 120_000
"""Of the producer: longer than any outage here lasts."""


class Seen(NamedTuple):
    """What the others saw of one phase, in seconds."""

    asked: int
    p50: float
    p99: float
    most: float
    pause: float
    """The longest time without a trigger for any of them."""


class Others:
    """Requests of ever new customers on all partitions, and a listener of the triggers' topic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked: dict[str, tuple[str, float]] = {}  # phase, and when Kafka had it, by event
        self._answered: dict[str, float] = {}
        self._ids: dict[str, set[str]] = {}
        self._records: dict[tuple[str, int], bytes] = {}
        self._differ = 0
        self.repeated = 0
        """Triggers that came again, byte for byte, as they may."""
        self.expired = Counter[str]()
        """By customer, how often it was told that a trigger's time is over."""

    async def ask(self, phase: str, rate: float, seconds: float, stop: asyncio.Event | None = None) -> None:
        """Ask for so long, or until `stop`; all requests are acknowledged on return."""

        def make(number: int) -> Sent:
            name = f"{phase}-{number}"
            return request(name, name, self._settings.partitions, now_ms())

        def acknowledged(number: int, at: float) -> None:
            self._asked[f"{phase}-{number}"] = (phase, at)

        async with AIOKafkaProducer(
            **self._settings.aiokafka_options(),
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=_PATIENCE_MS,
            linger_ms=0,
        ) as producer:
            await send_at(self._settings, producer, rate, seconds, make, acknowledged, stop)

    async def listen_forever(self) -> None:
        """Read triggers as they come, from the beginning; a broker that is away is asked again later."""
        places = [
            TopicPartition(self._settings.topic(topics.TRIGGERS), n) for n in range(self._settings.partitions)
        ]
        at = dict.fromkeys(places, 0)
        while True:
            consumer: Any = AIOKafkaConsumer(
                **self._settings.aiokafka_options(), enable_auto_commit=False, fetch_max_wait_ms=50
            )
            try:
                await consumer.start()
                consumer.assign(places)
                for place, offset in at.items():
                    consumer.seek(place, offset)
                while True:
                    for place, records in (await consumer.getmany(timeout_ms=200)).items():
                        for record in records:
                            self._hear(record.value, time.monotonic())
                        at[place] = records[-1].offset + 1
            except (KafkaError, OSError):
                await asyncio.sleep(0.2)
            finally:
                await consumer.stop()

    def _hear(self, value: bytes, now: float) -> None:
        trigger = orjson.loads(value)
        identity = trigger["trigger_id"], trigger["sequence"]
        before = self._records.setdefault(identity, value)
        if before is not value:
            self.repeated += before == value
            self._differ += before != value
            return
        if trigger["status"] == "expired":
            self.expired[trigger["customer_id"]] += 1
        event = trigger["cause_event_id"]
        if event in self._asked or trigger["status"] == "open":
            self._answered.setdefault(event, now)
            self._ids.setdefault(event, set()).add(trigger["trigger_id"])

    async def until_answered(self, seconds: float) -> None:
        """Wait until everybody has a trigger, or so long."""
        deadline = time.monotonic() + seconds
        while self.lost and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    @property
    def asked(self) -> int:
        """Requests that Kafka has acknowledged."""
        return len(self._asked)

    @property
    def told(self) -> int:
        """Triggers by (id, sequence)."""
        return len(self._records)

    @property
    def lost(self) -> int:
        """Requests without a trigger."""
        return len(self._asked.keys() - self._answered.keys())

    @property
    def doubled(self) -> int:
        """Requests with two triggers, and triggers of one (id, sequence) that differ."""
        return self._differ + sum(len(ids) > 1 for event, ids in self._ids.items() if event in self._asked)

    def first_after(self, moment: float) -> float:
        """Return how long (s) after a moment (monotonic) the next of them had a trigger; infinite when none had."""
        return min((at - moment for at in self._answered.values() if at >= moment), default=inf)

    def waits(self, phase: str, on: Callable[[int], bool] = lambda _: True) -> list[float]:
        """Return the latencies (s) of a phase, on the partitions that are chosen; who waits still counts with the time so far."""
        now, partitions = time.monotonic(), self._settings.partitions
        return [
            max(0.0, self._answered.get(event, now) - at)
            for event, (of, at) in self._asked.items()
            if of == phase and on(partition_of(event.encode(), partitions))
        ]

    def seen(self, phase: str) -> Seen:
        """Return what the others of a phase saw."""
        waits = self.waits(phase)
        answers = sorted(at for event, at in self._answered.items() if event.startswith(f"{phase}-"))
        pause = max((later - sooner for sooner, later in pairwise(answers)), default=0.0)
        if not waits:
            return Seen(0, 0.0, 0.0, 0.0, 0.0)
        return Seen(len(waits), percentile(waits, 50), percentile(waits, 99), max(waits), pause)
