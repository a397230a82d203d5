"""Dead letters on real Kafka: never lost, whatever their size; limited; driven again and counted once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.records import Record
from streams.core.state import decode as decode_state
from streams.settings import SIGNALS_GROUP, Settings
from streams.state.recovery import recover
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import alter
from tests.integration.conftest import Broker
from tests.integration.worker_events import call
from tests.integration.worker_program import (
    INPUTS,
    committed,
    invoked,
    prepared,
    produce,
    read_all,
    run_to_the_end,
    until_committed,
    worker,
)
from tests.kafka.broker import KafkaBroker

BAD = (topics.CALLS, b"\xffno json")
MOST_BYTES = 1_048_588
"""What a broker takes by default: of a batch of records with its overhead."""


def letters_of(settings: Settings) -> list[dict[str, Any]]:
    found = asyncio.run(read_all(settings, topics.DEAD_LETTERS))[topics.DEAD_LETTERS]
    return [json.loads(record.value or b"") for record in found]


def places(letters: list[dict[str, Any]]) -> Counter[tuple[str, int, int]]:
    return Counter((letter["topic"], letter["partition"], letter["offset"]) for letter in letters)


def facts_of(settings: Settings, customer: str) -> int:
    """How many facts the customer's state holds at home; 0 without one."""
    changelog, home = settings.topic(topics.CHANGELOG), partition_of(customer.encode(), settings.partitions)
    (part,) = asyncio.run(recover(changelog, [home], settings.aiokafka_options()))
    data = part.store.states.get(customer)
    return len(decode_state(data).facts) if data else 0


# -- the limit ------------------------------------------------------------------------------------------------


def test_a_topic_that_goes_bad_ends_the_worker_until_it_is_let_go_on(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, dead_letter_max_run=30, max_batch=50, commit_interval_s=0.1)
    good = [call(f"customer-{n}", 1, n) for n in range(20)]
    asyncio.run(produce(settings, [*good, *[BAD] * 100]))
    for _ in range(3):
        with worker(settings, "signals", "--no-idle-timers") as process:
            assert process.wait() == ExitCode.BAD_DATA, process.log()
            log = process.log()
            assert "contact.calls has gone bad: 31 records in a row" in log
            assert "--no-dead-letter-limit" in log
            assert '"reason": "DeadLetterLimitError: ' in log
        assert len(letters_of(settings)) <= 30, "no restart publishes one beyond the limit, or one again"
        assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) <= len(good) + 30

    run_to_the_end(settings, 120, "--no-dead-letter-limit")
    assert len(places(letters_of(settings))) == 100
    later = [call(f"customer-{n}", 2, 1000 + n) for n in range(20)]
    asyncio.run(produce(settings, [*later[:10], BAD, *later[10:], BAD]))
    run_to_the_end(settings, 142)  # the limit holds again, and two bad ones are within it
    assert len(places(letters_of(settings))) == 102
    assert facts_of(settings, "customer-3") == 2


def test_the_count_survives_a_restart(broker: Broker, unique: str) -> None:
    """Or each restart would drain a little more."""
    settings = prepared(broker, unique, dead_letter_max_run=30)
    asyncio.run(produce(settings, [BAD] * 20))
    run_to_the_end(settings, 20)
    assert len(letters_of(settings)) == 20
    asyncio.run(produce(settings, [BAD] * 11))
    with worker(settings, "signals", "--no-idle-timers") as process:
        assert process.wait() == ExitCode.BAD_DATA, process.log()
    assert len(letters_of(settings)) <= 30


@pytest.mark.slow
def test_a_kill_does_not_count_the_same_records_twice(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, dead_letter_max_run=30, commit_interval_s=0.1)
    asyncio.run(produce(settings, [BAD] * 20))
    for fail_point in ("after_changelog", "after_outputs", "before_ack"):
        with worker(settings, "signals", "--no-idle-timers", fail_point=fail_point) as process:
            assert process.wait() == 137, process.log()
    run_to_the_end(settings, 20)
    assert len(places(letters_of(settings))) == 20


