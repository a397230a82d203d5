"""Commands over files of events: `backtest` beside the core alone, and the memory of `backtest` and `check` as lines grow.

Owns how the files are made. Rows of other commands over files (`convert`) belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import orjson

from tests.benchmarks import child
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Results
from tests.benchmarks.workload import POLICY, Event

PARTITIONS: Final = 8
"""As `backtest` assumes."""
COMMANDS: Final = {"backtest": "--summary-json", "check": "--json"}
_PATIENCE_SECONDS: Final = 900


def measure(bench: Bench, results: Results, events: list[Event]) -> None:
    """All rows, in files that go away."""
    with TemporaryDirectory(prefix="behoudlijn-bench-") as scratch:
        _rate(bench, results, events, Path(scratch) / "events.ndjson")
        for what, lines in zip(("few", "many"), bench.size.file_lines, strict=True):
            _memory(bench, results, events, Path(scratch) / f"{what}.ndjson", what, lines)


def lines_of(events: list[Event]) -> Iterator[bytes]:
    """The events as lines without end: after the last come the same customers' again, with other ids and at later times."""
    first, last = (orjson.loads(each[3])["occurred_at"] for each in (events[0], events[-1]))
    span = datetime.fromisoformat(last) - datetime.fromisoformat(first) + timedelta(seconds=1)
    yield from (value for *_, value in events)
    for number in count(1):
        for *_, value in events:
            fields = orjson.loads(value)
            fields["event_id"] += f".{number}"
            fields["occurred_at"] = datetime.fromisoformat(fields["occurred_at"]) + number * span
            yield orjson.dumps(fields)


def _write(file: Path, events: list[Event], lines: int) -> None:
    with file.open("wb") as stream:
        stream.writelines(line + b"\n" for line in islice(lines_of(events), lines))


def _rate(bench: Bench, results: Results, events: list[Event], file: Path) -> None:
    _write(file, events, bench.size.events)
    for number in range(bench.size.slow_rounds):
        with bench.may_fail("backtest"):
            bench.say(f"files, round {number + 1}: backtest beside the core with its decoder")
            given = {"file": str(file), "partitions": PARTITIONS, "policy": POLICY}
            found = child.run("backtest_rate", given, bench.log("backtest-rate"), _PATIENCE_SECONDS)
            how = "compiled" if found["compiled"] else "plain Python"
            note = f"decode + process_batch of the same records from memory, {how}, states from nothing; processor time"
            results.add("core with decoder", "events/s", found["events"] / found["core_seconds"], note)
            note = f"behoudlijn backtest of {found['events']:,} lines, the census included; processor time"
            results.add("backtest", "events/s", found["events"] / found["backtest_seconds"], note)


def _memory(bench: Bench, results: Results, events: list[Event], file: Path, what: str, lines: int) -> None:
    bench.say(f"files: memory of backtest and check, {lines:,} lines")
    _write(file, events, lines)

    def peak(name: str) -> None:
        with bench.may_fail(f"{name}, {what} lines"):
            given = {"command": [name, str(file), COMMANDS[name]]}
            found = child.run("command", given, bench.log(name), _PATIENCE_SECONDS)
            note = f"at most resident, {lines:,} lines, {bench.size.customers:,} customers; {found['seconds']:.0f} s"
            results.add(f"{name}, {what} lines: memory", "MiB", found["peak_bytes"] / 2**20, note)

    with ThreadPoolExecutor() as pool:  # memory does not mind company
        list(pool.map(peak, COMMANDS))
