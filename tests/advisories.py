"""Ask pip-audit about every package of a lock file: a known vulnerability fails, unreachable advisories are said aloud.

Owns what the answer means. pip-audit alone would pass when the service knows none of the packages, which is what a mirror
without advisories looks like. Usage: `python tests/advisories.py requirements/runtime.lock`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SERVICES = ("pypi", "osv")
_SECONDS = 300
_NOT_AUDITED = (
    "NOT AUDITED: the advisories of PyPI and OSV could not be fetched from here. "
    "Run `make audit` where they can be reached before a release."
)


@dataclass
class Answer:
    """What one service said: packages with an answer, those without, and the vulnerabilities (a line each)."""

    audited: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)


def read(report: str) -> Answer | None:
    """pip-audit's JSON, None when it is no such report: the service was not reached."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    answer = Answer()
    for package in packages:
        if "skip_reason" in package:
            answer.unknown.add(package["name"])
            continue
        answer.audited.add(package["name"])
        answer.found += [
            f"{package['name']} {package['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'no version'}"
            for each in package["vulns"]
        ]
    return answer


def judge(answers: Iterable[Answer | None]) -> tuple[int, list[str]]:
    """Exit code and what to print. Without a single package that a service knows, there were no advisories."""
    reached = [answer for answer in answers if answer is not None and answer.audited]
    if not reached:
        return 0, [_NOT_AUDITED]
    found = sorted({line for answer in reached for line in answer.found})
    if found:
        return 1, [*found, "Raise these in pyproject.toml, then `make lock env`."]
    audited = set().union(*(answer.audited for answer in reached))
    unknown = set().union(*(answer.unknown for answer in reached)) - audited
    if unknown:
        return 1, [f"no service knows {', '.join(sorted(unknown))}: are these names and versions right?"]
    return 0, [f"{len(audited)} packages, no known vulnerability"]


def main(lock: str) -> int:
    """Ask one service after another until one knows every package."""
    answers: list[Answer | None] = []
    for service in _SERVICES:
        answers.append(read(_ask(service, lock)))
        last = answers[-1]
        if last is not None and (last.found or not last.unknown):
            break
    code, lines = judge(answers)
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


def _ask(service: str, lock: str) -> str:
    command = [str(Path(sys.executable).with_name("pip-audit")), "--vulnerability-service", service]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    command += ["--disable-pip", "--require-hashes", "--requirement", lock]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
