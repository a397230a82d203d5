"""Changing the number of partitions, walked through on a real broker: states, later decisions, and nothing twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from typing import Any

import pytest

from schemas import topics
from streams.cluster.topics import ensure
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.records import Record
from streams.core.state import State
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.settings import SIGNALS_GROUP, Settings
from streams.telemetry.exit_codes import ExitCode
from tests.builders import arrived_anyhow
from tests.integration.conftest import Broker
from tests.integration.worker_events import history
from tests.integration.worker_program import (
    INPUTS,
    behoudlijn,
    prepared,
    produce,
    read_all,
    recovered,
    settings_of,
    until_committed,
    until_nothing_is_unsent,
    worker,
)

OUTPUTS = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.SIGNALS)
FIRST, LATER = 2, 5
"""Partitions before and after: no multiple, so that nearly every customer moves."""


def oracle(events: list[tuple[str, dict[str, Any]]], policy: str) -> tuple[dict[str, bytes], Counter[bytes]]:
    """States and outputs of the whole history by the core alone, in one partition: events come in order of time."""
    states: dict[str, bytes] = {}
    outputs: Counter[bytes] = Counter()
    clock, rules, phrases = Clock(), load_policy(policy), load_phrases()
    for number, (topic, event) in enumerate(events):
        record = Record(topic, 0, number, -1, event["customer_id"].encode(), json.dumps(event).encode())
        result = process_batch([decode(record)], states, rules, clock, wording=phrases)
        for customer, state in result.states.items():
            if state is None:
                states.pop(customer, None)
            else:
                states[customer] = state
        outputs.update(output.value for output in result.outputs)
    return states, outputs


def states_of(settings: Settings) -> dict[int, dict[str, bytes]]:
    return {part.store.number: part.store.states for part in asyncio.run(recovered(settings))}


def united(states: dict[int, dict[str, bytes]]) -> dict[str, bytes]:
    return {customer: state for part in states.values() for customer, state in part.items()}


def without_arrivals(states: dict[str, bytes]) -> dict[str, State]:
    return {customer: arrived_anyhow(data) for customer, data in states.items()}


def work_off(settings: Settings, events: int) -> None:
    """A worker until everything that was produced is read, published, and known to be published."""
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, events))
        asyncio.run(until_nothing_is_unsent(settings))
        assert process.stop() == 0, process.log()


def migrate(settings: Settings, prefix: str, partitions: int) -> subprocess.CompletedProcess[str]:
    arguments = ["--to-prefix", prefix, "--to-partitions", str(partitions)]
    return behoudlijn(settings, "topics", "migrate", *arguments)


def outputs_of(settings: Settings) -> Counter[bytes]:
    found = asyncio.run(read_all(settings, *OUTPUTS))
    return Counter(record.value or b"" for name in OUTPUTS for record in found[name])


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_customers_move_to_more_partitions_and_go_on_as_if_nothing_had_been(
    kafka: Broker, unique: str
) -> None:
    events = history(60)
    early, late = events[:200], events[200:]
    old = settings_of(kafka, unique, partitions=FIRST, mode="live")
    new = settings_of(kafka, f"{unique}-new", partitions=LATER, mode="live")
    ensure(old)
    asyncio.run(produce(old, early))
    ensure(new)
    asyncio.run(produce(new, late))  # the producers are switched first, and their events wait
    work_off(old, len(early))
    before = states_of(old)

    done = migrate(old, new.topic_prefix, LATER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(united(before))} customers moved from 2 to 5 partitions" in done.stdout
    moved = states_of(new)
    assert united(moved) == united(before), "byte for byte"
    assert all(moved.values()), "every new partition has customers of its own"
    assert not outputs_of(new), "moving publishes nothing"

    work_off(new, len(late))
    states, expected = oracle(events, new.policy)
    assert without_arrivals(united(states_of(new))) == without_arrivals(states)
    assert outputs_of(old) + outputs_of(new) == expected, "every decision once, and none twice"
    sequels = {json.loads(value)["trigger_id"] for value in outputs_of(new) if b'"trigger_id"' in value}
    assert sequels, "later decisions were part of it"


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_it_refuses_what_would_lose_or_repeat_something(kafka: Broker, unique: str) -> None:
    events = history(12)
    old = prepared(kafka, unique, partitions=FIRST)
    asyncio.run(produce(old, events))
    done = migrate(old, f"{unique}-new.", LATER)
    assert done.returncode == ExitCode.MISFIT
    assert "has not read everything" in done.stderr
    with worker(old, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, old, SIGNALS_GROUP, INPUTS, len(events)))
        done = migrate(old, f"{unique}-new.", LATER)
        assert done.returncode == ExitCode.MISFIT
        assert "still run" in done.stderr
        asyncio.run(until_nothing_is_unsent(old))
        assert process.stop() == 0, process.log()
    assert migrate(old, old.topic_prefix, LATER).returncode == 2
    assert migrate(old, f"{unique}-new.", LATER).returncode == 0
    done = migrate(old, f"{unique}-new.", LATER)
    assert done.returncode == ExitCode.MISFIT
    assert "holds" in done.stderr
    assert "Traceback" not in done.stderr
