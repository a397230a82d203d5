"""What pip-audit's reports mean: a mirror that knows no package is no clean bill of health."""

from __future__ import annotations

import json

from tests.advisories import Answer, judge, read

KNOWN = {"name": "orjson", "version": "3.11.0", "vulns": []}
SKIPPED = {"name": "orjson", "skip_reason": "Dependency not found on PyPI"}
VULNERABLE = {
    "name": "aiohttp",
    "version": "3.9.0",
    "vulns": [{"id": "CVE-2024-23334", "fix_versions": ["3.9.2"], "aliases": [], "description": ""}],
}


def answer(*packages: object) -> Answer | None:
    return read(json.dumps({"dependencies": packages, "fixes": []}))


def test_all_known_and_none_vulnerable_passes() -> None:
    assert judge([answer(KNOWN)]) == (0, ["1 packages, no known vulnerability"])


def test_a_vulnerability_fails_and_is_named() -> None:
    code, lines = judge([answer(KNOWN, VULNERABLE)])
    assert code == 1
    assert lines[0] == "aiohttp 3.9.0: CVE-2024-23334, fixed in 3.9.2"


def test_no_advisories_passes_and_says_so() -> None:
    for nothing in ([None, None], [answer(SKIPPED), None], [read("Traceback"), read("[]")]):
        code, lines = judge(nothing)
        assert code == 0
        assert lines[0].startswith("NOT AUDITED")


def test_a_package_that_nobody_knows_fails() -> None:
    code, lines = judge([answer(SKIPPED, {**KNOWN, "name": "rich"}), None])
    assert code == 1
    assert "orjson" in lines[0]


def test_what_one_service_does_not_know_another_may() -> None:
    assert judge([answer(SKIPPED, {**KNOWN, "name": "rich"}), answer(KNOWN)])[0] == 0
