"""Where the data lives: a chosen directory that lasts, or a temporary one that goes with its process.

A process that is killed cannot remove its directory, so the next server does: an advisory lock, which the
kernel drops with the process, tells a dead owner from a living one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "behoudlijn-clickhouse-"
_LOCK: Final = "owner.lock"


@contextlib.contextmanager
def data_directory(chosen: Path | None) -> Iterator[Path]:
    """Provide the chosen directory, made if need be, or a temporary one, removed at the end. Raises OSError."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen.resolve()
        return
    _remove_orphans()
    # Hidden from others' `_remove_orphans` by its name until the lock is held.
    made = Path(tempfile.mkdtemp(prefix="new-" + _PREFIX))
    with (made / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = made.rename(made.with_name(made.name.removeprefix("new-")))
        try:
            (path / "data").mkdir()
            yield path / "data"
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _remove_orphans() -> None:
    """Remove temporary directories of this user whose server has died."""
    for path in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):  # another server is at it, or it is not ours
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            with (path / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
