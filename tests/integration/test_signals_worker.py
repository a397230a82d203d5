"""The signals worker as a process on a real broker: what it publishes, and that a kill changes nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from schemas import topics
from streams.core.records import Record
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.changelog import PARTITION_KEY
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import alter
from tests.integration.conftest import Broker
from tests.integration.worker_events import START, call, history, survey
from tests.integration.worker_program import (
    INPUTS,
    Process,
    committed,
    prepared,
    produce,
    read_all,
    run_to_the_end,
    states_of,
    until_committed,
    until_left,
    until_nothing_is_unsent,
    until_said,
    until_true,
    worker,
)
from tests.kafka.broker import KafkaBroker
from tests.oracle import answer


def assert_like_the_oracle(settings: Settings) -> dict[str, list[Record]]:
    outputs = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.SIGNALS, topics.DEAD_LETTERS)
    found = asyncio.run(read_all(settings, *INPUTS, *outputs))
    right = answer(settings, found)
    assert {r.value for name in outputs[:3] for r in found[name]} == right.outputs
    assert states_of(settings) == right.states
    return found


def given(broker: Broker, unique: str, events: Sequence[tuple[str, Any]], **more: Any) -> Settings:
    settings = prepared(broker, unique, **more)
    asyncio.run(produce(settings, events))
    return settings


def test_events_become_triggers_signals_and_dead_letters(broker: Broker, unique: str) -> None:
    six_days_ago = (time.time() - START.timestamp()) // 60 - 6 * 24 * 60
    asks, request = survey("customer-waits", 1, int(six_days_ago))
    known = request | {"type": "profile", "event_id": "p", "phone_e164": "+31201234567"}
    del known["csat"], known["callback_requested"]
    events: list[tuple[str, Any]] = [*history(30), (topics.PROFILES, known), (asks, request)]
    events += [(topics.CALLS, b"\xffno json"), (topics.SURVEYS, b"{}")]
    settings = given(broker, unique, events, mode="live")
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events)))
        ready = requests.get(f"{process.health()}/readyz", timeout=10).json()
        assert ready == {"ready": True, "missing": [], "warnings": []}
        metrics = process.metrics()
        assert process.stop() == 0, process.log()
    assert 'behoudlijn_events_total{result="accepted",type="call"} 180.0' in metrics
    assert 'behoudlijn_dead_letters_total{reason="not_json"} 1.0' in metrics
    assert 'behoudlijn_lag_records{partition="0",topic="contact.calls"} 0.0' in metrics
    oldest = metrics.split("\nbehoudlijn_oldest_unanswered_callback_request_seconds ")[1].split()[0]
    assert 0 < float(oldest) < 6 * 86_400, (
        "of who waits for six days, the hours of calling; who has no number is not waited for"
    )
    found = assert_like_the_oracle(settings)

    triggers = [json.loads(record.value or b"") for record in found[topics.TRIGGERS]]
    asked = {f"customer-{n}" for n in range(0, 30, 3)} | {"customer-waits"}
    assert {t["customer_id"] for t in triggers if t["purpose"] == "requested_callback"} == asked
    assert len({(t["trigger_id"], t["sequence"]) for t in triggers}) == len(triggers)
    assert not found[topics.SHADOW_TRIGGERS], "live triggers have their own topic"
    assert found[topics.SIGNALS]
    letters = [json.loads(record.value or b"") for record in found[topics.DEAD_LETTERS]]
    assert Counter(letter["reason_code"] for letter in letters)["not_json"] == 1
    assert len(letters) == 2
    for record in found[topics.TRIGGERS] + found[topics.SIGNALS]:
        assert record.key == json.loads(record.value or b"")["customer_id"].encode()


def test_a_trigger_past_its_validity_is_recorded_and_no_dialer_hears_of_it(
    broker: Broker, unique: str
) -> None:
    events = history(9)  # of long ago, for a worker that lives today
    settings = given(broker, unique, events, mode="live")
    with worker(settings, "signals", "--idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events)))
        assert process.stop() == 0, process.log()
    found = asyncio.run(read_all(settings, topics.TRIGGERS, topics.SHADOW_TRIGGERS))
    statuses = {
        name: {json.loads(record.value or b"")["status"] for record in records}
        for name, records in found.items()
    }
    assert "open" in statuses[topics.SHADOW_TRIGGERS]
    assert "open" not in statuses[topics.TRIGGERS]


def test_shadow_mode_tells_no_dialer(broker: Broker, unique: str) -> None:
    events = history(9)
    settings = given(broker, unique, events)
    run_to_the_end(settings, len(events))
    found = assert_like_the_oracle(settings)
    assert not found[topics.TRIGGERS]
    assert found[topics.SHADOW_TRIGGERS]


@pytest.mark.slow
@pytest.mark.parametrize("fail_point", ["after_changelog:2", "after_outputs:2", "before_ack:2"])
def test_a_kill_between_two_steps_changes_nothing(broker: Broker, unique: str, fail_point: str) -> None:
    events = history(60)
    settings = given(broker, unique, events, mode="live", max_batch=80, commit_interval_s=0.1)
    with worker(settings, "signals", "--no-idle-timers", fail_point=fail_point) as process:
        assert process.wait() == 137
    run_to_the_end(settings, len(events))
    found = assert_like_the_oracle(settings)
    counts = Counter(record.value for record in found[topics.TRIGGERS] + found[topics.SIGNALS])
    assert max(counts.values()) <= 2, "an output is sent again at most once"


def test_a_restart_reads_back_every_state_and_goes_on(broker: Broker, unique: str) -> None:
    events = history(40)
    settings = given(broker, unique, events[:120])
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, 120))
        asyncio.run(until_nothing_is_unsent(settings))
        assert process.stop() == 0, process.log()
    asyncio.run(produce(settings, events[120:]))
    run_to_the_end(settings, len(events))
    found = assert_like_the_oracle(settings)
    published = Counter(record.value for record in found[topics.SHADOW_TRIGGERS])
    assert set(published.values()) == {1}, "a clean restart sends nothing again"
    changelog = asyncio.run(read_all(settings, topics.CHANGELOG))[topics.CHANGELOG]
    assert {record.partition for record in changelog if record.key == PARTITION_KEY} == {0, 1}


@pytest.mark.slow
def test_killed_again_and_again_it_ends_like_the_oracle(broker: Broker, unique: str) -> None:
    events, random = history(300), Random(7)
    settings = given(broker, unique, events, mode="live", max_batch=30, commit_interval_s=0.1)
    for _ in range(3):
        with worker(settings, "signals", "--no-idle-timers") as process:
            asyncio.run(until_said(process, "recovered"))
            asyncio.run(asyncio.sleep(random.random() * 0.3))
            process.child.kill()
            process.wait()
    run_to_the_end(settings, len(events))
    assert_like_the_oracle(settings)


LATER = 60 * 24 * 40
"""Minutes after the beginning of a history at which nearly everyone's timers have fallen due."""


