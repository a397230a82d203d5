"""How a test starts a worker as a process of its own: its command and its variables. It must not start one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from streams.settings import Settings

ROOT = Path(__file__).parents[1]


def command(*arguments: str, first: str = "") -> list[str]:
    """`behoudlijn worker ARGUMENTS`, without an installed entry point; `first` is code that runs before."""
    return [sys.executable, "-c", first + "from streams.commands.worker import app; app()", *arguments]


def variables(settings: Settings) -> dict[str, str]:
    """What tells a process of ours these settings."""
    return {
        f"BEHOUDLIJN_{name.upper()}": str(
            value.get_secret_value() if hasattr(value, "get_secret_value") else value
        )
        for name, value in settings.model_dump(exclude_unset=True).items()
    }


def environment(settings: Settings, fail_point: str = "", tree: Path = ROOT) -> dict[str, str]:
    """Every variable of a worker with these settings, of the version in `tree`; nothing else of ours gets there."""
    paths = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(tree)}
    return paths | variables(settings) | {"BEHOUDLIJN_FAILPOINT": fail_point}
