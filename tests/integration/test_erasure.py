"""A customer is erased, on the broker of this run and a real ClickHouse engine, and everything is read once more."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.tables import DECIDED, HAPPENED
from streams.cluster.topic_reader import TopicReader, producer
from streams.core.decode import decode, encode_dead_letter
from streams.core.erasure import is_marker
from streams.core.records import Record, Reject
from streams.operations.dead_letters import Filter, read_letters, redrive
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from streams.state.changelog import PARTITION_KEY, decode_entry
from streams.telemetry.exit_codes import ExitCode
from tests.integration.conftest import Broker
from tests.integration.worker_events import call, history
from tests.integration.worker_program import (
    INPUTS,
    committed,
    invoked,
    prepared,
    produce,
    read_all,
    until_committed,
    worker,
)

ERASED = "customer-3"
EVERY = (*INPUTS, *topics.OUTPUTS)
KEY = "the key of this test"


@pytest.fixture
def settings(broker: Broker, unique: str, clickhouse: EmbeddedClickHouse) -> Settings:
    return prepared(broker, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2, erasure_key=KEY)


def profile(customer: str) -> tuple[str, dict[str, Any]]:
    _, event = call(customer, 2000, 0)
    del event["resolved"]
    return topics.PROFILES, event | {"type": "profile", "phone_e164": "+31201234567"}


def rows(server: EmbeddedClickHouse, customer: str) -> dict[str, int]:
    store = ClickHouse(server.dsn)
    try:
        return {
            table: int(
                store.query(
                    f"SELECT count() FROM {table} FINAL WHERE customer_id = {{c:String}}", {"c": customer}
                )[0][0]
            )
            for table in (*HAPPENED, *DECIDED)
        }
    finally:
        store.close()


def states(settings: Settings) -> dict[str, bytes]:
    """What a recovery would find, markers included."""
    found: dict[str, bytes] = {}
    for record in asyncio.run(read_all(settings, topics.CHANGELOG))[topics.CHANGELOG]:
        assert record.key is not None
        if record.key == PARTITION_KEY:
            continue
        if record.value is None:
            found.pop(record.key.decode(), None)
        else:
            found[record.key.decode()] = decode_entry(record.value).state
    return found


def ends(settings: Settings, names: tuple[str, ...]) -> int:
    with TopicReader(settings) as reader:
        return sum(reader.ends(map(settings.topic, names)).values())


def to_the_beginning(settings: Settings, group: str) -> None:
    """Sets the offsets of a group without members to 0: everything is read once more."""
    consumer = KafkaConsumer(
        group_id=settings.topic(group), enable_auto_commit=False, **settings.kafka_python_options()
    )
    places = [TopicPartition(settings.topic(n), p) for n in EVERY for p in range(settings.partitions)]
    consumer.assign(places)
    consumer.commit({place: OffsetAndMetadata(0, "", -1) for place in places})
    consumer.close()


@pytest.mark.slow
def test_an_erased_customer_stays_away_whatever_is_read_again(
    settings: Settings, clickhouse: EmbeddedClickHouse
) -> None:
    others = [each for each in history(9) if each[1]["customer_id"] != ERASED]
    own = [*[each for each in history(9) if each[1]["customer_id"] == ERASED], profile(ERASED)]
    asyncio.run(produce(settings, [profile("customer-1"), *own, *others]))
    with worker(settings, "signals", "--no-idle-timers") as signals, worker(settings, "sink") as sink:
        asyncio.run(until_committed(signals, settings, SIGNALS_GROUP, INPUTS, ends(settings, INPUTS)))
        asyncio.run(until_committed(sink, settings, SINK_GROUP, EVERY, ends(settings, EVERY)))
        before = rows(clickhouse, ERASED)
        assert before["fct_calls"] == 6
        assert before["dim_customers"] == 1
        assert before["fct_triggers"] > 0
        assert ERASED in states(settings)

        result = invoked(settings, "erase", ERASED, "--json", "--wait", "90")
        assert result.exit_code == 0, (result.output, signals.log(), sink.log())
        receipt = json.loads(result.stdout)
        assert receipt["complete"]
        assert receipt["known_in"] == ["state", topics.SIGNALS, "ClickHouse"]
        assert receipt["erased_before"] is None
        assert receipt["rows_left"] == dict.fromkeys([*before, "event_days"], 0)
        assert {part["topic"] for part in receipt["topics"]} == {
            *EVERY,
            topics.CHANGELOG,
            topics.REPARTITION,
        }
        the_words_for_who_was_erased_and_who_was_never_known(settings)
        assert signals.stop() == 0, signals.log()
        assert sink.stop() == 0, sink.log()
        assert ERASED not in signals.log() + sink.log()

    def nothing_came_back() -> None:
        found = states(settings)
        assert ERASED not in found
        assert sum(map(is_marker, found)) == 2, "of the customer, and of an id of nobody"
        assert rows(clickhouse, ERASED) == dict.fromkeys(before, 0)

    nothing_came_back()
    triggers = asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]
    mine = [orjson.loads(r.value or b"") for r in triggers if r.key == ERASED.encode()]
    assert (mine[-1]["status"], mine[-1]["status_reason"], mine[-1]["phone_e164"]) == (
        "retracted", "erased", None,
    )  # fmt: skip
    left = {name: rows(clickhouse, name) for name in ("customer-1", "customer-6")}

    if settings.idempotence:
        for group in (SIGNALS_GROUP, SINK_GROUP):
            to_the_beginning(settings, group)
    else:  # the embedded broker lets nobody set the offsets of a group
        asyncio.run(produce(settings, [*others, *own]))
    with worker(settings, "signals", "--no-idle-timers") as signals, worker(settings, "sink") as sink:
        asyncio.run(until_committed(signals, settings, SIGNALS_GROUP, INPUTS, ends(settings, INPUTS)))
        asyncio.run(until_committed(sink, settings, SINK_GROUP, EVERY, ends(settings, EVERY)))
        asyncio.run(produce(settings, own))  # as a producer that repeats itself would
        asyncio.run(until_committed(signals, settings, SIGNALS_GROUP, INPUTS, ends(settings, INPUTS)))
        asyncio.run(until_committed(sink, settings, SINK_GROUP, EVERY, ends(settings, EVERY)))
        assert signals.stop() == 0, signals.log()
        assert sink.stop() == 0, sink.log()
    nothing_came_back()
    again = asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]
    assert sorted(again) == sorted(triggers)  # by topic, partition and offset
    assert {name: rows(clickhouse, name) for name in left} == left

    the_dead_letter_of(settings, ERASED)
    the_dead_letter_of(settings, "customer-1")
    with TopicReader(settings) as reader:
        letters = read_letters(reader, settings, Filter()).letters
        redriven = redrive(reader, settings, letters)
    assert sorted((each.erased, each.found) for each in redriven) == [(False, "original"), (True, None)]


def the_words_for_who_was_erased_and_who_was_never_known(settings: Settings) -> None:
    def said(*arguments: str) -> str:
        result = invoked(settings, *arguments)
        return result.output + result.stderr

    def erased(customer: str) -> str:
        return said("erase", customer, "--wait", "90")

    again, nobody, nobody_again = map(erased, (ERASED, "K-404", "K-404"))
    assert f"An erasure of {ERASED} up to" in again
    assert "Nobody of the id K-404 was known" in nobody
    assert "An erasure of K-404 up to" in nobody_again
    for receipt in (again, nobody, nobody_again):
        assert "Complete." not in receipt, "nothing was found"
    assert f"{ERASED} was erased, with everything up to" in said("explain", ERASED)
    assert "an erasure of K-404 is in force, of everything up to" in said("explain", "K-404")
    assert "nothing is known of K-405 in the pipeline's topics, and it was not erased either" in said(
        "explain", "K-405"
    )


def the_dead_letter_of(settings: Settings, customer: str) -> None:
    """A letter about a call that an older release could not read, and this one can."""
    value = orjson.dumps(call(customer, 77, 5)[1])
    sender = producer(settings)
    sent = sender.send(settings.topic(topics.CALLS), key=customer.encode(), value=value).get(timeout=30)
    record = Record(sent.topic, sent.partition, sent.offset, sent.timestamp, customer.encode(), value)
    letter = decode(record)._replace(event=None, reject=Reject("unknown_version", "by an older release"))
    sender.send(settings.topic(topics.DEAD_LETTERS), value=encode_dead_letter(letter)).get(timeout=30)
    sender.close()


def test_a_worker_without_the_key_stops_and_acknowledges_nothing(
    broker: Broker, unique: str, clickhouse: EmbeddedClickHouse
) -> None:
    settings = prepared(broker, unique, clickhouse_dsn=clickhouse.dsn, sink_batch_s=0.2)
    at = datetime(2026, 1, 6, tzinfo=UTC).isoformat()
    order = {
        "type": "erasure",
        "schema_version": 1,
        "event_id": "e1",
        "customer_id": ERASED,
        "occurred_at": at,
    }
    asyncio.run(produce(settings, [(topics.PROFILES, order)]))
    for name, group in (("signals", SIGNALS_GROUP), ("sink", SINK_GROUP)):
        with worker(settings, name) as process:
            assert process.wait(90) == ExitCode.MISFIT
            assert "BEHOUDLIJN_ERASURE_KEY" in process.log()
            assert ERASED not in process.log()
        assert asyncio.run(committed(settings, group, INPUTS)) == 0


def test_without_workers_the_receipt_says_what_was_not_seen(settings: Settings) -> None:
    result = invoked(settings, "erase", ERASED, "--json", "--wait", "1")
    assert result.exit_code == 1, result.output
    receipt = json.loads(result.stdout)
    assert not receipt["complete"]
    assert "signals worker has not yet read 1 record" in receipt["problems"][0]
    assert not receipt["order_removed"]
    assert topics.DEAD_LETTERS in {part["topic"] for part in receipt["topics"]}