def test_timers_that_fall_due_at_once_do_not_hold_up_an_event(broker: Broker, unique: str) -> None:
    events = history(300)
    settings = given(broker, unique, events, partitions=1)
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events)))
        before = len(asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS])
        asyncio.run(produce(settings, [survey("customer-now", 0, LATER)]))
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events) + 1))
        assert process.stop() == 0, process.log()
    found = assert_like_the_oracle(settings)[topics.SHADOW_TRIGGERS]
    customers = [record.key for record in sorted(found, key=lambda each: each.offset)[before:]]
    assert customers.index(b"customer-now") < 20
    assert len(customers) > 200


@pytest.mark.slow
def test_an_event_goes_before_timers_that_the_wall_clock_lets_fall_due(broker: Broker, unique: str) -> None:
    events = history(1_500)
    settings = given(broker, unique, events, partitions=1)
    run_to_the_end(settings, len(events))
    before = len(asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS])
    with worker(settings, "signals", "--idle-timers", fail_point="stop@after_changelog:3") as process:
        asyncio.run(until_asleep(process))
        minute = int((datetime.now(UTC) - START).total_seconds() / 60)
        asyncio.run(produce(settings, [survey("customer-now", 0, minute)]))
        process.child.send_signal(signal.SIGCONT)
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events) + 1))
        asked = {"customer-now", *(f"customer-{n}" for n in range(0, 1_500, 3))}
        asyncio.run(until_left(process, settings, asked))
        assert process.stop() == 0, process.log()
    found = asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]
    customers = [record.key for record in sorted(found, key=lambda each: each.offset)[before:]]
    assert customers.index(b"customer-now") < len(customers) / 2
    assert len(customers) > 1_000


@pytest.mark.slow
def test_a_kill_while_timers_that_were_put_off_are_judged_changes_nothing(
    broker: Broker, unique: str
) -> None:
    events = history(300)
    settings = given(broker, unique, events, partitions=1)
    run_to_the_end(settings, len(events))
    asyncio.run(produce(settings, [survey("customer-now", 0, LATER)]))
    with worker(settings, "signals", "--no-idle-timers", fail_point="after_changelog:3") as process:
        assert process.wait() == 137
    run_to_the_end(settings, len(events) + 1)
    assert_like_the_oracle(settings)


def test_a_broker_out_of_reach_is_told_without_a_traceback(unique: str) -> None:
    settings = Settings(kafka_bootstrap="127.0.0.1:1", topic_prefix=f"{unique}.", metrics_port=0)
    with worker(settings, "signals") as process:
        assert process.wait() == ExitCode.UNAVAILABLE
        assert "Traceback" not in process.log()
        assert "BEHOUDLIJN_KAFKA_BOOTSTRAP" in process.log()


