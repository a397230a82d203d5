"""Install each wheel in an environment of its own and use it: `behoudlijn info` names its core, a backtest's bytes are the same.

Owns what is asked of a wheel before it ships. It builds none, needs no index, and is never imported: the environments see the
libraries of the one that runs this, but not its Behoudlijn. Usage: `python tests/wheels.py dist`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from venv import EnvBuilder

_TABLE = Path(__file__).resolve().parent / "data" / "churn.all.gz"
_POLICY = "four-unresolved-calls"
_ENDS = {"pure": "-none-any", "platform": sysconfig.get_platform().replace("-", "_")}
_CORES = {"pure": "plain", "platform": "compiled", "by name": "compiled"}
"""What each must say; pip prefers the platform's wheel to the pure one."""
_SECONDS = 120


def main(directory: str) -> int:
    """Try the wheels; 1 when one is missing or says something else than it should."""
    wheels = {kind: sorted(Path(directory).glob(f"behoudlijn-*{end}.whl")) for kind, end in _ENDS.items()}
    absent = [kind for kind, found in wheels.items() if len(found) != 1]
    if absent:
        print(
            f"{directory} has no wheel, or several: {', '.join(absent)}; run `make wheels`", file=sys.stderr
        )
        return 1
    with TemporaryDirectory(prefix="behoudlijn-wheels-") as scratch:
        said = {kind: _used(Path(scratch) / kind, found) for kind, found in wheels.items()}
        said["by name"] = _used(Path(scratch) / "by-name", ["behoudlijn"], Path(directory))
    for kind, (core, digest) in said.items():
        print(f"{kind:12} core {core:10} backtest {digest[:16]}")
    if {kind: core for kind, (core, _) in said.items()} != _CORES:
        print("a wheel has not the core that it should have", file=sys.stderr)
        return 1
    if len({digest for _, digest in said.values()}) != 1:
        print("the wheels do not decide the same", file=sys.stderr)
        return 1
    return 0


def _used(place: Path, what: Iterable[Path | str], links: Path | None = None) -> tuple[str, str]:
    """Which core an installation says that it has, and a hash of what it decides about the telecom customers."""
    EnvBuilder(with_pip=False).create(place)
    python = place / "bin" / "python"
    # A line of a .pth file is searched, but not for .pth files of its own: an editable install there stays unseen.
    libraries = Path(sysconfig.get_path("purelib"))
    own = next(place.glob("lib/python*/site-packages"))
    (own / "libraries.pth").write_text(f"{libraries}\n", encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    # pip sees the libraries' own Behoudlijn, an editable one, and must not take it for this environment's.
    pip += ["--no-deps", "--no-index", "--ignore-installed", *map(str, what)]
    if links is not None:
        pip += ["--find-links", str(links)]
    subprocess.run(pip, check=True, timeout=_SECONDS)

    def behoudlijn(*arguments: str) -> bytes:
        command = [str(place / "bin" / "behoudlijn"), *arguments]
        return subprocess.run(command, cwd=place, stdout=subprocess.PIPE, check=True, timeout=_SECONDS).stdout

    found = json.loads(behoudlijn("info", "--json"))
    behoudlijn("convert", "telco-churn", str(_TABLE), "--out", "telco.ndjson")
    summary = behoudlijn(
        "backtest", "telco.ndjson", "--policy", _POLICY, "--triggers-out", "triggers.ndjson", "--summary-json"
    )
    triggers = (place / "triggers.ndjson").read_bytes()
    assert triggers.count(b"\n") > 100, "next to nothing was decided"
    return found["core"], sha256(summary + triggers).hexdigest()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
