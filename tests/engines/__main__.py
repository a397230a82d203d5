"""The embedded server over the engine of whichever environment runs this, with more settings in every session's profile:
`python -m tests.engines [--setting NAME=VALUE]… OPTIONS-OF-THE-SERVER`.

The kernel does not confine it: what it runs is our own tests' SQL.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.embedded.clickhouse.__main__ import main
from tests.engines.configuration import UNKNOWN_TO_LTS, written

if TYPE_CHECKING:
    from deploy.embedded.clickhouse.engine import Engine


def engine(more: Mapping[str, str], path: Path) -> Engine:
    """Open the data directory with chDB 4, or with chDB 3 where that is what is installed."""
    import chdb  # it reads the time zone while it is loaded, which the server has set by now

    from deploy.embedded.clickhouse.engine import RIGHTS, Engine

    folder = Path(tempfile.mkdtemp(dir=path / "tmp"))
    if chdb.__version__.startswith("3."):
        from tests.engines.lts import LtsEngine

        return LtsEngine(path, written(RIGHTS, folder, more=more, without=UNKNOWN_TO_LTS))
    return Engine(path, written(RIGHTS, folder, more=more))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--setting", action="append", default=[])
    chosen, rest = parser.parse_known_args()
    settings = dict(each.split("=", 1) for each in chosen.setting)
    sys.exit(main(["--unconfined", *rest], functools.partial(engine, settings)))
