"""`python -m tests.chaos.open_transaction BOOTSTRAP ID RECORDS`: a producer that begins a transaction and never ends it.

Owns nothing but that transaction: it says "open" when the brokers have all of it, and waits to be killed. RECORDS is a file of
lines [topic, partition, key, value].
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

TIMEOUT_MS: Final = 8_000
"""After which the brokers take the transaction back."""


async def main(bootstrap: str, name: str, records: list[str]) -> None:
    """Never returns."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=name, transaction_timeout_ms=TIMEOUT_MS
    )
    await producer.start()
    await producer.begin_transaction()
    waiting = []
    for topic, partition, key, value in map(json.loads, records):
        waiting.append(await producer.send(topic, value.encode(), key=key.encode(), partition=partition))
    await asyncio.gather(*waiting)
    print("open", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_text().splitlines()))
