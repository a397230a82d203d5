"""The comparison with an earlier revision: copies that run their own code, and what is told of an interval."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.benchmarks import trees
from tests.benchmarks.against import told
from tests.benchmarks.interval import Interval
from tests.benchmarks.trees import (
    TreeError,
    copy_of_revision,
    copy_of_this_tree,
    require_own_core,
    revision_of,
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and a later, uncommitted edit."""
    root = tmp_path / "project"
    core = root / "streams" / "core"
    core.mkdir(parents=True)
    for module in (root / "streams" / "__init__.py", core / "__init__.py", core / "engine.py"):
        module.write_text("", encoding="utf-8")

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)

    git("init", "--initial-branch", "main")
    git("add", ".")
    git("commit", "--message", "first")
    (core / "engine.py").write_text("EDITED = True\n", encoding="utf-8")
    (root / "new.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(trees, "SOURCE", root)
    return root


def test_a_revision_is_copied_without_later_edits(project: Path, tmp_path: Path) -> None:
    copied = copy_of_revision(revision_of("main"), tmp_path / "old")
    assert (copied / "streams/core/engine.py").read_text(encoding="utf-8") == ""
    assert not (copied / "new.py").exists()


def test_this_tree_is_copied_as_it_stands(project: Path, tmp_path: Path) -> None:
    copied = copy_of_this_tree(tmp_path / "new")
    assert "EDITED" in (copied / "streams/core/engine.py").read_text(encoding="utf-8")
    assert (copied / "new.py").exists()
    assert not (copied / ".git").exists()


def test_a_copy_runs_its_own_core_and_says_when_it_is_not_compiled(project: Path, tmp_path: Path) -> None:
    copied = copy_of_this_tree(tmp_path / "new")
    require_own_core(copied, compiled=False)
    with pytest.raises(TreeError, match="should run a compiled core"):
        require_own_core(copied, compiled=True)


def test_a_revision_that_git_does_not_know_is_told(project: Path) -> None:
    with pytest.raises(TreeError, match="nowhere"):
        revision_of("nowhere")


@pytest.mark.parametrize(
    ("high", "low", "says"),
    [
        (0.96, 0.9, "does not reach 0.97"),
        (0.99, 0.9, "which reaches 0.97"),
        (1.02, 0.98, "reaches 0.97 and lies above it"),
    ],
)
def test_an_interval_is_told_with_the_bound(high: float, low: float, says: str) -> None:
    assert told(Interval(low, low, high, 0.98)).endswith(says)
