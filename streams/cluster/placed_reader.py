"""A consumer of aiokafka outside of any group, placed at offsets: for whoever looks at logs beside the workers' own reading.

Owns how it is set up, and that it is closed. What is read, and up to where, is the caller's (`reading.read_to_ends`).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


@asynccontextmanager
async def reading_from(
    options: Mapping[str, Any], positions: Mapping[TopicPartition, int], *, committed: bool = False
) -> AsyncIterator[Any]:
    """Provide a consumer that reads these partitions from these offsets on; one that is gone leads to the earliest there is.

    `options`: address and security of an aiokafka client. `committed`: leave out what transactions took back, and what is still open.
    Raises the client's errors.
    """
    consumer = AIOKafkaConsumer(
        **options,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed else "read_uncommitted",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        consumer.assign(list(positions))
        for place, offset in positions.items():
            consumer.seek(place, offset)
        yield consumer
    finally:
        await consumer.stop()
