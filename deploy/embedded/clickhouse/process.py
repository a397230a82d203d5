"""The embedded ClickHouse server as a child process, for the demo, `behoudlijn up` and tests.

It must not contain anything of the server itself: what it starts is `python -m deploy.embedded.clickhouse`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from deploy.embedded.process import ChildProcess

_ROOT = Path(__file__).resolve().parents[3]


class EmbeddedClickHouse:
    """A server on 127.0.0.1, as a context manager.

    `path` is a data directory that lasts (default: a temporary one); `arguments` are further options of the
    server. `user` and `password` are what `dsn` names, and have to fit the options.
    """

    def __init__(
        self,
        *,
        path: Path | None = None,
        port: int = 0,
        log: Path | None = None,
        user: str = "default",
        password: str = "",
        arguments: Sequence[str] = (),
    ) -> None:
        command = [
            sys.executable,
            "-m",
            "deploy.embedded.clickhouse",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        if path is not None:
            command += ["--path", str(path)]
        self.child = ChildProcess([*command, *arguments], name="embedded ClickHouse", cwd=_ROOT, log=log)
        self.host = "127.0.0.1"
        self.port = port
        self.version = ""
        self._user = user
        self._password = password

    @property
    def dsn(self) -> str:
        """`clickhouse://user:password@host:port/default` of the running server."""
        return f"clickhouse://{quote(self._user)}:{quote(self._password)}@{self.host}:{self.port}/default"

    @property
    def url(self) -> str:
        """Address for a browser or curl."""
        return f"http://{self.host}:{self.port}"

    def start(self, timeout: float = 60.0) -> Self:
        """Start it and wait until it serves. Raises `ChildError` after `timeout` seconds or when it ends."""
        self.child.start()
        try:
            ready = self.child.wait_line(_ready, timeout)
        except BaseException:
            self.child.stop()
            raise
        self.port = int(str(ready["port"]))
        self.version = str(ready["version"])
        return self

    def stop(self) -> int | None:
        """End it with grace, then by force. Returns the exit code; repeatable."""
        return self.child.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ready(line: str) -> dict[str, object] | None:
    """The ready line, None for any other."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("ready") is True else None
