"""`python -m tests.golden` records the hashes anew; with `--check` it compares and records nothing.

The check needs what the pipeline runs on and no more, so that any Python can be asked (`make golden-pythons`).
"""

import argparse
import json
import platform
import sys

from tests.golden import CASES, RECORDED, hashes_of, recorded


def main() -> int:
    """Record, or compare; 1 when a hash differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is recorded")
    if parser.parse_args().check:
        return check()
    record()
    return 0


def record() -> None:
    """Write the hashes of every case. Only on purpose."""
    found = {}
    for case in CASES:
        found[case.name] = hashes_of(case)
        print(case.name, len(found[case.name]), flush=True)
    RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def check() -> int:
    """Compare every case, and say which kinds of output differ."""
    known, different = recorded(), 0
    for case in CASES:
        expected, found = known[case.name], hashes_of(case)
        kinds = sorted(
            kind for kind in expected.keys() | found.keys() if expected.get(kind) != found.get(kind)
        )
        different += bool(kinds)
        print(case.name, f"DIFFERENT: {', '.join(kinds)}" if kinds else f"{len(found)} equal", flush=True)
    print(
        f"Python {platform.python_version()}: {len(CASES) - different} of {len(CASES)} histories lead to the recorded bytes"
    )
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
