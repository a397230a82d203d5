"""Which attributes of something the code reads, found in its source: for tests that everything declared is used."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import streams

PACKAGE = Path(streams.__file__).parent


def attributes_read(owner: str, paths: Iterable[Path]) -> set[str]:
    """The attributes that these files take of any name, or attribute, that ends with `owner`."""
    return {
        node.attr
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and _name(node.value).endswith(owner)
    }


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
