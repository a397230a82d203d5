"""The embedded ClickHouse server as a child process, for the demo, `behoudlijn up` and tests.

It owns the way of the password to the server, a file that only this user can read and that is gone when the
server is ready. It must not contain anything of the server itself: what it starts is
`python -m deploy.embedded.clickhouse`.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from deploy.embedded.clickhouse.confinement import VARIABLES
from deploy.embedded.clickhouse.layout import DATABASE
from deploy.embedded.process import ChildProcess

_ROOT = Path(__file__).resolve().parents[3]


class EmbeddedClickHouse:
    """A server on 127.0.0.1, as a context manager.

    `path` is a data directory that lasts (default: a temporary one); `arguments` are further options of the
    server, `program` what is started in its place. `user` may write, with `password`, a random one by default.
    """

    def __init__(
        self,
        *,
        path: Path | None = None,
        port: int = 0,
        log: Path | None = None,
        user: str = "default",
        password: str | None = None,
        arguments: Sequence[str] = (),
        program: Sequence[str] = (sys.executable, "-m", "deploy.embedded.clickhouse"),
    ) -> None:
        # A name that nobody can guess, for a directory that exists only while the server starts.
        self._password_file = Path(tempfile.gettempdir()) / f"behoudlijn-{secrets.token_hex(16)}" / "password"
        command = [*program, "--host", "127.0.0.1"]
        command += ["--port", str(port), "--user", user, "--password-file", str(self._password_file)]
        if path is not None:
            command += ["--path", str(path)]
        self.child = ChildProcess(
            [*command, *arguments], name="embedded ClickHouse", inherits=VARIABLES, cwd=_ROOT, log=log
        )
        self.host = "127.0.0.1"
        self.port = port
        self.version = ""
        self.confined = False
        """Whether the kernel confines it; known after the start."""
        self.stayed: list[str] = []
        """Views of a former version that stay in `default`, since they cannot be moved; known after the start."""
        self.user = user
        self.password = secrets.token_urlsafe(24) if password is None else password

    @property
    def dsn(self) -> str:
        """`clickhouse://user:password@host:port/behoudlijn` of the running server."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Return the same with another database."""
        return f"clickhouse://{quote(self.user)}:{quote(self.password)}@{self.host}:{self.port}/{database}"

    @property
    def url(self) -> str:
        """Address for a browser or curl."""
        return f"http://{self.host}:{self.port}"

    def start(self, timeout: float = 60.0) -> Self:
        """Start it and wait until it serves. Raises `ChildError` after `timeout` seconds or when it ends."""
        with self._handing_over_the_password():
            self.child.start()
            try:
                ready = self.child.wait_line(_ready, timeout)
            except BaseException:
                self.child.stop()
                raise
        self.port = int(str(ready["port"]))
        self.version = str(ready["version"])
        self.confined = ready["confined"] is True
        stayed = ready["stayed"]
        self.stayed = [str(name) for name in stayed] if isinstance(stayed, list) else []
        return self

    def stop(self) -> int | None:
        """End it with grace, then by force. Returns the exit code; repeatable."""
        return self.child.stop()

    @contextlib.contextmanager
    def _handing_over_the_password(self) -> Iterator[None]:
        folder = self._password_file.parent
        folder.mkdir(mode=0o700)
        try:
            self._password_file.touch(mode=0o600, exist_ok=False)
            self._password_file.write_text(self.password)
            yield
        finally:
            self._password_file.unlink(missing_ok=True)
            folder.rmdir()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ready(line: str) -> dict[str, object] | None:
    """Return the ready line, None for any other."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("ready") is True else None
