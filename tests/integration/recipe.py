"""The recipe for an event type in CONTRIBUTING.md, and copies of the tree in which it is followed. It must not judge what came of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"<!-- recipe: (?P<what>.+?) -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL)
IS_CLONE = (ROOT / ".git").exists()
"""The copy is made of what git knows."""


class Step(NamedTuple):
    """One block of the recipe: what is done, and the text that goes there."""

    what: str
    text: str

    def do(self, tree: Path) -> None:
        """Carry the step out. Raises ValueError when the recipe names a place that is not there."""
        verb, *names = self.what.split()
        if verb == "write":
            (tree / names[0]).write_text(self.text, encoding="utf-8")
        elif verb == "append":
            with (tree / names[0]).open("a", encoding="utf-8") as file:
                file.write("\n" + self.text)
        elif verb == "examples":
            for line in self.text.splitlines():
                name, body = line.split(" ", 1)
                path = tree / "schemas" / "examples" / names[0] / "v1" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(body, encoding="utf-8")
        elif verb == "migration":
            number = max(int(path.name[:3]) for path in _migrations(tree).glob("*.sql")) + 1
            made = python(tree, "-m", "sinks.clickhouse.statements", names[1])
            assert made.returncode == 0, made.stderr
            (_migrations(tree) / f"{number:03}_{names[0]}.sql").write_text(made.stdout, encoding="utf-8")
        else:
            self._insert(tree / verb, self.what.split("`")[1])

    def _insert(self, path: Path, after: str) -> None:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if after in line]
        if not places:
            raise ValueError(f"the recipe wants to add behind {after!r}, but {path} has no such line")
        lines.insert(places[0] + 1, self.text)
        path.write_text("".join(lines), encoding="utf-8")


def _migrations(tree: Path) -> Path:
    return tree / "sinks" / "clickhouse" / "migrations"


def python(tree: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, which comes before anything that is installed."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(tree)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def recipe() -> list[Step]:
    steps = [Step(*found) for found in _BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))]
    assert len(steps) > 10
    return steps


def copy_tree(to: Path) -> None:
    """Copy the project as it is in the working tree."""
    known = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, known):
        if (ROOT / name).is_file() and not name.startswith("tests/data/"):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
