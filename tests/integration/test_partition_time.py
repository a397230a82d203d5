"""Partition time on real Kafka: no stamp, no event and no worker's clock moves it beyond the brokers' time."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from streams.cluster.partitioning import partition_of
from streams.cluster.topics import TopicsError, ensure
from streams.core.state import decode as decode_state
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from streams.state.changelog import PARTITION_KEY
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import alter
from tests.integration.worker_events import call, history
from tests.integration.worker_program import (
    INPUTS,
    RECOVERED,
    committed,
    invoked,
    prepared,
    produce,
    read_all,
    recovered,
    run_to_the_end,
    states_of,
    until_committed,
    until_left,
    until_said,
    worker,
    write,
)
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka

READ = (*INPUTS, topics.REPARTITION)
FOR_EVER = str(2**63 - 1)
DAY = 86_400_000


def producers_stamp(settings: Settings, *names: str) -> None:
    """As a topic is that somebody made by hand, or altered since."""
    for name in names:
        alter(settings, name, message_timestamp_type="CreateTime", message_timestamp_after_max_ms=FOR_EVER)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def at(event: tuple[str, dict[str, Any]], when: int) -> tuple[str, dict[str, Any]]:
    """The same event at another time (ms)."""
    topic, body = event
    return topic, body | {"occurred_at": datetime.fromtimestamp(when / 1000, UTC).isoformat()}


async def _stamped(settings: Settings, records: Sequence[tuple[str, dict[str, Any], int, int]]) -> None:
    async with AIOKafkaProducer(**settings.aiokafka_options(), acks="all") as producer:
        for topic, event, stamp, partition in records:
            batch = producer.create_batch()
            batch.append(key=event["customer_id"].encode(), value=json.dumps(event).encode(), timestamp=stamp)
            await (await producer.send_batch(batch, settings.topic(topic), partition=partition))


def produce_stamped(
    settings: Settings, *records: tuple[tuple[str, dict[str, Any]], int], away: bool = False
) -> None:
    """Writes events with the stamp (ms; -1 for none) that their producer gives them, at home or `away` from it."""
    placed = []
    for (topic, event), stamp in records:
        home = partition_of(event["customer_id"].encode(), settings.partitions)
        placed.append((topic, event, stamp, (home + away) % settings.partitions))
    asyncio.run(_stamped(settings, placed))


def clocks_of(settings: Settings) -> list[int]:
    return [part.store.clock.now for part in asyncio.run(recovered(settings))]


def reasons(settings: Settings) -> Counter[str]:
    letters = asyncio.run(read_all(settings, topics.DEAD_LETTERS))[topics.DEAD_LETTERS]
    return Counter(json.loads(record.value or b"")["reason_code"] for record in letters)


def gauge(metrics: str, name: str) -> float:
    return max(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith(name))


# -- refused at the start -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [topics.CALLS, topics.REPARTITION, topics.CHANGELOG])
def test_a_topic_that_its_producers_stamp_is_refused_by_name_and_one_command_mends_it(
    kafka: KafkaBroker, unique: str, name: str
) -> None:
    """As an installation of a release before is: its changelog was stamped by workers."""
    settings = prepared(kafka, unique)
    producers_stamp(settings, name)
    events = history(6)
    asyncio.run(produce(settings, events))
    with worker(settings, "signals", "--no-idle-timers") as process:
        assert process.wait() == ExitCode.MISFIT, process.log()
        assert (
            f"{settings.topic(name)} has message.timestamp.type=CreateTime, but must have LogAppendTime"
            in process.log()
        )
        assert "behoudlijn topics ensure --alter" in process.log()
        assert "Traceback" not in process.log()
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) == 0

    with pytest.raises(TopicsError, match=r"message\.timestamp\.type=CreateTime"):
        ensure(settings)
    mended = invoked(settings, "topics", "ensure", "--alter")
    assert mended.exit_code == 0, mended.output
    assert f"{settings.topic(name)}: message.timestamp.type was CreateTime, is LogAppendTime" in mended.output
    assert {report.result for report in ensure(settings, alter=True)} == {"ok"}

    run_to_the_end(settings, len(events))
    assert len(states_of(settings)) == 6


def test_alter_touches_nothing_while_something_else_does_not_fit(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique)
    producers_stamp(settings, topics.CALLS)
    alter(settings, topics.CHANGELOG, min_compaction_lag_ms="0")
    alter(settings, topics.SURVEYS, retention_ms="1000")
    with pytest.raises(TopicsError) as refused:
        ensure(settings, alter=True)
    assert len(refused.value.problems) == 1
    assert "retention.ms=1000" in refused.value.problems[0]
    alter(settings, topics.SURVEYS, retention_ms=str(settings.retention_ms))
    altered = {report.name: dict(report.altered) for report in ensure(settings, alter=True) if report.altered}
    assert altered == {
        settings.topic(topics.CALLS): {"message.timestamp.type": ("CreateTime", "LogAppendTime")},
        settings.topic(topics.CHANGELOG): {"min.compaction.lag.ms": ("0", "60000")},
    }


def test_states_of_a_changelog_that_workers_stamped_are_read_on(kafka: KafkaBroker, unique: str) -> None:
    """What a release before wrote lies before what this one writes."""
    settings = prepared(kafka, unique)
    customer = "customer-1"
    home = partition_of(customer.encode(), settings.partitions)
    first, second = call(customer, 1, 0), call(customer, 2, 1)
    asyncio.run(produce(settings, [first]))
    run_to_the_end(settings, 1)
    written = asyncio.run(read_all(settings, topics.CHANGELOG))[topics.CHANGELOG]
    older = prepared(kafka, f"{unique}-older")
    producers_stamp(older, topics.CHANGELOG)
    as_before = [(r.key, as_the_release_before(r.key, r.value)) for r in written if r.partition == home]
    asyncio.run(write(older, topics.CHANGELOG, home, *as_before))
    ensure(older, alter=True)
    asyncio.run(produce(older, [second]))
    run_to_the_end(older, 1)
    assert len(decode_state(states_of(older)[customer]).facts) == 2


def as_the_release_before(key: bytes | None, value: bytes | None) -> bytes | None:
    """The partition's record with the fields of release 0.2 alone; states are the same bytes."""
    if key != PARTITION_KEY or value is None:
        return value
    fields = ("version", "epoch", "batch", "clock", "policy", "owner", "dead_letters")
    return json.dumps({name: json.loads(value)[name] for name in fields}).encode()


