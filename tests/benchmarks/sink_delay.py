"""For how long rows wait for ClickHouse, beside what `sink_batch_s` says: `python -m tests.benchmarks.sink_delay`, on real Kafka.

Owns the load, so many calls a second, and the figures: quantiles of a row's delay and of a flush, by the worker's own histograms, and the
ratio of the one to what it may be, the longer of `sink_batch_s` and a flush, and a flush.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from bisect import bisect_left
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.integration.worker_events import call
from tests.integration.worker_program import Process, settings_of, until_said, worker
from tests.kafka.broker import KafkaBroker


async def feed(settings: Settings, rate: int, seconds: int) -> None:
    """Write calls, so many a second, to all partitions alike."""
    async with AIOKafkaProducer(**settings.aiokafka_options(), linger_ms=5) as producer:
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                _, event = call(f"c{sent % 5_000}", sent, sent % 10_000)
                where = {"key": event["customer_id"].encode(), "partition": sent % settings.partitions}
                await producer.send(settings.topic(topics.CALLS), json.dumps(event).encode(), **where)
                sent += 1
            await asyncio.sleep(0.01)


def quantile(process: Process, name: str, share: float) -> float:
    """The upper bound of the bucket in which this share of a histogram's observations lies."""
    page = requests.get(f"{process.health()}/metrics", timeout=10).text
    counts: dict[float, float] = {}
    for family in text_string_to_metric_families(page):
        for each in family.samples:
            if each.name == f"{name}_bucket":
                counts[float(each.labels["le"])] = counts.get(float(each.labels["le"]), 0) + each.value
    bounds = sorted(counts)
    cumulated = [counts[bound] for bound in bounds]
    return bounds[bisect_left(list(accumulate(cumulated, max)), share * cumulated[-1])]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1_500)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--batch-seconds", type=float, default=1.0)
    options = parser.parse_args()
    with (
        KafkaBroker() as cluster,
        TemporaryDirectory() as directory,
        EmbeddedClickHouse(path=Path(directory, "data"), arguments=["--exit-with-parent"]) as server,
    ):
        store = ClickHouse(server.dsn)
        migrate(store)
        store.close()
        settings = settings_of(
            cluster,
            "delay",
            partitions=options.partitions,
            clickhouse_dsn=server.dsn,
            sink_batch_s=options.batch_seconds,
        )
        ensure(settings)
        with worker(settings, "sink") as process:
            asyncio.run(until_said(process, "worker starts"))
            time.sleep(5)
            asyncio.run(feed(settings, options.rate, options.seconds))
            for share in (0.5, 0.9, 0.99):
                delay = quantile(process, "behoudlijn_sink_delay_seconds", share)
                try:
                    flush = quantile(process, "behoudlijn_sink_flush_seconds", share)
                except (IndexError, ValueError):
                    flush = float("nan")
                may = max(options.batch_seconds, flush) + flush
                print(
                    f"p{share * 100:.0f}: a flush's oldest row waits {delay:g} s, a flush takes {flush:g} s, ratio {delay / may:.2f}",
                    flush=True,
                )
            process.stop()


if __name__ == "__main__":
    main()
