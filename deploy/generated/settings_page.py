"""docs/settings.md: every setting, from its field."""

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from deploy.generated.notice import NOTICE
from streams.settings import Settings
from streams.variables import PREFIX


def settings_page() -> str:
    """Return the page's text."""
    lines = [
        "# Settings\n",
        NOTICE,
        f"Each is an environment variable `{PREFIX}…`; an option of a command wins. A secret (marked) may",
        f"instead come from a file named by `<variable>_FILE`, or from `{PREFIX.lower()}<name>` in the",
        f"directory `{PREFIX}SECRETS_DIR`. A variable, or such a file, that is a slip of the pen away from one of these ends every",
        f"command and worker, by name; any other that begins with `{PREFIX}` is told and changes nothing.\n",
        "| Variable | Type | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        lines.append(
            f"| `{PREFIX}{name.upper()}` | {_type(field.annotation)} | {_default(field.default)} "
            f"| {field.description} |"
        )
    return "\n".join(lines) + "\n"


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
