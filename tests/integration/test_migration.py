"""Changing the number of partitions, walked through on a real broker: states, later decisions, and nothing twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import NewPartitions

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from streams.cluster.groups import members_of
from streams.cluster.partitioning import partition_of
from streams.cluster.topics import ensure
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.facts import Fact
from streams.core.records import Record
from streams.core.state import State
from streams.operations.carrying import carry, unread
from streams.operations.migration import placed, write_states
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from streams.telemetry.exit_codes import ExitCode
from tests.builders import arrived_anyhow
from tests.integration.administration import Admin
from tests.integration.conftest import Broker
from tests.integration.worker_events import call, history
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
    write,
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


def facts_of(states: dict[str, bytes]) -> dict[str, list[Fact]]:
    return {customer: state.facts for customer, state in without_arrivals(states).items()}


def called(outputs: Iterable[bytes]) -> set[str]:
    """Who is in a trigger."""
    return {event["customer_id"] for event in map(json.loads, filter(None, outputs)) if "trigger_id" in event}


def work_off(settings: Settings, events: int) -> None:
    """A worker until everything that was produced is read, published, and known to be published."""
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, events))
        asyncio.run(until_nothing_is_unsent(settings))
        assert process.stop() == 0, process.log()


def migrate(settings: Settings, prefix: str, partitions: int, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = ["--to-prefix", prefix, "--to-partitions", str(partitions), *more]
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
    assert called(outputs_of(new)), "later decisions were part of it"


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
    assert migrate(old, f"{unique}-new.", LATER).returncode == 0, "it may be given again"
    new = settings_of(kafka, f"{unique}-new", partitions=LATER)
    asyncio.run(write_states(new, {0: ({"somebody": b""}, 0), 1: (states_of(old)[0], 0)}))
    done = migrate(old, new.topic_prefix, LATER)
    assert done.returncode == ExitCode.MISFIT
    assert "holds" in done.stderr
    assert "Traceback" not in done.stderr


GROWN = 3


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_from_topics_that_have_grown_every_event_is_carried_over_and_counts_once(
    kafka: Broker, admin: Admin, unique: str
) -> None:
    events = history(30)
    early, late = events[:100], events[100:]
    old = settings_of(kafka, unique, partitions=FIRST, mode="live")
    grown = old.model_copy(update={"partitions": GROWN})
    ensure(old)
    asyncio.run(produce(old, early[:70]))
    work_off(old, 70)
    asyncio.run(produce(old, early[70:]))  # of customers whose later events lie elsewhere
    with worker(old, "signals", "--no-idle-timers", fail_point="after_changelog") as process:
        process.wait(60)
    assert any(part.unsent for part in asyncio.run(recovered(old)))
    grow(admin, old)
    asyncio.run(produce(grown, late))
    asyncio.run(write(old, topics.CALLS, 2, (None, b"no event")))
    asyncio.run(taken_back(old))

    asyncio.run(until_forgotten(old))

    new = settings_of(kafka, f"{unique}-new", partitions=LATER, mode="live")
    refused = migrate(old, new.topic_prefix, LATER)
    assert refused.returncode == ExitCode.MISFIT, refused.stdout
    assert f"{old.topic(topics.CALLS)}[0, 1, 2]" in refused.stderr
    assert "begin again with --carry-over" in refused.stderr
    checked = behoudlijn(old, "state", "check", "--json")
    assert checked.returncode == ExitCode.MISFIT
    assert f"{old.topic(topics.CALLS)} has 3" in checked.stdout
    assert f"no worker reads {old.topic(topics.CALLS)}[2]" in checked.stdout

    left = len(events) - 70 + 1
    asyncio.run(broken_off(old, new))
    for _ in range(2):  # and given again
        done = migrate(old, new.topic_prefix, LATER, "--carry-over")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{left} records that the old workers had not read carried over" in done.stdout
    with worker(new, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, new, SIGNALS_GROUP, INPUTS, 3 * left))
        asyncio.run(until_nothing_is_unsent(new))
        again = migrate(old, new.topic_prefix, LATER, "--carry-over")
        assert process.stop() == 0, process.log()
    assert again.returncode == ExitCode.MISFIT
    assert "have begun with the new prefix already" in again.stderr
    states, expected = oracle(events, new.policy)
    assert facts_of(united(states_of(new))) == facts_of(states)
    # Partitions had come differently far, and all go on at the latest time: an episode may have another cause, and so another id.
    assert called(outputs_of(old) + outputs_of(new)) == called(expected), "nobody more, and nobody less"
    letters = asyncio.run(read_all(new, topics.DEAD_LETTERS))[topics.DEAD_LETTERS]
    assert len(letters) == 3, "of what is no event, each time it was copied"


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_events_that_lie_on_a_new_partition_alone_are_not_forgotten(
    kafka: Broker, admin: Admin, unique: str
) -> None:
    old = prepared(kafka, unique, partitions=FIRST)
    early = history(12)
    asyncio.run(produce(old, early))
    work_off(old, len(early))
    grow(admin, old)
    grown = old.model_copy(update={"partitions": GROWN})
    late = [call(f"customer-{n}", 50, 9_000 + n) for n in range(12)]
    beyond = [each for each in late if partition_of(each[1]["customer_id"].encode(), GROWN) == FIRST]
    asyncio.run(produce(grown, beyond))

    new = settings_of(kafka, f"{unique}-new", partitions=GROWN)
    for settings in (old, grown):  # as it was, and as one might try
        refused = migrate(settings, new.topic_prefix, GROWN)
        assert refused.returncode == ExitCode.MISFIT, refused.stdout
        assert f"{old.topic(topics.CALLS)}[2]" in refused.stderr
        assert "--carry-over" in refused.stderr
    assert migrate(old, new.topic_prefix, GROWN, "--carry-over").returncode == 0
    work_off(new, len(beyond))
    states, _ = oracle(early + beyond, new.policy)
    assert without_arrivals(united(states_of(new))) == without_arrivals(states)


def grow(admin: Admin, settings: Settings) -> None:
    names = (*topics.INPUTS, *topics.OUTPUTS, topics.REPARTITION, topics.CHANGELOG)
    admin(
        lambda client: client.create_partitions(
            {settings.topic(name): NewPartitions(GROWN) for name in names}
        )
    )


async def until_forgotten(settings: Settings) -> None:
    """Waits until the group does not count a killed worker among its members any more."""
    async with asyncio.timeout(60):
        while await members_of(settings.aiokafka_options(), settings.topic(SIGNALS_GROUP)):  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def taken_back(settings: Settings) -> None:
    """A record of a transaction that its producer aborts."""
    producer = AIOKafkaProducer(**settings.aiokafka_options(), transactional_id=settings.topic_prefix)
    async with producer:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.topic(topics.OUTCOMES), b"never meant", partition=2)
        await producer.abort_transaction()


async def broken_off(old: Settings, new: Settings) -> None:
    """As a migration leaves it that was killed among the states."""
    await carry(old, new, (await unread(old)).positions)
    parts = await recovered(old)
    moved = placed((part.store.states for part in parts), new.partitions)
    await write_states(new, {0: (moved[0], 0)})


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_the_sink_goes_on_with_the_number_that_all_topics_have_by_now(
    kafka: Broker, admin: Admin, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    old = prepared(kafka, unique, partitions=FIRST, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2)
    with worker(old, "sink") as process:
        asyncio.run(produce(old, history(3)))
        asyncio.run(until_committed(process, old, SINK_GROUP, INPUTS, 10))
        grow(admin, old)
        assert process.wait(60) == ExitCode.MISFIT, process.log()
    grown = old.model_copy(update={"partitions": GROWN})
    later = [call(f"customer-{n}", 50, 9_000 + n) for n in range(12)]
    asyncio.run(produce(grown, later))
    with worker(grown, "sink") as process:
        count = len(history(3)) + len(later)
        asyncio.run(until_committed(process, grown, SINK_GROUP, INPUTS, count))
        assert process.stop() == 0, process.log()
