"""The topics' own logs, read back whole but for what transactions took back: what the oracle and the verifier start from.

Owns reading. It must not interpret a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.core.records import Record
from streams.settings import Settings


async def read_logs(
    settings: Settings, names: Iterable[str], seconds: float = 300
) -> dict[str, list[Record]]:
    """Every record of the topics (plain names), each partition in offset order, up to its present end."""
    found: dict[str, list[Record]] = {name: [] for name in names}
    consumer: Any = AIOKafkaConsumer(
        **settings.aiokafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        places = [TopicPartition(settings.topic(n), p) for n in found for p in range(settings.partitions)]
        ends = await consumer.end_offsets(places)
        left = {place for place in places if ends[place] > 0}
        consumer.assign(list(left))
        for place in left:
            consumer.seek(place, 0)
        async with asyncio.timeout(seconds):
            while left:
                for place, records in (
                    await consumer.getmany(*left, timeout_ms=200, max_records=20_000)
                ).items():
                    found[settings.plain_topic(place.topic)] += [
                        Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value)
                        for r in records
                        if r.offset < ends[place]
                    ]
                left = {place for place in left if await consumer.position(place) < ends[place]}
    finally:
        await consumer.stop()
    return found
