"""A worker with nothing but the lane, for its tests: records whose value is their event time.

As a program (`lane_app.py BOOTSTRAP GROUP TOPIC MODE`) it is a worker that prints a line for each micro-batch.
MODE `hang` never finishes the second run, `raise` fails on it, `decoder` fails while decoding.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import faust

from streams.core.records import Decoded, FetchedRecord, records_of
from streams.lane.agent import add_agent, in_turn
from streams.lane.app import METADATA_MS
from streams.lane.lane import Decode, Lane
from streams.lane.micro_batch import TP, LaneSettings, MicroBatch
from streams.lane.topic_ids import TopicIdsOfBrokers
from streams.lane.transport import install


def decode(tp: TP, fetched: Sequence[FetchedRecord]) -> list[Decoded]:
    return [
        Decoded(record, int(record.value or b"-1"), None, None, (), False)
        for record in records_of(tp.topic, tp.partition, fetched)
    ]


def build(
    bootstrap: str,
    group: str,
    topics: tuple[str, ...],
    handle: Callable[[MicroBatch], Awaitable[None]],
    *,
    decode: Decode[Decoded] = decode,
    commit_seconds: float = 0.3,
    on_assigned: Any = None,
    on_revoked: Any = None,
    on_moved: Any = None,
    **settings: Any,
) -> tuple[faust.App, Lane]:
    """The app and its lane, with time-outs that let tests see a rebalance soon."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap.replace(',', ';kafka://')}",
        datadir=tempfile.mkdtemp(prefix="behoudlijn-"),  # Faust wants one although nothing is kept there
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        broker_commit_interval=commit_seconds,
        broker_rebalance_timeout=4.0,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=0.5,
        broker_request_timeout=15.0,
        consumer_metadata_max_age_ms=METADATA_MS,
    )
    hooks = {"on_assigned": on_assigned, "on_revoked": on_revoked, "on_moved": on_moved}
    lane = install(
        app,
        LaneSettings(topics=topics, idempotent_producer=False, **settings),
        decode,
        topic_ids=TopicIdsOfBrokers({"bootstrap_servers": bootstrap.split(",")}),
        **{name: hook for name, hook in hooks.items() if hook is not None},
    )
    add_agent(app, lane, in_turn(lane, handle))
    return app, lane


@asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[faust.App]:
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def main(bootstrap: str, group: str, topic: str, mode: str) -> None:
    micro_batches = 0

    async def handle(micro_batch: MicroBatch) -> None:
        nonlocal micro_batches
        micro_batches += 1
        print(f"run {micro_batches}: {len(micro_batch.records)} records", flush=True)
        if micro_batches == 2 and mode == "hang":
            await asyncio.sleep(3600)
        if micro_batches == 2 and mode == "raise":
            raise RuntimeError("a bug in the handler")

    def broken(tp: TP, fetched: Sequence[FetchedRecord]) -> list[Decoded]:
        raise RuntimeError("a bug in the decoder")

    app, _ = build(
        bootstrap,
        group,
        (topic,),
        handle,
        decode=broken if mode == "decoder" else decode,
        max_batch=10,
        drain_seconds=2.0,
    )
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:])
