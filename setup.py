"""Builds the wheel: plain Python, or with BEHOUDLIJN_COMPILED=1 the core compiled by mypyc, which needs mypy and a C compiler.

    make wheels

builds both. They are the same code and say the same; only the speed differs (docs/performance.md).
"""

import os
from pathlib import Path

from setuptools import Extension, setup

_CORE = Path("streams/core")
_PLAIN = {"__init__.py", "policy.py", "policy_parts.py", "policy_release.py"}
"""Left as they are: pydantic makes its models at run time."""
_LOOPS = (
    "schemas/instants.py",
    "schemas/revisions.py",
    "sinks/clickhouse/conversions.py",
    "sinks/clickhouse/reading.py",
    "sinks/clickhouse/rows.py",
    "streams/state/changelog.py",
    "streams/workers/gathered.py",
    "streams/workers/home.py",
    "streams/state/store.py",
)
"""Beside the core, what is done with every record or state."""


def compiled_core() -> list[Extension]:
    """Return the modules of the core, and other loops, as extensions; none unless they are asked for."""
    if os.environ.get("BEHOUDLIJN_COMPILED") != "1":
        return []
    from mypyc.build import mypycify

    found: list[Extension] = mypycify(
        [path.as_posix() for path in sorted(_CORE.rglob("*.py")) if path.name not in _PLAIN] + [*_LOOPS]
    )
    return found


setup(ext_modules=compiled_core())
