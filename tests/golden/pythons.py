"""`python -m tests.golden.pythons 3.12 3.13`: the golden bytes on other Pythons, each with an environment of the runtime lock.

Owns bringing them: uv finds a Python on the machine, of pyenv's too, or downloads one. What cannot be had is told; it fails
nothing unless another one fails, since not every machine may download.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_UV: Final = str(Path(sys.executable).with_name("uv"))
_ENVIRONMENTS: Final = _ROOT / "build" / "pythons"
_LOCK: Final = _ROOT / "requirements" / "runtime.lock"
_SECONDS: Final = 3_600
_FAILED: Final = "FAILED"


def main(versions: list[str]) -> int:
    """Check each version, such as 3.12; 1 when one of those that could be had fails, 0 else."""
    said = {version: _checked(version) for version in versions}
    for version, word in said.items():
        print(f"golden bytes on Python {version}: {word}")
    return 1 if any(word.startswith(_FAILED) for word in said.values()) else 0


def _checked(version: str) -> str:
    python = _interpreter(version)
    if python is None:
        return "SKIPPED, uv neither found one here nor could bring one"
    place = _ENVIRONMENTS / version
    own = place / "bin" / "python"
    install = [
        "pip",
        "install",
        "--quiet",
        "--python",
        str(own),
        "--require-hashes",
        "--requirement",
        str(_LOCK),
    ]
    for step in (["venv", "--quiet", "--clear", "--python", python, str(place)], install):
        if subprocess.run([_UV, *step], timeout=_SECONDS, check=False).returncode != 0:
            return f"{_FAILED}, the runtime lock cannot be installed there"
    done = subprocess.run([own, "-m", "tests.golden", "--check"], cwd=_ROOT, timeout=_SECONDS, check=False)
    return "equal" if done.returncode == 0 else f"{_FAILED}, see above"


def _interpreter(version: str) -> str | None:
    """The path of such a Python, brought when there is none."""
    for bring in (False, True):
        if bring:
            _asked("python", "install", "--quiet", version)
        found = _asked("python", "find", version)
        if found:
            return found
    return None


def _asked(*arguments: str) -> str:
    """What uv answers, empty when it cannot."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # uv searches the path, where pyenv shows only the versions that are switched on.
    places = [*os.environ.get("PATH", "").split(os.pathsep), *map(str, sorted(pyenv.glob("versions/*/bin")))]
    done = subprocess.run(
        [_UV, *arguments],
        env={**os.environ, "PATH": os.pathsep.join(places)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
