"""What a worker costs that has nothing to do: `python -m tests.benchmarks.idle`, on real Kafka, with partitions as they are by default.

Owns the measuring: computing time of the process, of all its threads, as the kernel counts it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path

from streams.cluster.topics import ensure
from tests.integration.worker_program import settings_of, until_said, worker
from tests.kafka.broker import KafkaBroker

_SETTLE_SECONDS = 15.0
_SAID = {"signals": "customer states recovered", "sink": "worker starts"}


def computing_seconds(pid: int) -> float:
    """How long a process has computed, in user code and in the system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the share of a core for each kind of worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--only", choices=list(_SAID))
    parser.add_argument("--first", default="", help="code that the worker runs before")
    options = parser.parse_args()
    with KafkaBroker() as cluster:
        for kind in [options.only] if options.only else list(_SAID):
            settings = settings_of(
                cluster,
                f"idle-{kind}",
                partitions=options.partitions,
                session_timeout_s=30,
                heartbeat_s=3,
                request_timeout_s=40,
                commit_interval_s=1,
                clickhouse_dsn="clickhouse://127.0.0.1:1/none",
            )
            ensure(settings)
            with worker(settings, kind, first=options.first) as process:
                asyncio.run(until_said(process, _SAID[kind]))
                time.sleep(_SETTLE_SECONDS)
                before, began = computing_seconds(process.child.pid), time.monotonic()
                time.sleep(options.seconds)
                used = computing_seconds(process.child.pid) - before
                print(f"{kind}: {used / (time.monotonic() - began):.2%} of a core", flush=True)
                process.stop()


if __name__ == "__main__":
    main()
