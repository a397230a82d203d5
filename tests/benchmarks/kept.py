"""Results files as they are read today: what runs of earlier days called otherwise gets its present name.

Owns the names of the past. The files themselves are never rewritten.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

_ROWS: Final = {"floor": "aiokafka + pydantic"}
"""It is no floor of Python's: it is what one client takes, and another has a row beside it."""
_SAID: Final = {"as `make env` and the image install it": "as `make env` installs it"}
"""The image was built of the plain core then."""


def read(path: Path) -> dict[str, Any]:
    """The results of a run by today's names. Raises OSError, or ValueError when it is no results file."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return renamed(results)


def renamed(results: dict[str, Any]) -> dict[str, Any]:
    """The same figures under the names of today."""
    return results | {
        "rows": {
            _ROWS.get(name, name): row | {"note": _worded(row["note"])}
            for name, row in results["rows"].items()
        },
        "ratios": {_ratio(name): value for name, value in results["ratios"].items()},
        "targets": [
            target | {"name": _ratio(target["name"]), "says": _formula(target["says"])}
            for target in results["targets"]
        ],
    }


def _ratio(name: str) -> str:
    return name.replace("_to_floor", "_to_aiokafka_pydantic")


def _worded(note: str) -> str:
    for then, now in _SAID.items():
        note = note.replace(then, now)
    return note


def _formula(says: str) -> str:
    for then, now in _ROWS.items():
        says = says.replace(then, f"({now})")
    return says
