"""The stage of one run: topics and tables of its own, fleets, feeder and faults, and the phases that both runs share.

Owns what must be started and ended together. What is compared afterwards is the runs' own business.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
from pydantic import SecretStr

from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.chaos.broker_faults import BrokerFaults
from tests.chaos.cluster import Cluster, Store
from tests.chaos.drain import READ_BY, ends, false_alarms, lag, losses
from tests.chaos.events import ERASURE, Feed
from tests.chaos.faults import Faults
from tests.chaos.feeder import Feeder
from tests.chaos.fleet import Fleet
from tests.chaos.history import History
from tests.chaos.log_faults import LogFaults
from tests.chaos.profile import Profile
from tests.chaos.progress import Progress
from tests.chaos.recovery import Recovery
from tests.chaos.report import Report
from tests.chaos.schedule import schedule
from tests.chaos.store_faults import StoreFaults
from tests.chaos.worker_faults import WorkerFaults

Say = Callable[[str], None]

_DRAIN_SECONDS: Final = 300.0


class Stage:
    """One run's own topics, tables and processes. Build it with `staged`."""

    def __init__(
        self,
        profile: Profile,
        seed: int,
        cluster: Cluster,
        store: Store,
        directory: Path,
        say: Say,
        **more: Any,
    ) -> None:
        """`more`: settings that differ from those below."""
        self.profile = profile
        self.cluster = cluster
        self.store = store
        self.say = say
        self.database = profile.name.replace("-", "_")
        self.settings = settings_of(profile, cluster, store, self.database, **more)
        self.progress = Progress(self.settings)
        self.report = Report(profile.name, seed)
        self.feed = Feed(
            seed,
            partitions=profile.partitions,
            events=profile.events,
            days=profile.days,
            now=time.time_ns() // 1_000_000,
            late=bool(more.get("merge_idle_ms") == 0),
            misroute=profile.misroute,
        )
        self.history = History()
        self.feeder = Feeder(self.settings, self.feed, profile.events_per_second, self.history, seed)
        self.fleets: dict[str, Fleet] = {}
        self._directory = directory
        self._tasks: list[asyncio.Task[None]] = []

    def fleet(self, group: str, *options: str) -> Fleet:
        """Adds a group of workers."""
        directory = self._directory / self.profile.name
        directory.mkdir(parents=True, exist_ok=True)
        self.fleets[group] = Fleet(group, self.settings, directory, options)
        return self.fleets[group]

    async def prepare(self) -> None:
        """Topics and tables."""
        await asyncio.to_thread(ensure, self.settings)
        await asyncio.to_thread(self._migrate)

    def _migrate(self) -> None:
        store = ClickHouse(self.store.direct(self.database))
        store.create_database()
        migrate(store)
        store.close()

    async def start_workers(self) -> None:
        """Every fleet at its size; they are looked at from now on."""
        sizes = {"signals": self.profile.signals_workers, "sink": self.profile.sink_workers}
        await asyncio.gather(*(fleet.scale(sizes[group]) for group, fleet in self.fleets.items()))
        for group, fleet in self.fleets.items():
            if not any(task.get_name() == f"look-{group}" for task in self._tasks):
                self._tasks.append(asyncio.create_task(fleet.look_forever(), name=f"look-{group}"))
        if not any(task.get_name() == "progress" for task in self._tasks):
            self._tasks.append(asyncio.create_task(self.progress.ask_forever(), name="progress"))

    async def stop_workers(self) -> None:
        """Every worker ends with grace."""
        await asyncio.gather(*(fleet.stop() for fleet in self.fleets.values()))

    async def feed_under_faults(self, seed: int) -> None:
        """Feeds live while the schedule is carried out; returns when everything is fed."""
        faults = self._faults()
        hurry = asyncio.Event()
        self.feeder.trickle = True
        feeding = asyncio.create_task(self.feeder.feed(self.profile.events, hurry), name="feed")
        await self._until_flowing(feeding)
        self.feeder.trickle = False
        rounds = schedule(seed, self.profile)
        for number, together in enumerate(rounds, 1):
            names = " + ".join(fault.name for fault in together)
            self.say(
                f"round {number}/{len(rounds)}: {names}; {self.feeder.events:,} fed, "
                f"{self.progress.total('signals'):,} records committed"
            )
            acting = asyncio.create_task(faults.carry_out(together), name="round")
            await asyncio.wait({acting, feeding}, return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                acting.cancel()
                feeding.result()
                raise RuntimeError("the feed ended before the faults")
            await acting
            await asyncio.sleep(0.5)
        hurry.set()
        self.say(f"the faults are over; {self.feeder.events:,} events fed, the rest follows")
        await feeding

    def _faults(self) -> Faults:
        recovery = Recovery(self.profile.partitions, self.fleets, self.progress)
        self.report.tally = recovery.tally
        logs = LogFaults(
            self.profile,
            self.settings,
            self.fleets,
            self.cluster,
            self.progress,
            self.feeder,
            self.history,
            recovery,
        )
        hands = (
            WorkerFaults(self.profile, self.fleets, recovery),
            BrokerFaults(self.profile, self.fleets["signals"], self.cluster, recovery),
            logs,
            StoreFaults(self.store, recovery),
        )
        return Faults(recovery.tally, [each.how for each in hands])

    async def _until_flowing(self, feeding: asyncio.Task[None]) -> None:
        partitions = range(self.profile.partitions)
        waits = [self.progress.until_advanced(group, partitions, 120) for group in self.fleets]
        for group, flowing in zip(self.fleets, await asyncio.gather(*waits), strict=True):
            if feeding.done():
                feeding.result()
            if flowing is None:
                said = " / ".join(life.say() for life in self.fleets[group].now.values())
                raise RuntimeError(f"the {group} workers commit nothing on some partition: {said}")

    async def drain(self) -> None:
        """Waits until every group has committed everything; what is missing becomes a difference."""
        for group in self.fleets:
            missing = await self.progress.until_committed(group, READ_BY[group], _DRAIN_SECONDS)
            self.report.check(f"{group}: every record of its topics is committed", lag(group, missing))
            self.report.check(
                f"{group}: every process that ended may be started again",
                ends(group, self.fleets[group].ends),
            )
            self.report.check(
                f"{group}: no log was taken for another but those that were",
                false_alarms(group, self.fleets[group], self.history),
            )
            lost = self.history.lost if group == "signals" else {}
            self.report.check(
                f"{group}: {sum(lost.values()):,} offsets lost to retention, exactly as the workers count",
                losses(lost, self.fleets[group].lost()),
            )

    async def events_counted(self) -> int:
        """How many records the signals workers say that they have handled, in all their lives."""
        fleet = self.fleets["signals"]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            await fleet.look(session)
        return int(sum(life.events for life in fleet.lives))

    async def close(self) -> None:
        """Ends processes and tasks at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for fleet in self.fleets.values():
            await fleet.kill()

    @asynccontextmanager
    async def phase(self, name: str) -> AsyncIterator[None]:
        """Times a phase, and says its name."""
        self.say(f"{self.profile.name}: {name}")
        began = time.monotonic()
        try:
            yield
        finally:
            self.report.seconds[name] = time.monotonic() - began


@asynccontextmanager
async def staged(stage: Stage) -> AsyncIterator[Stage]:
    """Prepares a stage, and leaves no process behind."""
    try:
        await stage.prepare()
        yield stage
    finally:
        stage.report.seen(stage.fleets) if "signals" in stage.fleets else None
        with suppress(OSError):
            await stage.close()


def settings_of(profile: Profile, cluster: Cluster, store: Store, database: str, **more: Any) -> Settings:
    """Time-outs of a test: a session of 6 s, a delivery of 10 s."""
    values: dict[str, Any] = {
        "kafka_bootstrap": cluster.bootstrap,
        "topic_prefix": f"{profile.name}.",
        "partitions": profile.partitions,
        "replication": 3,
        "session_timeout_s": 6,
        "heartbeat_s": 0.5,
        "rebalance_timeout_s": 4,
        "request_timeout_s": 10,
        "delivery_timeout_s": 10,
        "commit_interval_s": 0.3,
        "drain_s": 4,
        "clickhouse_dsn": SecretStr(store.through_the_proxy(database)),
        "sink_batch_s": 0.5,
        "sink_timeout_s": 5,
        "sink_retry_max_s": 2,
        "sink_outage_s": 60,
        "stall_timeout_s": 90,
        "erasure_key": SecretStr(ERASURE.key.decode()),
    }
    return Settings(**(values | profile.settings | more))
