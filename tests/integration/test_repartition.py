"""Two producers that do not agree where a customer belongs: librdkafka's own partitioner, none, and Kafka's."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import Any
from zlib import crc32

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from schemas import topics
from streams.cli import build
from streams.cluster.partitioning import partition_of
from streams.core.repartition import unwrap
from streams.files.backtest import backtest
from streams.files.ndjson import Line
from streams.policies import load_policy
from streams.settings import SIGNALS_GROUP, Settings
from streams.telemetry.exit_codes import ExitCode
from tests.builders import arrived_anyhow
from tests.integration.conftest import Broker
from tests.integration.worker_events import call, history
from tests.integration.worker_program import (
    INPUTS,
    Process,
    prepared,
    produce,
    read_all,
    recovered,
    settings_of,
    until_committed,
    worker,
)

PARTITIONS = 3
CUSTOMERS = 24


def produce_as_librdkafka(
    broker: Broker, settings: Settings, events: list[tuple[str, Any]], partitioner: str, key: str
) -> None:
    """`key`: of the customer, of an account (`foreign`), or none at all."""
    errors: list[Any] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "partitioner": partitioner})
    for topic, event in events:
        customer = event["customer_id"]
        routing = {"customer": customer, "foreign": f"account-of-{customer}", "none": None}[key]
        producer.produce(
            settings.topic(topic),
            json.dumps(event).encode(),
            routing,
            on_delivery=lambda error, _: errors.append(error) if error else None,
        )
    assert producer.flush(60) == 0
    assert not errors


async def until_all_is_done(process: Process, settings: Settings, count: int) -> list[Any]:
    """Waits until the inputs, and then what was sent on of them, are committed; the latter."""
    await until_committed(process, settings, SIGNALS_GROUP, INPUTS, count)
    sent_on = (await read_all(settings, topics.REPARTITION))[topics.REPARTITION]
    await until_committed(process, settings, SIGNALS_GROUP, [topics.REPARTITION], len(sent_on))
    return sent_on


def mixed_history() -> dict[tuple[str, str], list[tuple[str, Any]]]:
    """By (partitioner, key): calls by librdkafka's default, by account and without a key; surveys by murmur2."""
    events = history(CUSTOMERS)
    calls = [event for event in events if event[0] == topics.CALLS]
    return {
        ("consistent_random", "customer"): calls[0::3],
        ("murmur2_random", "foreign"): calls[1::3],
        ("murmur2_random", "none"): calls[2::3],
        ("murmur2_random", "customer"): [event for event in events if event[0] == topics.SURVEYS],
    }


def expected_facts(policy_name: str) -> dict[str, Any]:
    """Every customer's facts and registers by the backtest, which routes by customer."""
    lines = [
        Line("history", number, json.dumps(event).encode())
        for number, (_, event) in enumerate(history(CUSTOMERS), start=1)
    ]
    found: dict[str, Any] = {}

    def note(_: int, states: dict[str, bytes]) -> None:
        found.update((customer, known_of(data)) for customer, data in states.items())

    backtest(lines, load_policy(policy_name), partitions=PARTITIONS, states=note)
    return found


def known_of(data: bytes) -> tuple[Any, ...]:
    state = arrived_anyhow(data)
    return sorted(state.facts), state.newest, state.requested_at, state.request_open


def assert_one_place_for_each(settings: Settings) -> None:
    """Each customer has one state, at home, with all the facts; and never two episodes at once."""
    states: dict[str, Any] = {}
    for part in asyncio.run(recovered(settings)):
        for customer, data in part.store.states.items():
            assert partition_of(customer.encode(), PARTITIONS) == part.store.number
            assert customer not in states
            states[customer] = known_of(data)
    assert states == expected_facts(settings.policy)
    found = asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]
    opened: dict[str, set[str]] = defaultdict(set)
    for record in found:
        trigger = json.loads(record.value or b"")
        ours = opened[trigger["customer_id"]]
        assert record.partition == partition_of(trigger["customer_id"].encode(), PARTITIONS)
        if trigger["status"] == "open":
            ours.add(trigger["trigger_id"])
        else:
            ours.discard(trigger["trigger_id"])
        assert len(ours) <= 1
    asked = {f"customer-{n}" for n in range(0, CUSTOMERS, 3)}
    assert asked <= opened.keys()


