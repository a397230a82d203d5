"""The topic step on the broker of this run, and its command line."""

from __future__ import annotations

import pytest
from kafka.admin import KafkaAdminClient
from typer.testing import CliRunner

from schemas import topics as names
from streams.cli import build
from streams.cluster.topics import ALL, TopicsError, ensure, inspect
from streams.settings import Settings
from streams.telemetry.exit_codes import ExitCode
from tests.integration.conftest import Broker


def settings_for(broker: Broker, unique: str, **more: object) -> Settings:
    return Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=f"{unique}.", partitions=3, **more)


def test_topics_are_made_once_and_then_found_in_order(broker: Broker, unique: str) -> None:
    settings = settings_for(broker, unique)
    assert {report.result for report in inspect(settings)} == {"absent"}
    made = ensure(settings)
    assert [report.result for report in made] == ["created"] * len(ALL)
    again = ensure(settings)
    assert [report.result for report in again] == ["ok"] * len(ALL)
    assert {report.found.partitions for report in again if report.found} == {3}


def test_another_partition_count_is_explained_and_nothing_is_made(broker: Broker, unique: str) -> None:
    settings = settings_for(broker, unique)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    calls = settings.topic(names.CALLS)
    admin.create_topics({calls: {"num_partitions": 5, "replication_factor": 1}}, wait_for_metadata=True)
    with pytest.raises(TopicsError, match=r"has 5 partitions, but every topic must have 3") as raised:
        ensure(settings)
    assert calls in raised.value.problems[0]
    mine = [name for name in admin.list_topics() if name.startswith(unique)]
    admin.close()
    assert mine == [calls]


@pytest.mark.kafka
def test_real_kafka_holds_what_was_asked_for(kafka: Broker, unique: str) -> None:
    reports = {
        report.name.removeprefix(f"{unique}."): report for report in ensure(settings_for(kafka, unique))
    }
    compacted = {
        name
        for name, report in reports.items()
        if report.found and report.found.configs["cleanup.policy"] == "compact"
    }
    assert compacted == {names.PROFILES, names.OBJECTIONS, names.SIGNALS, names.CHANGELOG}
    assert reports[names.CALLS].found is not None
    assert reports[names.CALLS].found.configs["message.timestamp.type"] == "LogAppendTime"
    assert not any(report.unchecked for report in reports.values())


@pytest.mark.kafka
def test_real_kafka_says_why_a_topic_cannot_be_made_or_does_not_fit(kafka: Broker, unique: str) -> None:
    with pytest.raises(TopicsError, match="replication factor"):
        ensure(settings_for(kafka, f"r{unique}", replication=3))
    ensure(settings_for(kafka, unique))
    with pytest.raises(TopicsError, match=r"retention\.ms=2592000000, but must have 1000"):
        ensure(settings_for(kafka, unique, retention_ms=1000))


def test_the_command_makes_shows_and_refuses(
    broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEHOUDLIJN_TOPIC_PREFIX", f"{unique}.")
    monkeypatch.setenv("BEHOUDLIJN_KAFKA_BOOTSTRAP", broker.bootstrap)
    app = build()
    run = CliRunner()

    made = run.invoke(app, ["topics", "ensure", "--partitions", "2"])
    assert made.exit_code == 0, made.output
    listed = run.invoke(app, ["topics", "list", "--partitions", "2"])
    assert listed.exit_code == 0
    assert names.DEAD_LETTERS in listed.output
    refused = run.invoke(app, ["topics", "ensure", "--partitions", "4"])
    assert refused.exit_code == ExitCode.MISFIT
    assert "every topic must have 4" in refused.output
    assert "Traceback" not in refused.output


def test_an_absent_broker_is_named(unique: str) -> None:
    app = build()
    result = CliRunner().invoke(app, ["topics", "list", "--bootstrap", "127.0.0.1:9"])
    assert result.exit_code == ExitCode.UNAVAILABLE
    assert "127.0.0.1:9" in result.output
    assert "Check BEHOUDLIJN_KAFKA_BOOTSTRAP" in result.output