# -- altered under a running worker ---------------------------------------------------------------------------


def test_poisoned_times_become_dead_letters_and_touch_nobody_else(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique)
    before, later = history(20), [call(f"customer-{n}", 50, 9 * 24 * 60 + n) for n in range(20)]
    asyncio.run(produce(settings, before))
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, len(before)))
        untouched, times = states_of(settings), clocks_of(settings)
        producers_stamp(settings, topics.CALLS, topics.PROFILES, topics.SURVEYS)

        far = now_ms() + 400 * DAY
        _, plain = call("customer-2", 77, 0)
        erasure = {k: v for k, v in plain.items() if k != "resolved"} | {"type": "erasure"}
        poison = [
            (at(call("customer-1", 70, 0), far), -1),
            (call("customer-1", 71, 0), -1),
            (at(call("customer-1", 72, 0), far), far),
            (call("customer-1", 73, 0), far),
            (at((topics.PROFILES, erasure), far), far),
        ]
        produce_stamped(settings, *poison)
        produce_stamped(settings, (at(call("customer-3", 74, 0), far), far), away=True)
        count = len(before) + len(poison) + 1
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, count))
        assert reasons(settings) == {"no_timestamp": 2, "ahead_of_broker": 4}
        assert states_of(settings) == untouched
        assert clocks_of(settings) == times

        asyncio.run(produce(settings, later))
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, count + len(later)))
        metrics = process.metrics()
        assert process.stop() == 0, process.log()
    assert f'behoudlijn_events_total{{result="accepted",type="call"}} {20.0 * 6 + 20}' in metrics
    assert gauge(metrics, 'behoudlijn_events_total{result="beyond_horizon"') == 0
    assert gauge(metrics, 'behoudlijn_dead_letters_total{reason="ahead_of_broker"') == 4
    assert gauge(metrics, 'behoudlijn_dead_letters_total{reason="no_timestamp"') == 2
    assert gauge(metrics, "behoudlijn_partition_time_ahead_seconds{") == 0
    assert gauge(metrics, "behoudlijn_lag_seconds{") < 3600, "a record without a time has no age"
    assert all(len(decode_state(state).facts) >= 7 for state in states_of(settings).values())


def test_a_flood_of_poisoned_times_ends_the_worker_as_any_topic_gone_bad(
    kafka: KafkaBroker, unique: str
) -> None:
    settings = prepared(kafka, unique, dead_letter_max_run=30, partitions=1)
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, RECOVERED))
        producers_stamp(settings, topics.CALLS)
        far = now_ms() + 400 * DAY
        produce_stamped(settings, *((at(call("customer-1", n, 0), far), far) for n in range(40)))
        assert process.wait() == ExitCode.BAD_DATA, process.log()
    assert reasons(settings)["ahead_of_broker"] <= 30


