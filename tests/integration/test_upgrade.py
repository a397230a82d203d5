"""A rolling upgrade that adds a topic, on real Kafka: workers of two versions in one group, the later of which knows one event type more."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from streams.cluster.partitioning import partition_of
from streams.settings import SIGNALS_GROUP, Settings
from tests.integration.recipe import IS_CLONE, ROOT, copy_tree, python, recipe
from tests.integration.worker_events import history
from tests.integration.worker_program import (
    INPUTS,
    Process,
    committed,
    prepared,
    produce,
    settings_of,
    until_committed,
    until_said,
    worker,
)
from tests.kafka.broker import KafkaBroker
from tests.worker_environment import environment

VISITS = "contact.visits"
BEFORE = Path(os.environ.get("BEHOUDLIJN_TEST_TREE_BEFORE", ROOT))
"""The version before: this tree, or a checkout of a release to try by hand."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.skipif(not IS_CLONE, reason="the copy is made of what git knows; this is no clone"),
]


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """The version after: a copy of the tree with the recipe's event type."""
    copy = tmp_path / "after"
    copy_tree(copy)
    for step in recipe():
        if not step.what.startswith(("migration", "examples")):
            step.do(copy)
    return copy


def visit(customer: str) -> tuple[str, dict[str, Any]]:
    event = {"type": "visit", "schema_version": 1, "event_id": f"visit-{customer}", "customer_id": customer}
    return VISITS, event | {"occurred_at": "2026-01-11T10:00:00Z", "shop": "north"}


def command(tree: Path, settings: Settings, *arguments: str) -> str:
    """What a command of the version in `tree` prints."""
    given = environment(settings, tree=tree) | {"COLUMNS": "200"}
    done = python(tree, "-m", "streams", *arguments, **given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_workers_of_two_versions_walk_an_upgrade_that_adds_a_topic(
    kafka: KafkaBroker, unique: str, after: Path
) -> None:
    settings = prepared(kafka, unique, partitions=4, merge_idle_ms=200)
    everything = history(24)
    third = len(everything) // 3
    visits = [visit(f"customer-{n}") for n in range(24)]
    assert {partition_of(event["customer_id"].encode(), 4) for _, event in visits} == {0, 1, 2, 3}

    def send(events: list[tuple[str, Any]]) -> None:
        asyncio.run(produce(settings, events))

    def until(process: Process, count: int, *names: str) -> None:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, names or INPUTS, count))

    old = {"tree": BEFORE}
    new = {"tree": after}
    with (
        worker(settings, "signals", "--no-idle-timers", **old) as first,
        worker(settings, "signals", "--no-idle-timers", **old) as second,
    ):
        send(everything[:third])
        until(first, third)
        command(after, settings, "topics", "ensure")
        with worker(settings, "signals", "--no-idle-timers", **new) as third_one:
            asyncio.run(until_said(third_one, "topics wait, since another worker"))
            send(visits)  # a producer that was too early
            send(everything[third : 2 * third])
            until(third_one, 2 * third)
            assert second.stop() == 0
            with worker(settings, "signals", "--no-idle-timers", **new) as fourth:
                send(everything[2 * third :])
                until(fourth, len(everything))
                assert asyncio.run(committed(settings, SIGNALS_GROUP, [VISITS])) == 0, (
                    "a worker of before would not understand the states"
                )
                assert first.stop() == 0
                until(fourth, len(visits), VISITS)
                for process in (first, second, third_one, fourth):
                    assert "worker failed" not in process.log()
                assert fourth.stop() == 0
            assert third_one.stop() == 0
    for number in (0, 7, 23):
        assert "in shop" in command(after, settings, "explain", f"customer-{number}")


def test_a_worker_that_is_given_nothing_but_the_new_topic_waits_and_stays(
    kafka: KafkaBroker, unique: str, after: Path
) -> None:
    stall = {"sink_outage_s": 2, "delivery_timeout_s": 4, "stall_timeout_s": 5}
    settings = settings_of(kafka, unique, partitions=1, **stall)
    command(after, settings, "topics", "ensure")
    with (
        worker(settings, "signals", "--no-idle-timers", tree=BEFORE) as old,
        worker(settings, "signals", "--no-idle-timers", tree=after) as new,
    ):
        asyncio.run(until_said(new, "topics wait, since another worker"))
        asyncio.run(produce(settings, [visit("c1"), *history(3)]))
        asyncio.run(until_committed(old, settings, SIGNALS_GROUP, INPUTS, len(history(3))))
        time.sleep(3 * settings.stall_timeout_s)  # by then the watchdog would have ended it
        assert new.child.poll() is None, new.log()
        assert old.stop() == 0
        asyncio.run(until_committed(new, settings, SIGNALS_GROUP, (VISITS,), 1))
        assert new.stop() == 0
