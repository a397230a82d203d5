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
from urllib.parse import urlsplit, urlunsplit

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.tables import TABLES
from tests.engines.choice import program
from tests.rows_read import rows_read
from tests.year_of_rows import fill, merge

FIVE_WEEKS = ("2064-07-01", "2064-08-05")
TIMES = {
    "v_calls": "occurred_at",
    "v_surveys": "occurred_at",
    "v_survey_comments": "occurred_at",
    "v_cancellations": "occurred_at",
    "v_outcomes": "occurred_at",
    "v_unattributable_events": "occurred_at",
    "v_trigger_history": "created_at",
    "v_triggers": "created_at",
    "v_customer_signal_history": "as_of",
    "v_dead_letters": "original_ingested_at",
}
"""The views with a time by which people ask."""


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
        timed("filling", lambda: fill(store, options.events, layers=options.layers))
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


def during(time_column: str) -> str:
    """The condition of the five weeks."""
    begin, end = FIVE_WEEKS
    return f"{time_column} >= '{begin}' AND {time_column} < '{end}'"


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
    """What came with the daily figures; nothing of it is in the layout of before."""


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
