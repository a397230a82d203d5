"""Records the hashes anew: `python -m tests.golden`."""

import json

from tests.golden import CASES, RECORDED, hashes_of

if __name__ == "__main__":
    found = {}
    for case in CASES:
        found[case.name] = hashes_of(case)
        print(case.name, len(found[case.name]), flush=True)
    RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
