"""Dialer, dead letters and explanations on the broker of this run, and how they end on a user's mistake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from kafka import KafkaProducer
from typer.testing import CliRunner

from deploy.embedded.broker import EmbeddedBroker
from schemas import topics as names
from schemas.outcome import OutcomeEvent
from streams.cli import build
from streams.cluster.partitioning import partition_of
from streams.cluster.topic_reader import TopicReader
from streams.cluster.topics import ensure
from streams.core.decode import decode, encode_dead_letter
from streams.core.engine import Clock, process_batch
from streams.core.records import Record
from streams.demo.dial import ReferenceDialer
from streams.policies import load_policy
from streams.settings import Settings
from streams.state.changelog import (
    PARTITION_KEY,
    PartitionRecord,
    Sending,
    Stamp,
    encode_entry,
    encode_partition,
)
from streams.telemetry.exit_codes import ExitCode
from tests.integration.conftest import Broker
from tests.unit.test_dial import T0, trigger

PARTITIONS = 2
RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.fixture
def settings(broker: Broker, unique: str) -> Settings:
    made = Settings(
        kafka_bootstrap=broker.bootstrap,
        topic_prefix=f"{unique}.",
        partitions=PARTITIONS,
        idempotence=not isinstance(broker, EmbeddedBroker),
    )
    ensure(made)
    return made


@pytest.fixture
def sender(settings: Settings) -> Iterator[Any]:
    client = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
    yield client
    client.close()


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    for name in ("kafka_bootstrap", "topic_prefix", "partitions", "idempotence"):
        monkeypatch.setenv(f"BEHOUDLIJN_{name.upper()}", str(getattr(settings, name)))
    return build()


def read(settings: Settings, name: str) -> list[Record]:
    with TopicReader(settings) as reader:
        return list(reader.to_end(settings.topic(name)))


def publish(sender: Any, settings: Settings, name: str, key: bytes | None, *values: bytes) -> None:
    for value in values:
        sender.send(settings.topic(name), key=key, value=value).get(timeout=30)


def publish_triggers(sender: Any, settings: Settings, *triggers: Any) -> None:
    for each in triggers:
        sender.send(
            settings.topic(names.TRIGGERS),
            key=each.customer_id.encode(),
            value=each.model_dump_json().encode(),
        )
    sender.flush()


def test_the_dialer_answers_what_was_published_before_and_drops_repeats(
    settings: Settings, sender: Any, app: typer.Typer
) -> None:
    ended = (trigger("gone", sequence=2, status="retracted"), trigger("gone"))
    publish_triggers(sender, settings, trigger("a"), trigger("a"), trigger("b"), *ended)
    publish(sender, settings, names.TRIGGERS, b"c-x", b"no trigger")
    given = ["dial", "--from-beginning", "--until-idle", "1", "--clock", "trigger"]
    if settings.idempotence:  # real Kafka
        refused = RUNNER.invoke(app, given)
        assert refused.exit_code == ExitCode.MISTAKE, refused.output
        assert "is not the embedded stack" in refused.stderr
        assert not read(settings, names.OUTCOMES)
        given.append("--simulate-outcomes")
    result = RUNNER.invoke(app, given)
    assert result.exit_code == 0, result.output
    assert "repeats dropped" in result.output
    records = read(settings, names.OUTCOMES)
    outcomes = [OutcomeEvent.model_validate_json(record.value or b"") for record in records]
    assert sorted((event.trigger_id, event.event_id) for event in outcomes) == [("a", "a-1"), ("b", "b-1")]
    assert {event.occurred_at for event in outcomes} == {T0}
    for record, event in zip(records, outcomes, strict=True):
        assert event.raw_disposition == "SIMULATED"
        with TopicReader(settings) as reader:
            found = reader.one(record.topic, record.partition, record.offset)
        assert found is not None
        assert dict(found[1])["ce_source"] == b"behoudlijn/dial"
        assert record.key == str(event.customer_id).encode()
        assert record.partition == partition_of(record.key or b"", PARTITIONS)


def test_a_dialer_that_begins_at_the_end_dials_the_next_trigger_only(settings: Settings, sender: Any) -> None:
    publish_triggers(sender, settings, *(trigger(f"old{number}") for number in range(20)))
    dialer = ReferenceDialer(settings, now=lambda: T0)
    stop, ended = threading.Event(), threading.Event()

    def run() -> None:
        dialer.run(stop)
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        assert dialer.reading.wait(30)
        publish_triggers(sender, settings, trigger("new"))
        for _ in range(300):
            if dialer.counts["attempts"]:
                break
            stop.wait(0.1)
    finally:
        stop.set()
    assert ended.wait(30)
    events = [OutcomeEvent.model_validate_json(r.value or b"") for r in read(settings, names.OUTCOMES)]
    assert [event.trigger_id for event in events] == ["new"]


def make_letter(settings: Settings, sender: Any, key: bytes | None, value: bytes) -> Record:
    """Publishes a broken event and its letter, as the worker does."""
    topic = settings.topic(names.CALLS)
    sent = sender.send(topic, key=key, value=value).get(timeout=30)
    record = Record(topic, sent.partition, sent.offset, 1_772_000_000_000, key, value)
    publish(sender, settings, names.DEAD_LETTERS, key, encode_dead_letter(decode(record)))
    return record


def test_dead_letters_are_listed_without_their_payload(
    settings: Settings, sender: Any, app: typer.Typer
) -> None:
    make_letter(settings, sender, b"c-1", b'{"secret": "+31201234567"')
    make_letter(settings, sender, b"c-1", b'{"type": "hello"}')
    result = RUNNER.invoke(app, ["dead-letters", "list"])
    assert result.exit_code == 0, result.output
    assert "not_json" in result.output
    assert "unknown_type" in result.output
    assert "secret" not in result.output
    filtered = RUNNER.invoke(
        app, ["dead-letters", "list", "--reason", "not_json", "--topic", "contact.calls"]
    )
    assert "unknown_type" not in filtered.output


def test_originals_are_sent_again_with_key_and_partition(
    settings: Settings, sender: Any, app: typer.Typer
) -> None:
    big = b"x" * 100_000  # the letter holds only a part of it
    wanted = [make_letter(settings, sender, b"c-1", big), make_letter(settings, sender, None, b"y")]
    make_letter(settings, sender, b"c-1", b'{"type": "hello"}')
    before = len(read(settings, names.CALLS))
    for reason in ("too_large", "not_json"):
        dry = RUNNER.invoke(app, ["dead-letters", "redrive", "--reason", reason, "--dry-run"])
        assert dry.exit_code == 0, dry.output
    assert len(read(settings, names.CALLS)) == before
    for reason in ("too_large", "not_json"):
        result = RUNNER.invoke(app, ["dead-letters", "redrive", "--reason", reason])
        assert result.exit_code == 0, result.output
        assert "1 sent (1 originals, 0 from letters)" in result.output
    records = read(settings, names.CALLS)
    assert len(records) == before + 2
    for each in wanted:
        twins = [
            r for r in records if (r.partition, r.key, r.value) == (each.partition, each.key, each.value)
        ]
        assert len(twins) == 2


def test_a_letter_stands_in_only_when_the_original_is_gone_and_it_holds_it_whole(
    settings: Settings, sender: Any, app: typer.Typer
) -> None:
    topic = settings.topic(names.CALLS)
    for offset, value in ((500, b"small"), (501, b"x" * 100_000)):
        lost = Record(topic, 0, offset, 1_772_000_000_000, b"c-1", value)
        publish(sender, settings, names.DEAD_LETTERS, b"c-1", encode_dead_letter(decode(lost)))
    foreign = Record("elsewhere.contact.calls", 0, 0, 1_772_000_000_000, b"c-1", b"small")
    publish(sender, settings, names.DEAD_LETTERS, b"c-1", encode_dead_letter(decode(foreign)))
    result = RUNNER.invoke(app, ["dead-letters", "redrive", "--all"])
    assert result.exit_code == 1, result.output
    assert "1 sent (0 originals, 1 from letters); 2 cannot be sent" in result.output
    assert "holds only a part" in result.output
    assert "no input topic" in result.output
    assert [(r.key, r.value) for r in read(settings, names.CALLS)] == [(b"c-1", b"small")]


def events(customer: str) -> list[bytes]:
    """A customer with four unresolved contacts and a request to be called back."""
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    lines = [
        orjson.dumps(
            {
                "type": "call",
                "schema_version": 1,
                "event_id": f"{customer}-{number}",
                "customer_id": customer,
                "occurred_at": start + timedelta(days=number),
                "direction": "inbound",
                "channel": "phone",
                "reason": "fault",
                "wait_seconds": 300,
                "resolved": False,
            }
        )
        for number in range(4)
    ]
    survey = {
        "type": "survey",
        "schema_version": 1,
        "event_id": f"{customer}-s",
        "customer_id": customer,
        "occurred_at": start + timedelta(days=4),
        "csat": 1,
        "callback_requested": True,
    }
    return [*lines, orjson.dumps(survey)]


def test_explain_from_a_file(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join([*events("c-1"), *events("c-2")]))
    result = RUNNER.invoke(app, ["explain", "c-1", "--file", str(file), "--policy", "default"])
    assert result.exit_code == 0, result.output
    for expected in ("waited 300 s", "CSAT 1", "requested_callback", "intercept", "not given yet"):
        assert expected in result.output
    again = RUNNER.invoke(app, ["explain", "c-1", "--file", str(file), "--policy", "four-unresolved-calls"])
    assert again.exit_code == 0, again.output


def test_explain_from_the_topics_tells_what_the_worker_wrote(
    settings: Settings, sender: Any, app: typer.Typer, tmp_path: Path
) -> None:
    policy, clock = load_policy("default"), Clock()
    decoded = [
        decode(Record(names.SURVEYS if b'"survey"' in line else names.CALLS, 0, n, -1, b"c-1", line))
        for n, line in enumerate(events("c-1"))
    ]
    result = process_batch(decoded, {}, policy, clock)
    state = result.states["c-1"]
    assert state is not None
    sendings = [Sending(o.kind, "shadow", "c-1", o.caused_at, o.value, o.identity) for o in result.outputs]
    publish(sender, settings, names.CHANGELOG, b"c-1", encode_entry(Stamp(1, 1), state, sendings[:1]))
    own = encode_partition(PartitionRecord(Stamp(1, 1), clock.now, policy.label))
    number = partition_of(b"c-1", PARTITIONS)
    sender.send(settings.topic(names.CHANGELOG), key=PARTITION_KEY, value=own, partition=number).get(
        timeout=30
    )
    for output in result.outputs:
        name = names.SHADOW_TRIGGERS if output.kind == "trigger" else names.SIGNALS
        publish(sender, settings, name, b"c-1", output.value)
    from_topics = RUNNER.invoke(app, ["explain", "c-1"])
    assert from_topics.exit_code == 0, from_topics.output
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(events("c-1")))
    from_file = RUNNER.invoke(app, ["explain", "c-1", "--file", str(file)])
    shown = from_topics.output.replace(" (shadow)", "").replace("shadow", "file").split()
    assert shown == from_file.output.split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "nobody"],
        ["explain", "not an id"],
        ["explain", "c-1", "--policy", "no-such-policy"],
        ["explain", "c-1", "--file", "/no/such/file"],
        ["dead-letters", "redrive"],
        ["dead-letters", "list", "--reason", "bad_mood"],
        ["dial", "--until-idle", "1", "--bootstrap", "nonsense"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(app: typer.Typer, arguments: list[str]) -> None:
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.parametrize("command", ["dial --simulate-outcomes", "explain c-1", "dead-letters list"])
def test_topics_that_are_not_there_are_told(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("BEHOUDLIJN_TOPIC_PREFIX", "absent.")
    result = RUNNER.invoke(app, command.split())
    assert result.exit_code == ExitCode.UNAVAILABLE, result.output
    assert "topics ensure" in result.stderr


@pytest.mark.slow
def test_a_broker_that_cannot_be_reached_is_told(app: typer.Typer) -> None:
    result = RUNNER.invoke(app, ["dead-letters", "list", "--bootstrap", "127.0.0.1:1"])
    assert result.exit_code == ExitCode.UNAVAILABLE, result.output
    assert "BEHOUDLIJN_KAFKA_BOOTSTRAP" in result.stderr
    assert len(result.stderr.splitlines()) == 1
