"""The public telco set through the real topics, both workers and ClickHouse: the figures that anybody can recompute."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.evaluation import evaluate
from sinks.clickhouse.migrations import migrate
from streams.cluster.topics import ensure
from streams.core.published import Output
from streams.files.backtest import Summary, backtest
from streams.files.ndjson import Line
from streams.files.replay import outgoing_lines, send
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.settings import SIGNALS_GROUP, SINK_GROUP
from tests.builders import without_a_desk
from tests.converted import converted
from tests.integration.conftest import Broker
from tests.integration.worker_program import read_all, settings_of, until_committed, worker

POLICY = "four-unresolved-calls"
PARTITIONS = 3
TELCO = "tests/data/churn.all.gz"


@pytest.fixture(scope="module")
def events() -> list[Line]:
    """The telco set as events, in the order of time."""
    return [Line("telco", number, data) for number, data in enumerate(converted("telco-churn", TELCO), 1)]


class Expected(NamedTuple):
    summary: Summary
    triggers: list[bytes]


def judged(events: list[Line], partitions: int, max_batch: int = 2_000) -> Expected:
    triggers: list[bytes] = []

    def note(output: Output) -> None:
        if output.kind == "trigger":
            triggers.append(output.value)

    found = backtest(
        events,
        without_a_desk(load_policy(POLICY)),
        partitions=partitions,
        max_batch=max_batch,
        wording=load_phrases(),
        outputs=note,
    )
    return Expected(found.summary, triggers)


@pytest.fixture(scope="module")
def expected(events: list[Line]) -> Expected:
    return judged(events, PARTITIONS)


@pytest.fixture
def clickhouse() -> Iterator[EmbeddedClickHouse]:
    with EmbeddedClickHouse() as server:
        yield server


def test_backtest_finds_the_published_figures(expected: Expected) -> None:
    summary = expected.summary
    assert (summary.customers, summary.flagged_customers, summary.cancelled_customers) == (5000, 399, 707)
    assert summary.flagged_and_cancelled == 201
    assert summary.precision == pytest.approx(0.5038, abs=1e-4)
    assert summary.recall == pytest.approx(0.2843, abs=1e-4)


@pytest.mark.parametrize(("partitions", "max_batch"), [(1, 2_000), (3, 7), (8, 500)])
def test_backtest_is_the_same_for_any_partitions_and_batches(
    events: list[Line], expected: Expected, partitions: int, max_batch: int
) -> None:
    again = judged(events, partitions, max_batch)
    assert sorted(again.triggers) == sorted(expected.triggers)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("max_batch", [2_000, 37])
def test_replayed_through_kafka_clickhouse_holds_399_flagged_201_of_707(
    broker: Broker,
    unique: str,
    clickhouse: EmbeddedClickHouse,
    events: list[Line],
    expected: Expected,
    max_batch: int,
) -> None:
    settings = settings_of(
        broker,
        unique,
        mode="live",
        policy=POLICY,
        partitions=PARTITIONS,
        max_batch=max_batch,
        clickhouse_dsn=clickhouse.dsn,
    )
    ensure(settings)
    store = ClickHouse(clickhouse.dsn)
    migrate(store)
    sent = asyncio.run(send(outgoing_lines(events), settings))
    assert sent.records == len(events)

    inputs = tuple(topics.INPUTS)
    with worker(settings, "signals", "--no-idle-timers") as signals:
        asyncio.run(until_committed(signals, settings, SIGNALS_GROUP, inputs, len(events)))
        assert signals.stop() == 0, signals.log()
    with worker(settings, "sink") as sink:
        everything = (*inputs, topics.TRIGGERS, topics.SIGNALS)
        found = asyncio.run(read_all(settings, *everything))
        total = sum(map(len, found.values()))
        asyncio.run(until_committed(sink, settings, SINK_GROUP, everything, total))
        assert sink.stop() == 0, sink.log()

    published = [record.value or b"" for record in found[topics.TRIGGERS]]
    assert sorted(published) == sorted(expected.triggers), "the worker and backtest agree byte for byte"
    ids = {json.loads(value)["trigger_id"] for value in published}
    assert {row[0] for row in store.query("SELECT trigger_id FROM v_triggers")} == ids

    figures = evaluate(store, "live")
    assert (figures.customers, figures.cancelled) == (5000, 707)
    assert (figures.triggers.flagged, figures.triggers.hits) == (399, 201)