def test_one_customer_on_several_partitions_is_judged_in_one_place(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, partitions=PARTITIONS, merge_idle_ms=200, policy="default")
    batches = mixed_history()
    for (partitioner, key), events in batches.items():
        produce_as_librdkafka(broker, settings, events, partitioner, key)
    total = sum(map(len, batches.values()))
    with worker(settings, "signals", "--no-idle-timers") as process:
        sent_on = asyncio.run(until_all_is_done(process, settings, total))
        metrics = process.metrics()
        assert process.stop() == 0, process.log()
    assert_one_place_for_each(settings)

    # Exactly those whose partition is not their customer's were sent on, each once and whole.
    inputs = asyncio.run(read_all(settings, *INPUTS, topics.DEAD_LETTERS))
    reasons: Counter[str] = Counter()
    misrouted = {}
    for name in INPUTS:
        for record in inputs[name]:
            customer = json.loads(record.value or b"")["customer_id"].encode()
            if partition_of(customer, PARTITIONS) != record.partition:
                reason = {None: "no_key", customer: "wrong_partition"}.get(record.key, "foreign_key")
                reasons[reason] += 1
                misrouted[record.topic, record.partition, record.offset] = record.value
    assert set(reasons) == {"no_key", "foreign_key", "wrong_partition"}
    originals = [unwrap(record) for record in sent_on]
    assert {(o.topic, o.partition, o.offset): o.value for o in originals} == misrouted
    assert len(originals) == len(misrouted)
    for reason, number in reasons.items():
        assert f'behoudlijn_repartitioned_total{{reason="{reason}"}} {number}.0' in metrics
    assert 'behoudlijn_events_total{result="accepted",type="call"} 144.0' in metrics
    assert not inputs[topics.DEAD_LETTERS]
    for record in inputs[topics.CALLS]:
        if record.key is not None and not record.key.startswith(b"account"):
            assert record.partition == crc32(record.key) % PARTITIONS, "this is librdkafka's default"


def test_explain_finds_all_of_a_customer_who_was_on_several_partitions(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, partitions=PARTITIONS)
    events = [call("c-7", number, number * 60) for number in range(6)]
    produce_as_librdkafka(broker, settings, events[:2], "consistent_random", "foreign")
    produce_as_librdkafka(broker, settings, events[2:4], "consistent_random", "none")
    produce_as_librdkafka(broker, settings, events[4:], "murmur2_random", "customer")
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_all_is_done(process, settings, len(events)))
        assert process.stop() == 0, process.log()
    app = build()
    app.command("other")(lambda: None)  # a single command would lose its name
    environment = {
        "BEHOUDLIJN_KAFKA_BOOTSTRAP": broker.bootstrap,
        "BEHOUDLIJN_TOPIC_PREFIX": settings.topic_prefix,
        "COLUMNS": "200",
    }
    shown = CliRunner(env=environment).invoke(app, ["explain", "c-7"])
    assert shown.exit_code == 0, shown.output
    timeline = [line for line in shown.output.splitlines() if "contact" in line and "2026-01-05" in line]
    assert len(timeline) == len(events), shown.output


@pytest.mark.slow
def test_a_kill_after_sending_on_sends_on_again_and_changes_nothing(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, partitions=PARTITIONS, max_batch=20, commit_interval_s=0.1)
    batches = mixed_history()
    for (partitioner, key), events in batches.items():
        produce_as_librdkafka(broker, settings, events, partitioner, key)
    for fail_point in ("before_ack:2", "after_changelog:3"):
        with worker(settings, "signals", "--no-idle-timers", fail_point=fail_point) as process:
            assert process.wait() == 137
    with worker(settings, "signals", "--no-idle-timers") as process:
        sent_on = asyncio.run(until_all_is_done(process, settings, sum(map(len, batches.values()))))
        assert process.stop() == 0, process.log()
    places = [unwrap(record)[:3] for record in sent_on]
    assert len(places) > len(set(places)), "something was sent on twice"
    assert_one_place_for_each(settings)


def test_what_nobody_sent_on_is_a_dead_letter_and_does_not_go_round(broker: Broker, unique: str) -> None:
    """Written into the internal topic by hand: a broken envelope, and a customer of another partition."""
    settings = prepared(broker, unique, partitions=PARTITIONS)
    away = next(f"c-{n}" for n in range(99) if partition_of(f"c-{n}".encode(), PARTITIONS) != 0)
    _, event = call(away, 1, 0)
    line = json.dumps([settings.topic(topics.CALLS), 0, 41, 1_772_000_000_000]).encode()
    strange = [b"no envelope", line + b"\n" + json.dumps(event).encode()]
    asyncio.run(produce(settings, [(topics.REPARTITION, value) for value in strange]))
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, [topics.REPARTITION], 2))
        assert process.stop() == 0, process.log()
    found = asyncio.run(read_all(settings, topics.DEAD_LETTERS, topics.REPARTITION))
    letters = [json.loads(record.value or b"") for record in found[topics.DEAD_LETTERS]]
    places = {(le["topic"], le["offset"], le["reason_code"]) for le in letters}
    assert places == {
        (settings.topic(topics.REPARTITION), 0, "invalid_field"),
        (settings.topic(topics.CALLS), 41, "invalid_customer_id"),
    }
    assert len(found[topics.REPARTITION]) == 2


def test_a_worker_whose_number_of_partitions_is_another_does_not_start(broker: Broker, unique: str) -> None:
    prepared(broker, unique, partitions=PARTITIONS)
    with worker(settings_of(broker, unique, partitions=PARTITIONS + 1), "signals") as process:
        assert process.wait() == ExitCode.MISFIT
        assert "BEHOUDLIJN_PARTITIONS" in process.log()
        assert "Traceback" not in process.log()
