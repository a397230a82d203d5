"""Rows a second into the embedded ClickHouse server: the sink worker, and `client.insert` of the same rows alone."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Any

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from deploy.embedded.process import ChildProcess
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.settings import SINK_GROUP, Settings, load_settings
from tests.benchmarks import child
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Results
from tests.benchmarks.workers import alive, worker


def round_of(bench: Bench, results: Results, settings: Settings, clickhouse: EmbeddedClickHouse) -> None:
    """One round over topics that the signals worker has filled; each row writes into a database of its own."""
    names = [settings.topic(name) for name in (*topics.INPUTS, *topics.OUTPUTS)]
    count = bench.commits.ends(names)
    bench.say("insert: client.insert alone")
    given = {
        "bootstrap": bench.bootstrap,
        "prefix": settings.topic_prefix,
        "partitions": settings.partitions,
        "count": count,
        "dsn": _database(clickhouse, settings, "insert"),
        "batch": settings.sink_batch_rows,
    }
    found = child.run("insert", given, bench.log("insert"), 600)
    results.add(
        "insert",
        "rows/s",
        found["rows"] / found["seconds"],
        f"client.insert of the same {count:,} rows alone",
    )

    bench.say("sink: the sink worker")
    own: dict[str, Any] = settings.model_dump(exclude_unset=True)
    dsn = _database(clickhouse, settings, "sink")
    with_sink = load_settings(**(own | {"clickhouse_dsn": dsn, "sink_batch_s": 0.5}))
    with worker(bench, with_sink, "sink") as process:
        began = _ready(process)
        last = bench.commits.until(
            settings.topic(SINK_GROUP),
            names,
            count,
            began=began,
            seconds=bench.size.row_seconds,
            alive=lambda: alive(process),
        )
        process.kill()
    note = "behoudlijn worker sink: every input and output topic"
    results.add("sink", "rows/s", last.committed / (last.at - began), note)


def _database(clickhouse: EmbeddedClickHouse, settings: Settings, kind: str) -> str:
    name = settings.topic_prefix.rstrip(".") + kind
    dsn = clickhouse.dsn_of(name)
    store = ClickHouse(dsn)
    store.create_database()
    migrate(store)
    store.close()
    return dsn


def _ready(process: ChildProcess) -> float:
    """When the worker had its partitions: the first moment at which it can fetch."""
    health = process.wait_line(lambda line: _health(line), 120)
    process.wait_until(lambda: _answers(f"{health}/readyz"), 120)
    return time.time()


def _health(line: str) -> str | None:
    _, found, rest = line.partition('"health": "')
    return rest.partition('"')[0] if found else None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
