"""Which engine the tests of the sink's SQL run on: `--engine` of pytest."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LTS: Final = ROOT / ".venv-lts" / "bin" / "python"
"""The interpreter of the older engine's environment; `make test-engines` makes it."""

NAMES: Final = ("pinned", "pinned-by-partition", "lts", "lts-by-partition")
"""`by-partition`: a query with FINAL takes each partition for itself, as production servers are often set for speed."""


def program(name: str) -> Sequence[str]:
    """Return the command of that engine's server. Raises OSError when its environment is missing."""
    if name == "pinned":
        return (sys.executable, "-m", "deploy.embedded.clickhouse")
    lts = name.startswith("lts")
    if lts and not LTS.exists():
        raise OSError("the older engine has no environment: `make test-engines` makes it")
    by_partition = ("--setting", "do_not_merge_across_partitions_select_final=1")
    interpreter = os.fspath(LTS) if lts else sys.executable
    return (interpreter, "-m", "tests.engines", *(by_partition if name.endswith("by-partition") else ()))
