"""A real Apache Kafka cluster on free ports of 127.0.0.1, its data kept across restarts and kills.

Owns the cluster as a whole: ports, quorum, order of start and stop. It must not create topics.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.ports import free_port
from tests.kafka.node import KafkaNode
from tests.kafka.security import Security


class KafkaBroker:
    """A cluster of one node (or of `nodes`, each broker and controller), as a context manager.

    Without `directory` the data live in a temporary directory that `close` removes; with one they are left
    for the post-mortem. Ports and data stay the same across `stop`, `kill` and `start`. With `security` clients have
    to come by SASL_SSL as one of its users, and may do what ACLs allow.
    """

    kind = "kafka"
    idempotence = True
    """Whether an idempotent producer works here."""

    def __init__(
        self, *, nodes: int = 1, directory: Path | None = None, security: Security | None = None
    ) -> None:
        """Raises `KafkaUnavailableError` where Java or the jars are missing (at `start`)."""
        if nodes < 1:
            raise ValueError("a cluster has at least one node")
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="behoudlijn-kafka-"))
        ports = _distinct_ports(2 * nodes)
        clients, controllers = ports[:nodes], ports[nodes:]
        voters = ",".join(f"{i}@127.0.0.1:{port}" for i, port in enumerate(controllers, start=1))
        self.nodes = [
            KafkaNode(
                i,
                self.directory / f"node-{i}",
                port=clients[i - 1],
                controller_port=controllers[i - 1],
                voters=voters,
                nodes=nodes,
                security=security,
            )
            for i in range(1, nodes + 1)
        ]
        self.bootstrap = ",".join(node.address for node in self.nodes)

    def start(self, timeout: float = 90.0) -> Self:
        """Start every node that is down, wait until all serve. Raises `ChildError` after `timeout` s."""
        down = [node for node in self.nodes if not node.running]
        cluster_id = self._cluster_id()
        with ThreadPoolExecutor(max_workers=len(self.nodes)) as pool:
            list(pool.map(lambda node: node.format(cluster_id), down))
        for node in down:
            node.launch()
        for node in down:
            node.wait_ready(timeout)
        return self

    def stop(self) -> None:
        """A clean shutdown of every node, the data kept. Repeatable."""
        # At once: the last voter alone has no quorum and would wait for it in vain.
        with ThreadPoolExecutor(max_workers=len(self.nodes)) as pool:
            list(pool.map(KafkaNode.stop, self.nodes))

    def kill(self) -> None:
        """SIGKILL to every node, the data kept. Repeatable."""
        for node in self.nodes:
            node.kill()

    def restart(self, timeout: float = 90.0) -> None:
        """A clean shutdown, then a start on the same ports and data."""
        self.stop()
        self.start(timeout)

    def close(self) -> None:
        """Stop at once and remove temporary data."""
        self.kill()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cluster_id(self) -> str:
        path = self.directory / "cluster-id"
        if not path.exists():
            path.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        return path.read_text()


def _distinct_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)
