"""What a run was made on: machine, versions, and the revision of this repository. It only reads."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.kafka.distribution import java_version
from tests.kafka.distribution import version as kafka_version

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = (
    "aiokafka", "bytewax", "chdb", "clickhouse-connect", "confluent-kafka", "faust-streaming", "orjson", "pydantic",
    "quixstreams", "uvloop",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """The processor, its cores, memory in GiB, the system and the load before the run."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Versions of everything that takes part, and the commit (with `+` for uncommitted changes)."""
    found = {
        "python": platform.python_version(),
        "java": java_version(),
        "kafka": kafka_version(),
        "mypy": _locked("mypy"),
        "behoudlijn": _revision(),
    }
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _locked(package: str) -> str:
    """Of the environment that compiles, which is not the one that measures."""
    for line in (_ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("==")
        if name == package:
            return rest.split()[0]
    return "absent"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _revision() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if git("status", "--porcelain") else "")
