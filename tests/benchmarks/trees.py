"""Copies of the project to measure: this tree as it stands, and an earlier revision, each plain or with its core compiled.

Owns what is in a copy, and the check that it runs its own code. A copy is not seen by git and goes with its directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from tests.benchmarks.child import SOURCE

_COMPILE_SECONDS: Final = 900
_WHERE: Final = "from streams.core import engine; print(engine.__file__)"


class TreeError(RuntimeError):
    """A tree cannot be had, compiled or run; the text says why."""


def revision_of(name: str) -> str:
    """The commit that a name of git means, short. Raises `TreeError`."""
    return _git("rev-parse", "--short", "--verify", f"{name}^{{commit}}").strip()


def copy_of_revision(revision: str, target: Path) -> Path:
    """What git holds at a revision. Raises `TreeError`."""
    archive = target.with_suffix(".tar")
    _git("archive", "--output", str(archive), revision)
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    archive.unlink()
    return target


def copy_of_this_tree(target: Path) -> Path:
    """What git sees here, uncommitted changes included: later edits do not reach a run. Raises `TreeError`."""
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source = SOURCE / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    return target


def compile_core(tree: Path) -> None:
    """Compile what the tree's own setup.py compiles, in place. Needs mypy and a C compiler; takes a minute. Raises `TreeError`."""
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    _run(command, tree, {**os.environ, "BEHOUDLIJN_COMPILED": "1"})


def require_own_core(tree: Path, *, compiled: bool) -> None:
    """Raises `TreeError` when a process started in the tree takes the core from elsewhere, or not as it was asked for."""
    found = Path(_run([sys.executable, "-c", _WHERE], tree, dict(os.environ)).strip())
    if not found.is_relative_to(tree) or (found.suffix == ".so") != compiled:
        raise TreeError(
            f"{tree} should run {'a compiled' if compiled else 'its plain'} core and runs {found}"
        )


def _git(*arguments: str) -> str:
    return _run(["git", *arguments], SOURCE, dict(os.environ))


def _run(command: list[str], cwd: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMPILE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise TreeError(
            f"{' '.join(command)} in {cwd} ended with code {done.returncode}:\n{done.stderr[-2000:]}"
        )
    return done.stdout
