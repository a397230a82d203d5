"""How far the groups have committed, looked at from outside while brokers come and go.

Owns the question and the patience with a cluster that cannot answer now. It must not commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings

_ASK_SECONDS: Final = 0.4
_PATIENCE: Final = 5.0

GROUPS: Final = {"signals": SIGNALS_GROUP, "sink": SINK_GROUP}

Offsets = Mapping[tuple[str, int], int]


class Progress:
    """Committed offsets by group (signals, sink), kept fresh by `ask_forever`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._committed: dict[str, dict[tuple[str, int], int]] = {group: {} for group in GROUPS}
        self._downwards: set[str] = set()

    def committed(self, group: str) -> Offsets:
        """By (topic with its prefix, partition)."""
        return self._committed[group]

    def by_partition(self, group: str) -> dict[int, int]:
        """Committed records by partition number, over all topics."""
        totals: dict[int, int] = {}
        for (_, partition), offset in self._committed[group].items():
            totals[partition] = totals.get(partition, 0) + offset
        return totals

    def total(self, group: str) -> int:
        """Committed records."""
        return sum(self._committed[group].values())

    def forget(self) -> None:
        """A group was reset: its offsets begin anew."""
        for offsets in self._committed.values():
            offsets.clear()

    def begins_anew(self, topic: str) -> None:
        """A topic (with its prefix) was made anew: from now on what is committed of it may go down."""
        self._downwards.add(topic)
        for offsets in self._committed.values():
            for place in [place for place in offsets if place[0] == topic]:
                del offsets[place]

    async def until_advanced(self, group: str, partitions: Iterable[int], seconds: float) -> float | None:
        """Seconds until every one of the partitions has committed more than now; None after `seconds`."""
        began, before = time.monotonic(), self.by_partition(group)
        left = set(partitions)
        while left:
            if time.monotonic() - began > seconds:
                return None
            await asyncio.sleep(0.1)
            now = self.by_partition(group)
            left = {number for number in left if now.get(number, 0) <= before.get(number, 0)}
        return time.monotonic() - began

    async def ask_forever(self) -> None:
        """Asks both groups again and again; a cluster that is away is asked later."""
        while True:
            admin: Any = AIOKafkaAdminClient(**self._settings.aiokafka_options(), request_timeout_ms=5_000)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await admin.start()
                while True:
                    for group, name in GROUPS.items():
                        async with asyncio.timeout(_PATIENCE):
                            await self._ask(admin, group, name)
                    await asyncio.sleep(_ASK_SECONDS)
            except (KafkaError, TimeoutError, OSError, AttributeError, IndexError):
                # Errors of a client between brokers, its own slips among them: a new one asks again.
                await asyncio.sleep(_ASK_SECONDS)
            finally:
                with contextlib.suppress(KafkaError, TimeoutError, OSError):
                    async with asyncio.timeout(_PATIENCE):
                        await admin.close()

    async def _ask(self, admin: Any, group: str, name: str) -> None:
        mine = self._committed[group]
        found = await admin.list_consumer_group_offsets(self._settings.topic(name))
        for place, about in found.items():
            key = (place.topic, place.partition)
            mine[key] = (
                about.offset if place.topic in self._downwards else max(about.offset, mine.get(key, 0))
            )

    async def ends(self, names: Iterable[str]) -> dict[tuple[str, int], int]:
        """The end offsets of topics (plain names), from the brokers."""
        places = [
            TopicPartition(self._settings.topic(name), number)
            for name in names
            for number in range(self._settings.partitions)
        ]
        consumer: Any = AIOKafkaConsumer(**self._settings.aiokafka_options())
        await consumer.start()
        try:
            ends = await consumer.end_offsets(places)
        finally:
            await consumer.stop()
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def until_committed(self, group: str, names: Iterable[str], seconds: float) -> dict[str, str]:
        """Waits until a group has committed everything that the topics hold; what is missing after `seconds`."""
        deadline = time.monotonic() + seconds
        names = tuple(names)
        still = 0
        while True:
            ends = await self.ends(names)
            mine = self._committed[group]
            missing = {
                f"{topic}[{number}]": f"committed {mine.get((topic, number), 0)} of {end}"
                for (topic, number), end in ends.items()
                if mine.get((topic, number), 0) < end
                or (topic in self._downwards and mine.get((topic, number), 0) > end)
            }
            # Twice: what a group writes to its own topics while it commits others comes after the ends were asked for.
            still = 0 if missing else still + 1
            if still == 2 or time.monotonic() > deadline:
                return missing
            await asyncio.sleep(0.5)
