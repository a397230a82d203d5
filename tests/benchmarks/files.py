"""Commands over files: `backtest` beside the core alone, `convert` beside reading and writing alone, and their memory as lines grow.

Owns how the files are made.
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
MAPPING: Final = Path(__file__).with_name("programs") / "calls.yaml"
_PATIENCE_SECONDS: Final = 900


def measure(bench: Bench, results: Results, events: list[Event]) -> None:
    """All rows, in files that go away."""
    with TemporaryDirectory(prefix="behoudlijn-bench-") as scratch:
        _rate(bench, results, events, Path(scratch) / "events.ndjson")
        for what, lines in zip(("few", "many"), bench.size.file_lines, strict=True):
            _memory(bench, results, events, Path(scratch), what, lines)
        _convert_rate(bench, results, Path(scratch) / "calls.csv")


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


def _convert_rate(bench: Bench, results: Results, file: Path) -> None:
    rows = bench.size.events
    _write_table(file, rows, bench.size.customers)
    for number in range(bench.size.rounds):
        with bench.may_fail("convert"):
            bench.say(f"files, round {number + 1}: convert beside csv.reader with orjson.dumps")
            given = {"file": str(file), "out": str(file.with_suffix(".out")), "mapping": str(MAPPING)}
            found = child.run("convert_rate", given, bench.log("convert-rate"), _PATIENCE_SECONDS)
            note = f"csv.reader and orjson.dumps of {rows:,} rows of twelve cells; processor time, the best of some turns"
            results.add("csv to JSON", "rows/s", rows / found["plain_seconds"], note)
            note = "behoudlijn convert of the same: local times, words and numbers understood, events checked and in order"
            results.add("convert", "rows/s", rows / found["convert_seconds"], note)


def _write_table(file: Path, rows: int, customers: int) -> None:
    """Calls in the order of time, over 28 days, as `MAPPING` reads them."""
    with file.open("w", encoding="utf-8") as stream:
        stream.write(
            "klant;moment;richting;kanaal;wachtrij;onderwerp;afdeling;wacht;gesprek;opgelost;opzeggen;id\n"
        )
        for number in range(rows):
            at = datetime(2026, 5, 1) + timedelta(seconds=number * 28 * 86_400 // rows)  # noqa: DTZ001 - local
            who, wait, talk = number * 7_919 % customers, number * 31 % 300, number * 17 % 900
            resolved, leaving = ("ja", "nee")[number % 3 == 0], ("nee", "ja")[number % 50 == 0]
            stream.write(
                f"c{who:06d};{at};inbound;phone;service;factuur;noord;{wait};{talk};{resolved};{leaving};{number}\n"
            )


def _memory(
    bench: Bench, results: Results, events: list[Event], scratch: Path, what: str, lines: int
) -> None:
    bench.say(f"files: memory of {', '.join((*COMMANDS, 'convert'))}, {lines:,} lines")
    file, table = scratch / f"{what}.ndjson", scratch / f"{what}.csv"
    _write(file, events, lines)
    _write_table(table, lines, bench.size.customers)
    commands = {name: [name, str(file), flag] for name, flag in COMMANDS.items()}
    commands["convert"] = ["convert", str(MAPPING), str(table), "--out", str(scratch / "out.ndjson")]

    def peak(name: str) -> None:
        with bench.may_fail(f"{name}, {what} lines"):
            given = {"command": commands[name]}
            found = child.run("command", given, bench.log(name), _PATIENCE_SECONDS)
            note = f"at most resident, {lines:,} lines, {bench.size.customers:,} customers; {found['seconds']:.0f} s"
            results.add(f"{name}, {what} lines: memory", "MiB", found["peak_bytes"] / 2**20, note)

    with ThreadPoolExecutor() as pool:  # memory does not mind company
        list(pool.map(peak, commands))
