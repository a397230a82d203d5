"""One Kafka node, broker and controller in one JVM: its files, its start and its ends, gentle or not.

Owns the settings of a node. It must not know how many nodes a cluster has beyond what it is told.
"""

from __future__ import annotations

import resource
import signal
import subprocess
from pathlib import Path
from typing import Final

from deploy.embedded.process import ChildError, ChildProcess
from tests.kafka.distribution import jars, java
from tests.kafka.security import Security

_HOST: Final = "127.0.0.1"
_LOGGING = Path(__file__).resolve().parent / "log4j2.properties"
# Short lives on few cores: no parallel collector, no second compiler tier.
_JVM = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]


class KafkaNode:
    """A node with fixed ports and a data directory that survives its restarts.

    `port` is the clients' and `controller_port` the quorum's; `voters` is Kafka's `controller.quorum.voters`.
    """

    def __init__(
        self,
        number: int,
        directory: Path,
        *,
        port: int,
        controller_port: int,
        voters: str,
        nodes: int,
        security: Security | None = None,
    ) -> None:
        self.number = number
        self.port = port
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "broker.log"
        directory.mkdir(parents=True, exist_ok=True)
        self._properties = directory / "server.properties"
        settings = _settings(number, self.data, port, controller_port, voters, nodes)
        self._format_arguments: list[str] = []
        if security is not None:
            settings |= security.settings(_HOST, port, controller_port)
            self._format_arguments = security.format_arguments
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self._process: ChildProcess | None = None

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{_HOST}:{self.port}"

    @property
    def process(self) -> ChildProcess:
        """The JVM. Raises `ChildError` before the first start."""
        if self._process is None:
            raise ChildError(f"kafka node {self.number} has not been started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether the JVM is alive (a paused one is)."""
        return self._process is not None and self._process.running

    def format(self, cluster_id: str) -> None:
        """Prepare the data directory, once; a no-op when it already holds data. Raises `ChildError`."""
        if (self.data / "meta.properties").exists():
            return
        command = [*_java(), "kafka.tools.StorageTool", "format"]
        command += [f"--cluster-id={cluster_id}", f"--config={self._properties}"]  # an id may begin with "-"
        command += self._format_arguments
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise ChildError(f"cannot format kafka node {self.number}: {done.stdout}{done.stderr}")

    def launch(self) -> None:
        """Start the JVM without waiting: the nodes of a cluster need each other to become ready."""
        self.kill()  # one that ended by itself has yet to be reaped
        command = [*_java(), "kafka.Kafka", str(self._properties)]
        self._process = ChildProcess(
            command, name=f"kafka node {self.number}", cwd=self.directory, log=self.log, grace=20
        ).start()

    def wait_ready(self, timeout: float) -> None:
        """Wait until the node serves clients. Raises `ChildError` with its last output when it does not."""
        self.process.wait_line(lambda line: "Kafka Server started" in line or None, timeout)

    def start(self, timeout: float = 60.0) -> None:
        """Start the JVM and wait until it serves."""
        self.launch()
        self.wait_ready(timeout)

    def stop(self) -> None:
        """A clean shutdown. Repeatable."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL: what was acknowledged must survive it. Repeatable."""
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: the node hangs and holds its connections."""
        self.process.signal(signal.SIGSTOP)

    def fill_disk(self, topic: str, partition: int, room: int) -> None:
        """As if the disk were full: until the next start no file may grow beyond the present log of a partition and `room` bytes.

        The write that meets the limit is cut off there, and fails. Raises `ChildError` where the node has no such log.
        """
        segments = sorted((self.data / f"{topic}-{partition}").glob("*.log"))
        if not segments:
            raise ChildError(f"kafka node {self.number} has no log of {topic}[{partition}]")
        limit = segments[-1].stat().st_size + room
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, hard))

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self.process.signal(signal.SIGCONT)


def _java() -> list[str]:
    return [java(), *_JVM, f"-Dlog4j2.configurationFile={_LOGGING}", "-cp", f"{jars()}/*"]


def _settings(
    number: int, data: Path, port: int, controller_port: int, voters: str, nodes: int
) -> dict[str, object]:
    copies = min(3, nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{_HOST}:{port},CONTROLLER://{_HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{_HOST}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": min(2, copies),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 3,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": min(2, copies),
        "transaction.state.log.num.partitions": 3,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": min(2, copies),
        "share.coordinator.state.topic.num.partitions": 3,
        # Quick groups and a quick comeback after SIGKILL: a broker may register again when its session ended.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        # A producer that was killed in its transaction is noticed soon after its time-out, not up to ten seconds later.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16_777_216,
        "log.cleaner.backoff.ms": 1000,
    }
