"""The reference pages that come from code: `python -m streams.telemetry.reference` writes episodes.md, metrics.md and settings.md.

A test compares the files with what this makes, so that they cannot fall behind.
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from streams.core.purposes import ENDINGS, PURPOSES
from streams.settings import PREFIX, Settings
from streams.telemetry.metrics import CATALOGUE

_MADE = "<!-- Made by `python -m streams.telemetry.reference`; edit the code instead. -->\n"


def metrics_page() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics\n",
        _MADE,
        "Served at `/metrics`. No label holds a customer's id or anything that a stranger chooses.\n",
        "| Metric | Type | Unit | Labels | Meaning |",
        "|---|---|---|---|---|",
    ]
    for spec in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        lines.append(f"| `{spec.name}` | {spec.kind} | {spec.unit} | {labels} | {spec.meaning} |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings\n",
        _MADE,
        f"Each is an environment variable `{PREFIX}…`; an option of a command wins. A secret (marked) may",
        f"instead come from a file named by `<variable>_FILE`, or from `{PREFIX.lower()}<name>` in the",
        f"directory `{PREFIX}SECRETS_DIR`.\n",
        "| Variable | Type | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        lines.append(
            f"| `{PREFIX}{name.upper()}` | {_type(field.annotation)} | {_default(field.default)} "
            f"| {field.description} |"
        )
    return "\n".join(lines) + "\n"


def episodes_page() -> str:
    """docs/episodes.md."""
    special = [cause for rules in PURPOSES.values() for cause in rules.ends]
    lines = [
        "# Episodes\n",
        _MADE,
        "At most one episode is open a customer. It opens by the strongest ground that has not been served; a stronger purpose takes it",
        "over under the same id; and it ends once, for good, by the first cause that holds. Both tables are `streams/core/purposes.py`.\n",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> open: the strongest ground that was not served",
        "    open --> open: a stronger purpose, same id, next sequence",
        "    [*] --> expired: known too late",
    ]
    for status in dict.fromkeys(ending.status for ending in ENDINGS.values()):
        causes = ", ".join(cause for cause, ending in ENDINGS.items() if ending.status == status)
        lines += [f"    open --> {status}: {causes}", f"    {status} --> [*]"]
    lines += [
        "```\n",
        "## Purposes\n",
        "From the strongest to the weakest. No policy opens an `incident` yet.\n",
        "| purpose | strength | ground | served register | reason code | consent basis | latest moment | ended also by |",
        "|---|---:|---|---|---|---|---|---|",
    ]
    for purpose, rules in PURPOSES.items():
        ends = ", ".join(f"`{cause}`" for cause in rules.ends)
        reason = f"`{rules.reason}`" if rules.reason else "the signal's or rule's"
        cap = "the policy's, and the cancellation's own date" if rules.cap else "the policy's"
        lines.append(
            f"| `{purpose}` | {rules.strength} | {rules.ground.meaning} | `{rules.ground.served}` | {reason} | `{rules.basis}` "
            f"| {cap} | {ends} |"
        )
    lines += [
        "\n## What ends an episode\n",
        "Asked in this order; an ended episode stays ended.\n",
        "| cause | of | status | status reason | |",
        "|---|---|---|---|---|",
    ]
    for cause, ending in ENDINGS.items():
        of = (
            [f"`{purpose}`" for purpose, rules in PURPOSES.items() if cause in rules.ends]
            if cause in special
            else ["every purpose"]
        )
        lines.append(
            f"| `{cause}` | {', '.join(of)} | `{ending.status}` | `{ending.reason}` | {ending.meaning} |"
        )
    return "\n".join(lines) + "\n"


PAGES = {"episodes.md": episodes_page, "metrics.md": metrics_page, "settings.md": settings_page}


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return _type(next(part for part in get_args(annotation) if part is not type(None)))
    names = {
        SecretStr: "secret",
        Path: "path",
        str: "text",
        int: "whole number",
        float: "number",
        bool: "yes/no",
    }
    return names[annotation]


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", PydanticUndefined):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def write(folder: Path) -> None:
    """Write the pages into `folder`."""
    folder.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2] / "docs")
