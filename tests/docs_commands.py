"""Run the commands that the documentation promises: every fenced block opened by ```` ```sh run ````.

Owns finding and running them, in order, one shell per file, from the repository root; never imported.
Usage: `python tests/docs_commands.py README.md docs/*.md`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

_BLOCK = re.compile(r"^```sh run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROOT = Path(__file__).resolve().parents[1]
_SECONDS = 600


def main(files: list[str]) -> int:
    """Run the blocks of each file; 1 when a file's commands fail, else 0."""
    path = f"{_ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    failed = []
    for name in files:
        blocks = _BLOCK.findall(Path(name).read_text(encoding="utf-8"))
        if not blocks:
            continue
        print(f"-- {name}: {len(blocks)} block(s)", flush=True)
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", "\n".join(blocks)],
            cwd=_ROOT,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            failed.append(f"{name}: exit code {done.returncode}")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
