"""How far a group has committed, seen from outside: the clock of every row that commits to Kafka stops here.

Owns the watching. It asks Kafka from the other core, twenty times a second, and trusts nothing that a program says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.settings import Settings

_POLL = 0.05


class Progress(NamedTuple):
    """The last advance that was seen: records committed, and when (seconds since the epoch)."""

    committed: int
    at: float


class Commits:
    """Watches groups of one broker; a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        self._admin: Any = None

    def __enter__(self) -> Commits:
        self._runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._admin.close())
        self._runner.close()

    def total(self, group: str, topics: Iterable[str]) -> int:
        """Records of the topics (full names) that the group has committed; 0 while there is no such group."""
        return self._runner.run(self._total(group, frozenset(topics)))

    def until(
        self,
        group: str,
        topics: Iterable[str],
        count: int,
        *,
        began: float,
        seconds: float,
        alive: Callable[[], None],
    ) -> Progress:
        """Wait until `count` are committed or `seconds` have passed since `began`; the last advance.

        `alive` raises when the measured process has ended.
        """
        names = frozenset(topics)
        last = Progress(0, began)
        while True:
            committed = self._runner.run(self._total(group, names))
            now = time.time()
            if committed > last.committed:
                last = Progress(committed, now)
            if committed >= count or (now - began > seconds and last.committed):
                return last
            if now - began > 3 * seconds + 60:
                raise TimeoutError(
                    f"the group {group} committed nothing within {now - began:.0f} s: look at the log of its row"
                )
            alive()
            time.sleep(_POLL)

    def ends(self, topics: Iterable[str]) -> int:
        """How many records the topics hold, all partitions together."""
        return self._runner.run(_ends(self._settings, list(topics)))

    async def _start(self) -> None:
        self._admin = AIOKafkaAdminClient(**self._settings.aiokafka_options())
        await self._admin.start()

    async def _total(self, group: str, topics: frozenset[str]) -> int:
        try:
            offsets = await self._admin.list_consumer_group_offsets(group)
        except KafkaError:  # the group, or its coordinator, is not there yet
            return 0
        return sum(max(0, each.offset) for tp, each in offsets.items() if tp.topic in topics)


async def _ends(settings: Settings, topics: list[str]) -> int:
    consumer = AIOKafkaConsumer(**settings.aiokafka_options())
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)]
        return sum((await consumer.end_offsets(places)).values())
    finally:
        await consumer.stop()
