"""The embedded server's configuration of the engine, as another engine can read it and with more settings."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

UNKNOWN_TO_LTS: Final = frozenset({"allow_python_table_function"})
"""Settings that chDB 3 does not know: it refuses a configuration that names one."""


def written(original: Path, folder: Path, *, more: Mapping[str, str], without: Collection[str] = ()) -> Path:
    """Write the configuration into `folder`, where the profile of every session has `more` settings."""
    tree = ET.parse(original)
    for parent in list(tree.iter()):
        for child in [child for child in parent if child.tag in without]:
            parent.remove(child)
    profile = tree.find("profiles/default")
    assert profile is not None
    for name, value in more.items():
        ET.SubElement(profile, name).text = value
    target = folder / original.name  # it names itself, as the file of the users
    tree.write(target)
    return target
