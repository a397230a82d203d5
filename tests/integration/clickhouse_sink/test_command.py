"""`behoudlijn clickhouse migrate`, and the engine in this process by a chdb DSN."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from schemas import topics
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import available
from sinks.clickhouse.rows import row_of_event
from streams.cli import build
from streams.telemetry.exit_codes import ExitCode
from tests.integration.clickhouse_sink.messages import At, day, event
from tests.integration.clickhouse_sink.old_sink import OldSink

_CHDB = """
import sys
from schemas import topics
from schemas.call import CallEvent
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.rows import row_of_event
from sinks.clickhouse.writer import ClickHouseSink
from tests.integration.clickhouse_sink.messages import At, event

store = ClickHouse(sys.argv[1])
migrate(store)
sink = ClickHouseSink(store)
for _ in range(2):
    for number in range(5):
        sink.add(*row_of_event(event(CallEvent, name=f"e{number}"), At(topics.CALLS, offset=number)))
    assert sink.flush().total == 5
assert store.query("SELECT count() FROM fct_calls") == [(5,)]
store.close()
store = ClickHouse(sys.argv[1])
assert migrate(store) == []
assert store.query("SELECT count() FROM v_calls") == [(5,)]
store.close()
print("done")
"""


@pytest.fixture
def app() -> typer.Typer:
    return build()


def test_migrate_makes_the_database_and_may_be_run_again(app: typer.Typer, dsn: str) -> None:
    first = CliRunner().invoke(app, ["clickhouse", "migrate", "--dsn", dsn])
    assert first.exit_code == 0, first.output
    assert "applied 001 facts" in first.output
    again = CliRunner().invoke(app, ["clickhouse", "migrate"], env={"BEHOUDLIJN_CLICKHOUSE_DSN": dsn})
    assert again.exit_code == 0, again.output
    assert "applied" not in again.output
    assert f"has all {len(available())} migrations" in again.output
    store = ClickHouse(dsn)
    assert store.query("SELECT count() FROM v_calls") == [(0,)]
    store.close()


def test_what_workers_of_before_leave_out_is_made_up_for_by_a_second_run(app: typer.Typer, dsn: str) -> None:
    """Beside it a worker of 0.2 writes a call, and its correction to the day after: neither figures nor a move follow from that."""

    def migrate() -> str:
        ran = CliRunner().invoke(app, ["clickhouse", "migrate", "--dsn", dsn])
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def shown() -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        return (
            store.query("SELECT toDate(occurred_at) FROM v_calls ORDER BY 1"),
            store.query("SELECT day, contacts FROM v_daily_contacts WHERE contacts > 0 ORDER BY 1"),
        )

    assert "figures" not in migrate(), "a new database"
    store = ClickHouse(dsn)
    old = OldSink(store)
    for number in range(2):
        old.add(row_of_event(event(CallEvent, at=day(number)), At(topics.CALLS, offset=number)))
    before, after = day(0).date(), day(1).date()
    assert shown() == ([(before,), (after,)], [])
    for _ in range(2):
        assert "days of daily figures" in migrate()
        assert shown() == ([(after,)], [(after, 1)])
    store.close()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("clickhouse://u:geheim@127.0.0.1:1/x", ExitCode.UNAVAILABLE),
        ("mysql://u:geheim@h/x", ExitCode.MISTAKE),
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(app: typer.Typer, wrong: str, code: ExitCode) -> None:
    found = CliRunner().invoke(app, ["clickhouse", "migrate", "--dsn", wrong])
    assert found.exit_code == code
    assert found.output.startswith("clickhouse: ")
    assert "geheim" not in found.output
    assert "Traceback" not in found.output


def test_the_engine_in_one_process(tmp_path: Path) -> None:
    """In a child, since a process owns one chDB path for its life."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _CHDB, f"chdb://{tmp_path}/engine"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("done")
