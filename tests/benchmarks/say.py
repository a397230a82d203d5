"""How a measured program tells its results: one line a heading, read by `child`. It must not print else."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(kind: str, **fields: Any) -> None:
    """Print `@kind {fields}` at once."""
    sys.stdout.write(f"@{kind} {json.dumps(fields)}\n")
    sys.stdout.flush()


def arguments() -> dict[str, Any]:
    """What this program was given."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found
