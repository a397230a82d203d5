"""The sink worker as a process, from a real broker into a real ClickHouse server, and over an outage of
it.
"""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from streams.settings import SINK_GROUP
from streams.telemetry.exit_codes import ExitCode
from tests.clickhouse_double import doubled
from tests.clickhouse_troubles import CUT_AFTER, HANGS, error
from tests.integration.conftest import Broker
from tests.integration.worker_events import call, history
from tests.integration.worker_program import (
    INPUTS,
    behoudlijn,
    committed,
    prepared,
    produce,
    read_all,
    run_to_the_end,
    until_committed,
    until_said,
    worker,
)


def count(server: EmbeddedClickHouse, view: str) -> int:
    store = ClickHouse(server.dsn)
    try:
        return int(store.query(f"SELECT count() FROM {view}")[0][0])
    finally:
        store.close()


def test_events_and_decisions_become_rows(
    broker: Broker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    events: list[tuple[str, Any]] = [
        *history(30),
        call("unknown", 1, 3),  # nobody in particular
        (topics.CALLS, b"no json"),
    ]
    settings = prepared(broker, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.3)
    asyncio.run(produce(settings, [*events, events[0]]))  # one event comes twice
    run_to_the_end(settings, len(events) + 1)
    outputs = asyncio.run(read_all(settings, *topics.OUTPUTS))
    everything = len(events) + 1 + sum(map(len, outputs.values()))
    with worker(settings, "sink") as sink:
        every = (*INPUTS, *topics.OUTPUTS)
        asyncio.run(until_committed(sink, settings, SINK_GROUP, every, everything))
        assert sink.stop() == 0, sink.log()

    triggers = {
        (t["trigger_id"], t["sequence"])
        for t in (json.loads(record.value or b"") for record in outputs[topics.SHADOW_TRIGGERS])
    }
    assert triggers
    expected = {"v_calls": 180, "v_surveys": 10, "v_unattributable_events": 1, "v_dead_letters": 1}
    expected |= {"v_trigger_history": len(triggers), "v_triggers": len({each for each, _ in triggers})}
    assert {view: count(clickhouse, view) for view in expected} == expected


def test_a_stop_during_an_outage_ends_and_acknowledges_nothing(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, clickhouse_dsn="clickhouse://127.0.0.1:1/none", sink_batch_s=0.2)
    asyncio.run(produce(settings, history(3)))
    with worker(settings, "sink") as sink:
        asyncio.run(until_said(sink, "sink unavailable"))
        assert sink.stop() == 0, sink.log()
    assert asyncio.run(committed(settings, SINK_GROUP, INPUTS)) == 0


def test_an_outage_holds_the_offsets_and_loses_nothing(
    broker: Broker, unique: str, tmp_path: Path, clickhouse: EmbeddedClickHouse
) -> None:
    events = history(20)
    settings = prepared(broker, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2, sink_retry_max_s=1)
    with worker(settings, "sink") as sink:
        asyncio.run(produce(settings, events[:40]))
        asyncio.run(until_committed(sink, settings, SINK_GROUP, INPUTS, 40))
        clickhouse.stop()
        asyncio.run(produce(settings, events[40:]))
        asyncio.run(until_said(sink, "sink unavailable"))
        assert asyncio.run(committed(settings, SINK_GROUP, INPUTS)) == 40
        with EmbeddedClickHouse(
            path=tmp_path / "data",
            port=clickhouse.port,
            password=clickhouse.password,
            arguments=["--exit-with-parent"],
        ) as again:
            asyncio.run(until_committed(sink, settings, SINK_GROUP, INPUTS, len(events)))
            assert sink.stop() == 0, sink.log()
            assert count(again, "v_calls") + count(again, "v_surveys") == len(events)


def test_an_outage_that_lasts_ends_the_worker_and_acknowledges_nothing(broker: Broker, unique: str) -> None:
    away = "clickhouse://127.0.0.1:1/none"
    settings = prepared(broker, unique, clickhouse_dsn=away, sink_batch_s=0.2, sink_outage_s=1)
    asyncio.run(produce(settings, history(3)))
    with worker(settings, "sink") as sink:
        assert sink.wait() == ExitCode.UNAVAILABLE
        assert "ClickHouse at 127.0.0.1:1/none is not available" in sink.log()
    assert asyncio.run(committed(settings, SINK_GROUP, INPUTS)) == 0


def test_a_full_disk_is_told_while_the_offsets_are_held_and_afterwards_all_rows_are_there(
    broker: Broker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    events = history(10)
    with doubled("127.0.0.1", clickhouse.port) as double:
        settings = prepared(
            broker,
            unique,
            clickhouse_dsn=clickhouse.dsn.replace(f":{clickhouse.port}/", f":{double.port}/"),
            sink_batch_s=0.2,
            sink_retry_max_s=0.5,
            sink_timeout_s=2,
        )
        double.play(*[error(243, "NOT_ENOUGH_SPACE")] * 12, at="INSERT INTO")
        double.play(*[HANGS, CUT_AFTER, error(1002, "UNKNOWN_EXCEPTION", done=True)] * 50, at="INSERT INTO")
        with worker(settings, "sink") as sink:
            asyncio.run(produce(settings, events))
            asyncio.run(until_said(sink, "sink unavailable"))
            told = requests.get(f"{sink.health()}/readyz", timeout=10)
            counted = sink.metrics()
            assert asyncio.run(committed(settings, SINK_GROUP, INPUTS)) == 0
            while double.seen["cut after"] + double.seen["hangs"] == 0:
                time.sleep(0.05)
            double.forget()
            asyncio.run(until_committed(sink, settings, SINK_GROUP, INPUTS, len(events)))
            assert sink.stop() == 0, sink.log()
            lines = list(sink.lines())
    assert told.status_code == 503
    [missing] = told.json()["missing"]
    assert "error 243 NOT_ENOUGH_SPACE, its disk is full" in missing
    assert "Offsets are held" in missing
    assert 'behoudlijn_sink_retries_total{reason="disk_full"} 0.0' not in counted
    assert 'behoudlijn_sink_retries_total{reason="too_many_parts"} 0.0' in counted
    why = [line["why"] for line in lines if line["event"].startswith("sink unavailable")]
    assert why[0] == "disk_full"
    assert all(before != after for before, after in pairwise(why)), "a line for each change, not for each try"
    assert sum(line["event"] == "sink available again" for line in lines) == 1
    assert not [
        line for line in lines if line["logger"].split(".")[0] in ("clickhouse_connect", "stamina", "urllib3")
    ]
    rows = sum(count(clickhouse, table) for table in ("fct_calls", "fct_surveys"))
    assert rows == len(events), "tables, not views: nothing is written twice"


def test_what_lasts_ends_the_worker_with_the_true_reason(
    broker: Broker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    with doubled("127.0.0.1", clickhouse.port) as double:
        dsn = clickhouse.dsn.replace(f":{clickhouse.port}/", f":{double.port}/")
        settings = prepared(
            broker, unique, clickhouse_dsn=dsn, sink_batch_s=0.2, sink_outage_s=1, sink_retry_max_s=0.5
        )
        asyncio.run(produce(settings, history(3)))
        double.play(*[error(75, "CANNOT_WRITE_TO_FILE_DESCRIPTOR")] * 1_000, at="INSERT INTO")
        with worker(settings, "sink") as sink:
            assert sink.wait() == ExitCode.UNAVAILABLE
            [failed] = [line for line in sink.lines() if line["event"].startswith("worker failed")]
    assert (
        "error 75 CANNOT_WRITE_TO_FILE_DESCRIPTOR, its disk is full or cannot be written" in failed["reason"]
    )
    assert "It was tried again for" in failed["reason"]
    assert asyncio.run(committed(settings, SINK_GROUP, INPUTS)) == 0


def test_an_output_that_is_none_of_ours_ends_the_worker_and_says_what_to_do(
    broker: Broker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    settings = prepared(broker, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2)
    asyncio.run(produce(settings, [(topics.SIGNALS, b'{"type":"customer_signals","schema_version":9}')]))
    with worker(settings, "sink") as sink:
        assert sink.wait() == ExitCode.BAD_DATA
        assert "is no CustomerSignals (fields: as_of, band," in sink.log()
        assert "upgrade the sink worker" in sink.log()
    assert asyncio.run(committed(settings, SINK_GROUP, [topics.SIGNALS])) == 0


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_foreign_record_is_named_and_skipped_alone(
    kafka: Broker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    """Junk between triggers: all before it is written and committed, then an operator goes past it."""
    events = history(12)
    settings = prepared(kafka, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2, mode="live")
    asyncio.run(produce(settings, events))
    run_to_the_end(settings, len(events))
    before = asyncio.run(read_all(settings, topics.TRIGGERS))[topics.TRIGGERS]
    asyncio.run(produce(settings, [(topics.TRIGGERS, b"junk")]))  # behind those, on partition 0
    junk = sum(record.partition == 0 for record in before)
    for record in [each for each in before if each.partition == 0][:2]:  # and repeats behind the junk
        asyncio.run(produce(settings, [(topics.TRIGGERS, record.value or b"")]))
    command = ["topics", "skip", topics.TRIGGERS, "0", str(junk), "--group", "sink", "--yes"]
    with worker(settings, "sink") as sink:
        assert sink.wait() == ExitCode.BAD_DATA, sink.log()
        assert f"`behoudlijn {' '.join(command[:-1])}`" in sink.log()
    assert count(clickhouse, "v_triggers") > 0

    wrong = behoudlijn(settings, *command[:4], str(junk + 1), *command[5:])
    assert wrong.returncode == ExitCode.MISFIT
    assert "1 record before" in wrong.stderr
    asked = behoudlijn(settings, *command[:-1])
    assert asked.returncode == ExitCode.MISTAKE
    assert "4 bytes" in asked.stdout
    assert "junk" not in asked.stdout
    done = behoudlijn(settings, *command)
    assert done.returncode == 0, done.stderr
    assert "give --yes" in asked.stderr
    held = asyncio.run(read_all(settings, *INPUTS, *topics.OUTPUTS))
    total = sum(map(len, held.values()))
    with worker(settings, "sink") as sink:
        asyncio.run(until_committed(sink, settings, SINK_GROUP, (*INPUTS, *topics.OUTPUTS), total))
        assert sink.stop() == 0, sink.log()
    ids = {json.loads(record.value or b"")["trigger_id"] for record in before}
    assert count(clickhouse, "v_triggers") == len(ids)
    assert "skipped it" in behoudlijn(settings, "dead-letters", "list").stdout.replace("\n", " ")