def test_time_passes_for_silent_customers(broker: Broker, unique: str) -> None:
    """The events are months old: with wall time, they cool down and leave, except who still waits for us."""
    events = history(6)
    settings = given(broker, unique, events)
    with worker(settings, "signals") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events)))
        asyncio.run(until_left(process, settings, {"customer-0", "customer-3"}))  # they asked for a callback
        assert process.stop() == 0, process.log()
    found = asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]
    last: dict[str, Any] = {}
    for record in found:
        trigger = json.loads(record.value or b"")
        last[trigger["trigger_id"]] = max(
            last.get(trigger["trigger_id"], (0, "")), (trigger["sequence"], trigger["status"])
        )
    assert last
    assert "open" not in {status for _, status in last.values()}


def test_a_worker_that_slept_too_long_sends_nothing_more(broker: Broker, unique: str) -> None:
    events = history(60)
    settings = given(broker, unique, events, max_batch=40)
    with worker(settings, "signals", "--no-idle-timers") as sleeper:
        asyncio.run(until_committed(sleeper, settings, SIGNALS_GROUP, INPUTS, 40))
        sleeper.child.send_signal(signal.SIGSTOP)
        with worker(settings, "signals", "--no-idle-timers") as other:
            asyncio.run(until_committed(other, settings, SIGNALS_GROUP, INPUTS, len(events)))
            sleeper.child.send_signal(signal.SIGCONT)
            asyncio.run(asyncio.sleep(3))
            later = [call(f"customer-{n}", 50, 6 * 60 * 24 + n) for n in range(9)]
            asyncio.run(produce(settings, later))
            assert other.stop() == 0, other.log()
        sleeper.stop()
    run_to_the_end(settings, len(events) + len(later))
    assert_like_the_oracle(settings)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["before_changelog", "after_changelog", "after_outputs"])
def test_a_worker_that_slept_between_two_steps_ends_and_changes_nothing(
    broker: Broker, unique: str, place: str
) -> None:
    events = history(60)
    settings = given(broker, unique, events, mode="live", max_batch=40)
    with worker(settings, "signals", "--no-idle-timers", fail_point=f"stop@{place}:2") as sleeper:
        asyncio.run(until_asleep(sleeper))
        with worker(settings, "signals", "--no-idle-timers") as other:
            asyncio.run(until_committed(other, settings, SIGNALS_GROUP, INPUTS, len(events)))
            sleeper.child.send_signal(signal.SIGCONT)
            assert sleeper.wait() == ExitCode.BROKE_OFF
            assert "no heartbeat was confirmed" in sleeper.log()
            assert other.stop() == 0, other.log()
    assert_like_the_oracle(settings)


async def until_asleep(process: Process) -> None:
    await until_true(process, lambda: _state(process).startswith("T"))


def _state(process: Process) -> str:
    return Path(f"/proc/{process.child.pid}/stat").read_text().rpartition(")")[2].strip()


@pytest.mark.slow
def test_a_worker_tells_what_it_waits_for_and_goes_on(broker: Broker, unique: str) -> None:
    events = history(3)
    settings = given(broker, unique, events[:6])
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, 6))
        process.child.send_signal(signal.SIGUSR1)
        asyncio.run(until_said(process, "asked what it waits for"))
        told = next(line for line in process.log().splitlines() if "asked what it waits for" in line)
        assert "lane-fetch: consumer._fetch_forever" in told
        assert "_heartbeat_routine" in told, "the Kafka client has an event loop of its own"
        assert "customer-" not in told
        asyncio.run(produce(settings, events[6:]))
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(events)))
        assert process.stop() == 0, process.log()


def test_a_worker_whose_loop_hangs_ends_hard_after_its_grace(broker: Broker, unique: str) -> None:
    events = history(3)
    settings = given(broker, unique, events, drain_s=1)
    with worker(settings, "signals", "--no-idle-timers", fail_point="hang@before_ack") as process:
        asyncio.run(until_hung(process))
        assert process.stop() == ExitCode.BUG
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) == 0
    run_to_the_end(settings, len(events))
    assert_like_the_oracle(settings)


async def until_hung(process: Process) -> None:
    async with asyncio.timeout(60):
        await until_said(process, "recovered")
        while True:
            try:
                await asyncio.to_thread(requests.get, f"{process.health()}/healthz", timeout=2)
            except requests.ReadTimeout:
                return
            await asyncio.sleep(0.1)


@pytest.mark.kafka
def test_a_changelog_that_takes_smaller_batches_ends_the_worker_unacknowledged(
    kafka: KafkaBroker, unique: str
) -> None:
    events = history(30)
    settings = given(kafka, unique, events, mode="live")
    alter(settings, topics.CHANGELOG, max_message_bytes="2000")
    with worker(settings, "signals", "--no-idle-timers") as process:
        assert process.wait() == ExitCode.BROKE_OFF, process.log()
        said = process.log()
    assert f"a record for {settings.topic(topics.CHANGELOG)} was not delivered" in said
    assert "let the topic take batches of 1,000,000 bytes (max.message.bytes" in said
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) == 0
    alter(settings, topics.CHANGELOG, max_message_bytes="1048588")
    run_to_the_end(settings, len(events))
    assert_like_the_oracle(settings)
