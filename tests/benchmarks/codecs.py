"""What each codec of the changelog costs and saves: bytes kept, processor time of a worker, seconds of a recovery.

Owns this section, which a run measures only when it is asked for (`--only codecs`).
"""

from __future__ import annotations

from typing import Any, Final

from kafka.admin import KafkaAdminClient

from schemas import topics
from streams.settings import Compression, Settings
from tests.benchmarks.bench import Bench
from tests.benchmarks.recovery import States, many
from tests.benchmarks.results import Results
from tests.benchmarks.worker_rate import work_of
from tests.benchmarks.workers import until_recovered, worker
from tests.benchmarks.workload import Event

CODECS: Final[tuple[Compression, ...]] = ("none", "lz4", "zstd", "snappy")


def measure(bench: Bench, results: Results, events: list[Event], warm: States) -> None:
    """The codecs in turn, each as often as there are rounds."""
    cold = many(warm, bench.size.recovered)
    for number in range(bench.size.rounds):
        for codec in CODECS:
            bench.say(f"codecs, round {number + 1} of {bench.size.rounds}: {codec}")
            with bench.may_fail(f"codecs, {codec}"):
                _working(bench, results, bench.prepared(events, warm, compression=codec), codec)
                _recovering(bench, results, bench.prepared([], cold, compression=codec), codec)


def _working(bench: Bench, results: Results, settings: Settings, codec: str) -> None:
    before = _kept(settings)
    work = work_of(bench, settings)
    results.add(
        f"changelog, {codec}",
        "bytes/event",
        (_kept(settings) - before) / work.events,
        "kept by the broker, outboxes too",
    )
    results.add(f"worker, {codec}", "us/event", work.processor_us, "processor time of the whole process")
    results.add(f"worker rate, {codec}", "events/s", work.rate, "")


def _recovering(bench: Bench, results: Results, settings: Settings, codec: str) -> None:
    with worker(bench, settings, "signals") as process:
        ready = until_recovered(process)
        process.stop()
    kept = _kept(settings) / max(1, ready.customers)
    results.add(
        f"recovery, {codec}",
        "s",
        ready.seconds,
        f"{ready.customers:,} customers, {kept:.0f} bytes of changelog each",
    )


def _kept(settings: Settings) -> int:
    """Bytes of the changelog's log files."""
    admin: Any = KafkaAdminClient(**settings.kafka_python_options())
    try:
        found = admin.describe_log_dirs([settings.topic(topics.CHANGELOG)])
        return sum(
            partition["partition_size"]
            for broker in found
            for directory in broker["log_dirs"]
            for topic in directory["topics"]
            for partition in topic["partitions"]
        )
    finally:
        admin.close()
