"""What reading costs in ClickHouse, over a made-up year: rows read for five weeks and for one customer, through every view.

    python -m tests.benchmarks.reading [--events 2000000] [--layers 4] [--engine lts]

Owns the questions. `--layers`: parts of each partition that no merge makes one. It reads the engine's own count of rows, which does
not depend on the machine; seconds do, and are of one run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas.instants import ms_of
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.declarations.rollups import ROLLUPS
from sinks.clickhouse.erasure import ClickHouseEraser
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.moves import Moves
from sinks.clickhouse.rollups import refresh
from sinks.clickhouse.tables import COLUMNS, TABLES
from sinks.contract import Erased
from tests.engines.choice import program
from tests.rows_read import rows_read
from tests.year_of_rows import TIMES, during, fill, follow, merge, of_events


def main() -> int:
    """Fill, ask and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reading", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--engine", default="pinned")
    options = parser.parse_args()
    with EmbeddedClickHouse(arguments=["--exit-with-parent"], program=program(options.engine)) as server:
        dsn = urlunsplit(urlsplit(server.dsn)._replace(path="/reading"))
        store = ClickHouse(dsn, timeout=600)
        store.create_database()
        migrate(store)
        [(version,)] = store.query("SELECT version()")
        say(f"engine {version}, {options.events:,} events, {options.layers} part(s) a partition")
        timed("filling", lambda: fill(store, of_events(options.events), layers=options.layers))
        if options.layers == 1:
            timed("merging", lambda: merge(store))
        ranges(store, dsn)
        customers(store, dsn)
        after(store, dsn)
        store.close()
    return 0


def ranges(store: ClickHouse, dsn: str) -> None:
    """Five weeks of every view: all its rows, by its time."""
    say(f"\n{'view':28} {'in range':>10} {'read':>12} {'ratio':>6}")
    for table in TABLES:
        for view in table.views:
            if view.name not in TIMES:
                continue
            when = during(TIMES[view.name])
            [(rows,)] = store.query(f"SELECT count() FROM {table.name} WHERE {when}")
            read = rows_read(dsn, f"SELECT * FROM {view.name} WHERE {when}")
            say(f"{view.name:28} {rows:10,} {read:12,} {read / max(1, rows):6.2f}")


def customers(store: ClickHouse, dsn: str) -> None:
    """One customer of every view."""
    say(f"\n{'view':28} {'rows':>6} {'raw read':>10} {'view read':>10} {'ratio':>6}")
    [(customer,)] = store.query("SELECT customer_id FROM fct_triggers ORDER BY customer_id LIMIT 1")
    for table in TABLES:
        for view in table.views:
            if not table.of_customers:
                continue
            whose = f"customer_id = '{customer}'"
            [(rows,)] = store.query(f"SELECT count() FROM {table.name} WHERE {whose}")
            raw = rows_read(dsn, f"SELECT * FROM {table.name} WHERE {whose}")
            read = rows_read(dsn, f"SELECT * FROM {view.name} WHERE {whose}")
            say(f"{view.name:28} {rows:6,} {raw:10,} {read:10,} {read / max(1, raw):6.2f}")


def after(store: ClickHouse, dsn: str) -> None:
    """What follows from rows: episodes, daily figures before and after they are stored, settling, and an erasure."""
    timed("\nnoting days and changes of all rows", lambda: follow(store))
    [(customer,)] = store.query("SELECT customer_id FROM fct_triggers ORDER BY customer_id LIMIT 1")
    for what, where in (
        ("five weeks", during("created_at")),
        ("one customer", f"customer_id = '{customer}'"),
    ):
        [(rows,)] = store.query(f"SELECT count() FROM v_episodes WHERE {where}")
        read = rows_read(dsn, f"SELECT * FROM v_episodes WHERE {where}")
        say(f"v_episodes, {what}: {rows:,} rows, {read:,} read")
    figures(dsn, "daily figures, every day changed")
    timed("storing them all", lambda: refresh(store, quiet_s=0, budget_s=3_600))
    figures(dsn, "daily figures, stored")
    calls = store.query(
        f"SELECT {', '.join(COLUMNS['fct_calls'])} FROM fct_calls ORDER BY cityHash64(event_id) LIMIT 10000"
    )
    rows = [tuple(to_row(each)) for each in calls]
    moves = Moves(store)
    for _ in range(3):
        timed("settling 10,000 rows", lambda: moves.settle("fct_calls", rows))
    until = 4_000_000_000_000
    timed(
        "erasing a customer",
        lambda: ClickHouseEraser(store).erase(customer, "ab" * 16, Erased(until, until, 1)),
    )


def figures(dsn: str, what: str) -> None:
    """Five weeks, and all, of every daily view."""
    for rollup in ROLLUPS:
        five, whole = (
            rows_read(dsn, f"SELECT * FROM {rollup.view} WHERE {where}") for where in (during("day"), "1")
        )
        say(f"{what}: {rollup.view}: five weeks {five:,} rows read, the year {whole:,}")


def to_row(values: tuple[Any, ...]) -> list[Any]:
    """As the sink has it: times in ms."""
    return [ms_of(value) if isinstance(value, datetime) else value for value in values]


def timed(what: str, run: Callable[[], object]) -> None:
    """Say how long it took."""
    began = time.monotonic()
    run()
    say(f"{what}: {time.monotonic() - began:.1f} s")


def say(line: str) -> None:
    """Print it at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
