"""The cluster and the store under the workers, with what can be done to them.

Owns three Kafka nodes, and one embedded ClickHouse behind its proxy with the double that may answer in its stead.
It must not choose when something is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import KafkaError

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from streams.cluster.access import UnreachableError
from streams.cluster.topic_reader import BrokerError
from streams.cluster.topics import ensure
from streams.settings import Settings
from tests.chaos.proxy import Proxy
from tests.clickhouse_double import Double
from tests.clickhouse_troubles import Trouble
from tests.kafka.broker import KafkaBroker
from tests.kafka.node import KafkaNode

_NODES: Final = 3
START_SECONDS: Final = 240.0
"""How long a server may take to start, on a machine that has other things to do."""


class Store:
    """ClickHouse on a port and a directory that survive a kill, and the proxy that workers talk to."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = EmbeddedClickHouse(path=directory / "data", log=directory / "server.log")
        self.proxy: Proxy
        self.double: Double

    async def start(self) -> None:
        """The server, then the road to it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._server.start, START_SECONDS)
        self.proxy = Proxy(self._server.host, self._server.port)
        await self.proxy.__aenter__()
        self.double = await Double(self._server.host, self._server.port).start()

    def direct(self, database: str) -> str:
        """DSN past the proxy."""
        return self._server.dsn_of(database)

    def through_the_proxy(self, database: str) -> str:
        """DSN for workers."""
        return (
            f"clickhouse://{self._server.user}:{self._server.password}@127.0.0.1:{self.proxy.port}/{database}"
        )

    def lead_to_the_double(self, *troubles: Trouble) -> None:
        """Workers talk to the double from now on, whose inserts meet these troubles, one each."""
        self.double.play(*troubles, at="INSERT INTO")
        self.proxy.lead("127.0.0.1", self.double.port)

    def lead_to_the_server(self) -> None:
        """Workers talk to the server again; troubles that are left do not come."""
        self.double.forget()
        self.proxy.lead(self._server.host, self._server.port)

    async def kill(self) -> None:
        """SIGKILL."""
        await asyncio.to_thread(self._server.child.kill)

    async def start_again(self) -> None:
        """On the same port and data."""
        self._server = EmbeddedClickHouse(
            path=self._directory / "data",
            port=self._server.port,
            log=self._directory / "server.log",
            password=self._server.password,
        )
        await asyncio.to_thread(self._server.start, START_SECONDS)

    async def close(self) -> None:
        """Ends both."""
        if hasattr(self, "proxy"):
            await self.proxy.__aexit__()
        if hasattr(self, "double"):
            await self.double.close()
        await asyncio.to_thread(self._server.child.kill)


class Cluster:
    """Three nodes, replication 3, min ISR 2."""

    def __init__(self, directory: Path) -> None:
        self._broker = KafkaBroker(nodes=_NODES, directory=directory)

    @property
    def bootstrap(self) -> str:
        """For clients."""
        return self._broker.bootstrap

    @property
    def nodes(self) -> list[KafkaNode]:
        """The nodes."""
        return self._broker.nodes

    async def start(self) -> None:
        """Every node that is down."""
        await asyncio.to_thread(self._broker.start, START_SECONDS)

    async def close(self) -> None:
        """Ends all at once; the data stay."""
        await asyncio.to_thread(self._broker.close)

    async def kill_all(self) -> None:
        """SIGKILL to every node."""
        await asyncio.to_thread(self._broker.kill)

    async def until_in_sync(self, seconds: float) -> bool:
        """Waits until every partition has all its replicas in sync."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(KafkaError, OSError, ValueError):
                if await asyncio.to_thread(_in_sync, self.bootstrap):
                    return True
            await asyncio.sleep(0.5)
        return False

    async def forget_groups(self, groups: list[str], seconds: float = 30) -> None:
        """Deletes consumer groups with their offsets, those who were killed as members included."""
        await asyncio.to_thread(_forget_groups, self.bootstrap, groups, seconds)

    async def remove_before(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Removes what lies before these offsets, by topic and partition, as retention does."""
        await asyncio.to_thread(_remove_before, self.bootstrap, offsets)

    async def make_anew(self, settings: Settings, name: str, seconds: float = 60) -> None:
        """Deletes a topic (plain name), and makes it again as `topics ensure` does. Raises TimeoutError."""
        await asyncio.to_thread(_make_anew, self.bootstrap, settings, name, seconds)


def _remove_before(bootstrap: str, offsets: Mapping[tuple[str, int], int]) -> None:
    admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="chaos")
    try:
        admin.delete_records({TopicPartition(*place): offset for place, offset in offsets.items()})
    finally:
        admin.close()


def _make_anew(bootstrap: str, settings: Settings, name: str, seconds: float) -> None:
    admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="chaos")
    try:
        admin.delete_topics([settings.topic(name)])
    finally:
        admin.close()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(KafkaError, UnreachableError, BrokerError):
            made = {report.name for report in ensure(settings) if report.result == "created"}
            if settings.topic(name) in made:  # brokers may show it for a moment after it was deleted
                return
        time.sleep(0.2)
    raise TimeoutError(f"{name} could not be made anew within {seconds:g} s")


def _in_sync(bootstrap: str) -> bool:
    admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="chaos")
    try:
        for topic in admin.describe_topics(sorted(admin.list_topics())):
            for partition in topic["partitions"]:
                if len(partition["isr_nodes"]) < len(partition["replica_nodes"]):
                    return False
        return True
    finally:
        admin.close()


def _forget_groups(bootstrap: str, groups: list[str], seconds: float) -> None:
    admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), client_id="chaos")
    try:
        deadline = time.monotonic() + seconds
        while left := sorted({group["group_id"] for group in admin.list_groups()} & set(groups)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"groups are still there after {seconds:g} s: {', '.join(left)}")
            with contextlib.suppress(KafkaError):  # members whose session has not ended yet
                for name, group in admin.describe_groups(left).items():
                    members = [MemberToRemove(member_id=member["member_id"]) for member in group["members"]]
                    if members:
                        admin.remove_group_members(name, members)
                admin.delete_groups(left)
            time.sleep(0.3)
    finally:
        admin.close()
