"""The examples in the docstrings of the core and of the schemas are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import schemas
from streams import core


def _modules(package: ModuleType) -> list[str]:
    folder = Path(str(package.__file__)).parent
    found = [path.relative_to(folder).with_suffix("") for path in sorted(folder.rglob("*.py"))]
    return [".".join((package.__name__, *path.parts)) for path in found if path.name != "__init__"]


MODULES = [*_modules(core), *_modules(schemas)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    history = import_module("streams.core.history")
    if history.__file__ is not None and history.__file__.endswith(".so"):
        pytest.skip("a compiled module keeps no docstrings")
    assert doctest.testmod(history).attempted > 0