def test_one_bad_record_in_a_hundred_never_trips(broker: Broker, unique: str) -> None:
    settings = prepared(broker, unique, dead_letter_max_run=5, dead_letter_max_ratio=0.05)
    events: list[tuple[str, Any]] = [call(f"customer-{n % 50}", n, n) for n in range(3000)]
    for place in range(3000, 0, -100):
        events.insert(place, BAD)
    asyncio.run(produce(settings, events))
    run_to_the_end(settings, len(events))
    assert len(places(letters_of(settings))) == 30


# -- never lost -----------------------------------------------------------------------------------------------


@pytest.mark.kafka
def test_a_dead_letter_that_cannot_be_delivered_ends_the_worker_unacknowledged(
    kafka: KafkaBroker, unique: str
) -> None:
    settings = prepared(kafka, unique)
    alter(settings, topics.DEAD_LETTERS, max_message_bytes="200")
    asyncio.run(produce(settings, [call("customer-1", 1, 1), BAD]))
    for _ in range(2):
        with worker(settings, "signals", "--no-idle-timers") as process:
            assert process.wait() == ExitCode.BROKE_OFF, process.log()
            assert f"a record for {settings.topic(topics.DEAD_LETTERS)} was not delivered" in process.log()
            assert "(max.message.bytes" in process.log()
    assert letters_of(settings) == []
    assert asyncio.run(committed(settings, SIGNALS_GROUP, INPUTS)) < 2
    alter(settings, topics.DEAD_LETTERS, max_message_bytes="1048588")
    run_to_the_end(settings, 2)
    assert len(places(letters_of(settings))) == 1


@pytest.mark.kafka
def test_poison_of_any_size_that_the_broker_takes_becomes_a_letter(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique)
    client = {"bootstrap.servers": kafka.bootstrap, "message.max.bytes": 100_000_000}
    plain = Producer({**client, "batch.num.messages": 1})
    packed = Producer({**client, "compression.type": "gzip"})
    topic = settings.topic(topics.CALLS)
    refused: list[Any] = []

    def send(producer: Any, key: bytes | None, value: bytes | None) -> bool:
        errors: list[Any] = []
        producer.produce(topic, value, key, partition=0, on_delivery=lambda error, _: errors.append(error))
        assert producer.flush(60) == 0
        refused.extend(error for error in errors if error)
        return errors[0] is None

    low, high = 1_000_000, MOST_BYTES  # the largest value is found by asking: a batch has its overhead
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if send(plain, None, b"x" * middle) else (low, middle)
    assert refused, "the search went beyond what the broker takes"
    sizes = [900_000, low]
    assert all(send(plain, b"k", b"y" * (size - 1)) for size in sizes)
    assert send(plain, b"k" * 1_000_000, b"{}")
    assert send(plain, b"k" * 1_000_000, None)
    assert send(packed, None, b"z" * 20_000_000), "compressed it is small"
    assert send(packed, None, b"[" * 60_000)
    original = asyncio.run(read_all(settings, topics.CALLS))[topics.CALLS]
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, settings, SIGNALS_GROUP, [topics.CALLS], len(original)))
        assert process.stop() == 0, process.log()
    letters = {letter["offset"]: letter for letter in letters_of(settings)}
    assert letters.keys() == {record.offset for record in original}
    for record in original:
        letter, value = letters[record.offset], record.value or b""
        assert letter["payload_size"] == len(value)
        assert letter["payload_sha256"] == sha256(value).hexdigest()
    assert max(letter["payload_size"] for letter in letters.values()) == 20_000_000


# -- driven again ---------------------------------------------------------------------------------------------


def input_records(settings: Settings) -> list[Record]:
    return [record for records in asyncio.run(read_all(settings, *INPUTS)).values() for record in records]


