"""The examples in the core's docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from streams import core

MODULES = sorted(path.stem for path in Path(core.__file__).parent.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(f"streams.core.{name}")).failed == 0


def test_there_are_examples() -> None:
    history = import_module("streams.core.history")
    if history.__file__ is not None and history.__file__.endswith(".so"):
        pytest.skip("a compiled module keeps no docstrings")
    assert doctest.testmod(history).attempted > 0
