"""The stage of one scenario: a broker, topics of its own, workers that are kept running, and the others. Owns their lives."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.chaos.fleet import Fleet
from tests.chaos.progress import Progress
from tests.kafka.broker import KafkaBroker
from tests.soak.others import Others

PARTITIONS = 4
READY_SECONDS = 180.0


@dataclass(slots=True)
class Stage:
    """What a scenario strikes. `seconds`: how long it does so."""

    seconds: float
    broker: KafkaBroker
    settings: Settings
    others: Others
    signals: Fleet
    sink: Fleet | None
    store: EmbeddedClickHouse | None
    store_path: Path
    progress: Progress
    say: Callable[[str], None]
    notes: list[str] = field(default_factory=list)
    """What the table says of the run besides figures."""
    lost: int = 0
    doubled: int = 0
    """Of what the scenario itself sent."""

    async def until_ready(self, workers: int) -> None:
        """Wait until so many signals workers say that they are."""
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while await self._ready(session) < workers:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no {workers} workers were ready within {READY_SECONDS:g} s")
                await asyncio.sleep(0.1)

    async def _ready(self, session: aiohttp.ClientSession) -> int:
        count = 0
        for life in list(self.signals.now.values()):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with session.get(f"http://127.0.0.1:{life.port}/readyz") as response:
                    count += response.status == 200
        return count

    async def until_read(self, seconds: float) -> int:
        """Wait until the signals workers have committed all that the inputs hold now; how many partitions of topics lack after `seconds`."""
        ends, deadline = await self.progress.ends(topics.INPUTS), time.monotonic() + seconds
        while True:
            done = self.progress.committed("signals")
            left = sum(done.get(place, 0) < end for place, end in ends.items())
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(0.2)

    def resident(self) -> float:
        """MiB of all signals workers now."""
        return sum(_resident(life.child.pid) for life in self.signals.now.values())


@asynccontextmanager
async def staged(
    name: str,
    seconds: float,
    directory: Path,
    say: Callable[[str], None],
    *,
    workers: int,
    with_store: bool,
    prepare: Callable[[Settings], Any],
    **more: Any,
) -> AsyncIterator[Stage]:
    """Set everything up, `prepare` called before the workers start; all is ended when the block is left."""
    with KafkaBroker() as broker:
        store = (
            EmbeddedClickHouse(path=directory / "data", log=directory / "store.log") if with_store else None
        )
        if store is not None:
            (directory / "data").mkdir(parents=True)
            await asyncio.to_thread(store.start, READY_SECONDS)
            more["clickhouse_dsn"] = SecretStr(store.dsn_of("behoudlijn"))
            await asyncio.to_thread(_migrated, store)
        settings = Settings(
            kafka_bootstrap=broker.bootstrap,
            topic_prefix=f"{name}.",
            partitions=PARTITIONS,
            mode="live",
            metrics_port=0,
            **more,
        )
        await asyncio.to_thread(ensure, settings)
        await prepare(settings)
        signals = Fleet("signals", settings, directory)
        sink = Fleet("sink", settings, directory) if with_store else None
        others, progress = Others(settings), Progress(settings)
        stage = Stage(
            seconds, broker, settings, others, signals, sink, store, directory / "data", progress, say
        )
        tasks = [asyncio.create_task(others.listen_forever()), asyncio.create_task(progress.ask_forever())]
        try:
            for fleet, count in ((signals, workers), (sink, 1)):
                if fleet is not None:
                    await fleet.scale(count)
            await stage.until_ready(workers)
            yield stage
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for fleet in (signals, sink):
                if fleet is not None:
                    await fleet.kill()
            if stage.store is not None:
                await asyncio.to_thread(stage.store.child.kill)


def _migrated(server: EmbeddedClickHouse) -> None:
    store = ClickHouse(server.dsn_of("behoudlijn"), timeout=120)
    try:
        store.create_database()
        migrate(store)
    finally:
        store.close()


def _resident(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
