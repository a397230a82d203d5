"""Rows into ClickHouse and nothing else: `client.insert` of the rows that the sink worker makes of the same topics."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.rows import row_of_event, row_of_output
from sinks.clickhouse.tables import COLUMNS
from sinks.contract import Row
from streams.core.decode import decode
from streams.core.records import Record
from streams.workers.interpreter import tune
from tests.benchmarks.say import arguments, say


async def _records(given: dict[str, Any]) -> list[Record]:
    found: list[Record] = []
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=given["bootstrap"], enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        names = (*topics.INPUTS, *topics.OUTPUTS)
        consumer.assign(
            [TopicPartition(given["prefix"] + name, n) for name in names for n in range(given["partitions"])]
        )
        while len(found) < given["count"]:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                name = place.topic.removeprefix(given["prefix"])
                found += [
                    Record(name, place.partition, r.offset, r.timestamp, r.key, r.value) for r in records
                ]
        return found
    finally:
        await consumer.stop()


def _row(record: Record) -> Row | None:
    if record.topic in topics.OUTPUTS:
        return row_of_output(record.value, record)
    event = decode(record).event
    return None if event is None else row_of_event(event, record)


def _insert(given: dict[str, Any], records: list[Record]) -> tuple[int, float]:
    tables: dict[str, list[tuple[object, ...]]] = {}
    for record in records:
        row = _row(record)
        if row is not None:
            tables.setdefault(row.table, []).append(row.values)
    client, size = ClickHouse(given["dsn"]), given["batch"]
    types = {table: client.column_types(table, COLUMNS[table]) for table in tables}
    records.clear()
    tune()
    began = time.perf_counter()
    for table, rows in tables.items():
        for start in range(0, len(rows), size):
            client.insert(table, COLUMNS[table], rows[start : start + size], types=types[table])
    seconds = time.perf_counter() - began
    client.close()
    return sum(map(len, tables.values())), seconds


if __name__ == "__main__":
    given = arguments()
    rows, seconds = _insert(given, asyncio.run(_records(given)))
    say("result", rows=rows, seconds=seconds)