def test_refused_for_its_time_and_driven_again_it_is_counted_once(kafka: KafkaBroker, unique: str) -> None:
    """An hour ahead, as its stamp is: too far for one tolerance, and not for another."""
    strict = prepared(kafka, unique, future_tolerance_s=60)
    ahead = now_ms() + 3_600_000
    with worker(strict, "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, RECOVERED))
        producers_stamp(strict, topics.CALLS)
        produce_stamped(strict, (at(call("customer-1", 1, 0), ahead), ahead))
        asyncio.run(until_committed(process, strict, SIGNALS_GROUP, INPUTS, 1))
        assert process.stop() == 0, process.log()
    assert (reasons(strict), states_of(strict)) == ({"ahead_of_broker": 1}, {})
    ensure(strict, alter=True)
    for _ in range(2):
        sent = invoked(strict, "dead-letters", "redrive", "--reason", "ahead_of_broker")
        assert sent.exit_code == 0, sent.output
    lenient = strict.model_copy(update={"future_tolerance_s": 7200.0})
    run_to_the_end(lenient, 3)
    assert len(decode_state(states_of(lenient)["customer-1"]).facts) == 1
    assert reasons(lenient) == {"ahead_of_broker": 1}


# -- a worker's own clock -------------------------------------------------------------------------------------

CLOCK = """
import time
_time, _time_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: _time() + {seconds}, lambda: _time_ns() + {seconds} * 10**9
"""


@pytest.mark.parametrize("days", [400, -400])
def test_a_worker_whose_clock_is_wrong_lets_time_pass_as_the_brokers_do(
    kafka: KafkaBroker, unique: str, days: int
) -> None:
    """Who called months ago leaves an idle partition; who called an hour ago stays, and partition time is today's."""
    settings = prepared(kafka, unique, partitions=1)
    recent = [at(call(f"recent-{n}", 1, 0), now_ms() - 3_600_000) for n in range(3)]
    old = [call(f"old-{n}", 1, 0) for n in range(3)]
    asyncio.run(produce(settings, [*old, *recent]))
    with worker(settings, "signals", first=CLOCK.format(seconds=days * 86_400)) as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, 6))
        asyncio.run(until_left(process, settings, {f"recent-{n}" for n in range(3)}))
        asyncio.run(asyncio.sleep(5))  # ticks, which would let 400 days pass
        metrics = process.metrics()
        assert process.stop() == 0, process.log()
    assert states_of(settings).keys() == {f"recent-{n}" for n in range(3)}
    assert now_ms() - DAY < clocks_of(settings)[0] <= now_ms()
    assert abs(gauge(metrics, "behoudlijn_clock_skew_seconds") - days * 86_400) < 3600


# -- a partition that has leapt -------------------------------------------------------------------------------


def leapt(ahead: timedelta) -> bytes:
    """The partition's record as the release before wrote it, of a time in the future."""
    clock = now_ms() + int(ahead.total_seconds() * 1000)
    return json.dumps(
        {
            "version": 2,
            "epoch": 1,
            "batch": 1,
            "clock": clock,
            "policy": "p",
            "owner": "o",
            "dead_letters": [],
        }
    ).encode()


def test_a_partition_that_leapt_under_a_release_before_is_refused_by_name(
    kafka: KafkaBroker, unique: str
) -> None:
    settings = prepared(kafka, unique)
    asyncio.run(write(settings, topics.CHANGELOG, 1, (PARTITION_KEY, leapt(timedelta(days=400, hours=1)))))
    asyncio.run(produce(settings, history(6)))
    with worker(settings, "signals", "--no-idle-timers") as process:
        assert process.wait() == ExitCode.MISFIT, process.log()
        assert "LeapError: the time of partition 1 is 400 days ahead of the brokers' time" in process.log()
        assert "behoudlijn state repair --partition 1" in process.log()
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) == 0


def test_a_partition_that_is_hours_ahead_goes_on_and_says_so(kafka: KafkaBroker, unique: str) -> None:
    """As after a broker's clock was set back: it is right again before a day is over."""
    settings = prepared(kafka, unique, partitions=1)
    asyncio.run(write(settings, topics.CHANGELOG, 0, (PARTITION_KEY, leapt(timedelta(hours=3)))))
    recent = at(call("customer-1", 1, 0), now_ms())
    asyncio.run(produce(settings, [recent]))
    with worker(settings, "signals") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, 1))
        assert "the time of partition 0 is 2 hours ahead of the brokers' time" in process.log()
        metrics = process.metrics()
        assert process.stop() == 0, process.log()
    assert gauge(metrics, "behoudlijn_partition_time_ahead_seconds{") > 3600
    assert len(decode_state(states_of(settings)["customer-1"]).facts) == 1


# -- the sink -------------------------------------------------------------------------------------------------


def test_the_sink_refuses_the_same_and_writes_no_row_of_the_future(
    kafka: KafkaBroker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    settings = prepared(kafka, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.3)
    producers_stamp(settings, topics.SURVEYS)
    with worker(settings, "sink") as process:
        assert process.wait() == ExitCode.MISFIT, process.log()
        assert f"{settings.topic(topics.SURVEYS)} has message.timestamp.type=CreateTime" in process.log()
    ensure(settings, alter=True)
    asyncio.run(produce(settings, [call("customer-1", 1, 0)]))
    with worker(settings, "sink") as process:
        asyncio.run(until_committed(process, settings, SINK_GROUP, INPUTS, 1))
        producers_stamp(settings, topics.CALLS)
        far = now_ms() + 400 * DAY
        produce_stamped(
            settings,
            (at(call("customer-1", 2, 0), far), far),
            (at(call("customer-1", 3, 0), far), -1),
            (call("customer-1", 4, 0), now_ms()),
        )
        asyncio.run(until_committed(process, settings, SINK_GROUP, INPUTS, 4))
        assert process.stop() == 0, process.log()
    store = ClickHouse(clickhouse.dsn)
    assert store.query("SELECT event_id FROM v_calls ORDER BY event_id") == [
        ("customer-1-1",),
        ("customer-1-4",),
    ]
    store.close()