def test_a_record_that_was_of_the_future_is_counted_once_when_its_time_has_come(
    broker: Broker, unique: str
) -> None:
    """Twice driven again, and from a partition that is not the customer's: one fact."""
    settings = prepared(broker, unique, future_tolerance_s=0)
    at = datetime.now(UTC) + timedelta(seconds=15)
    _, event = call("customer-1", 1, 0)
    value = json.dumps(event | {"occurred_at": at.isoformat()}).encode()
    away = 1 - partition_of(b"customer-1", settings.partitions)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(settings.topic(topics.CALLS), value, b"account-9", partition=away)
    producer.produce(settings.topic(topics.SURVEYS), b"{}", b"other", partition=0)
    assert producer.flush(60) == 0
    run_to_the_end(settings, 2)
    assert facts_of(settings, "customer-1") == 0
    listed = invoked(
        settings, "dead-letters", "list", "--reason", "future_dated", "--topic", topics.CALLS
    ).output
    assert f"{settings.topic(topics.CALLS)}/{away}/0" in listed
    assert "newest 1 of 1" in listed
    assert "unknown_type" not in listed

    while datetime.now(UTC) <= at:
        time.sleep(0.2)
    for number in (1, 2):
        sent = invoked(settings, "dead-letters", "redrive", "--reason", "future_dated").output
        assert "1 sent (1 originals, 0 from letters); 0 cannot be sent." in sent
        with worker(settings, "signals", "--no-idle-timers") as process:
            asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, 2 + number))
            asyncio.run(until_committed(process, settings, SIGNALS_GROUP, [topics.REPARTITION], number))
            assert process.stop() == 0, process.log()
        assert facts_of(settings, "customer-1") == 1
    twins = [record for record in input_records(settings) if record.topic.endswith(topics.CALLS)]
    assert [(r.partition, r.key, r.value) for r in twins] == [(away, b"account-9", value)] * 3
    assert Counter(letter["reason_code"] for letter in letters_of(settings))["future_dated"] == 1


def test_driven_again_after_a_limit_was_raised_it_is_counted_once(broker: Broker, unique: str) -> None:
    """An event an hour ahead: refused by one release's tolerance, accepted by the next one's."""
    strict = prepared(broker, unique, future_tolerance_s=60)
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    events = [
        (topic, event | {"occurred_at": ahead}) for topic, event in (call(f"c-{n}", n, 0) for n in range(5))
    ]
    asyncio.run(produce(strict, events))
    run_to_the_end(strict, 5)
    lenient = strict.model_copy(update={"future_tolerance_s": 7200.0})
    assert "5 would be sent" in invoked(lenient, "dead-letters", "redrive", "--all", "--dry-run").output
    assert (
        "2 sent"
        in invoked(lenient, "dead-letters", "redrive", "--topic", topics.CALLS, "--limit", "2").output
    )
    assert "5 sent" in invoked(lenient, "dead-letters", "redrive", "--all").output
    run_to_the_end(lenient, 12)
    assert [facts_of(lenient, f"c-{n}") for n in range(5)] == [1] * 5
    assert len(letters_of(lenient)) == 5


def test_what_is_still_bad_when_it_is_driven_again_is_one_letter_with_its_tries(
    broker: Broker, unique: str
) -> None:
    settings = prepared(broker, unique)
    asyncio.run(produce(settings, [BAD, (topics.SURVEYS, b"another")]))
    with worker(settings, "signals", "--no-idle-timers") as process:
        for tries in (1, 2, 3):
            asyncio.run(until_committed(process, settings, SIGNALS_GROUP, INPUTS, tries + 1))
            shown = invoked(settings, "dead-letters", "list")
            assert shown.exit_code == 0, shown.output
            assert "newest 2 of 2" in shown.output
            assert (f"contact.calls/0/0 ({tries} tries)" in shown.output) == (tries > 1)
            again = invoked(settings, "dead-letters", "redrive", "--topic", topics.CALLS)
            assert "1 sent (1 originals, 0 from letters)" in again.output
    by_place = Counter((each["topic"].split(".", 1)[1], each["offset"]) for each in letters_of(settings))
    assert by_place[topics.CALLS, 0] >= 3
    assert set(by_place) == {(topics.CALLS, 0), (topics.SURVEYS, 0)}
    ingested = {each["ingested_at"] for each in letters_of(settings) if each["topic"].endswith(topics.CALLS)}
    assert len(ingested) == 1, "so that ClickHouse has it on one day, in one row"
