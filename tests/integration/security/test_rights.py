"""Workers on a cluster that asks for a login: the documented rights suffice, and a missing one is named."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster.access import AccessError, check_access
from streams.cluster.rights import Right, signals_rights, sink_rights
from streams.cluster.topics import TopicsError, ensure
from streams.settings import SIGNALS_GROUP, SINK_GROUP, Settings
from streams.telemetry.exit_codes import ExitCode
from tests.authority import Authority
from tests.integration.security.conftest import Secured
from tests.integration.worker_events import history
from tests.integration.worker_program import (
    Process,
    committed,
    produce,
    read_all,
    until_committed,
    until_said,
    worker,
)

pytestmark = pytest.mark.kafka

INPUTS = tuple(topics.INPUTS)


def errors_of(process: Process) -> list[str]:
    """The reasons that a worker has given for its end, in lines of JSON without a traceback."""
    assert not any("exception" in line for line in process.lines()), process.log()
    return reasons_of(process)


def reasons_of(process: Process) -> list[str]:
    """The same of one that may end in the midst of a rebalance, of which Faust's own parts then tell."""
    lines: list[dict[str, Any]] = list(process.lines())
    return [line["reason"] for line in lines if line["level"] in ("error", "critical") and "reason" in line]


def test_both_workers_do_their_work_with_the_documented_rights(
    secured: Secured, unique: str, tmp_path: Path
) -> None:
    admin = secured.install(unique)
    events: list[tuple[str, Any]] = [*history(9), (topics.CALLS, b"no json")]
    asyncio.run(produce(admin, events))
    signals = secured.settings("signals", unique, mode="live")
    with worker(signals, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, admin, SIGNALS_GROUP, INPUTS, len(events)))
        assert process.stop() == 0, process.log()
        assert not errors_of(process)
    found = asyncio.run(read_all(admin, *topics.OUTPUTS))
    assert found[topics.TRIGGERS]
    authority = Authority(tmp_path)
    certificate, key = authority.issue("clickhouse", "127.0.0.1")
    arguments = ["--exit-with-parent", "--tls-cert", str(certificate), "--tls-key", str(key)]
    with EmbeddedClickHouse(arguments=arguments) as server:
        dsn = f"{server.dsn}?secure=true&ca_cert={authority.certificate}"
        store = ClickHouse(dsn)
        migrate(store)
        sink = secured.settings("sink", unique, clickhouse_dsn=dsn, sink_batch_s=0.3)
        everything = len(events) + sum(map(len, found.values()))
        with worker(sink, "sink") as process:
            every = (*INPUTS, *topics.OUTPUTS)
            asyncio.run(until_committed(process, admin, SINK_GROUP, every, everything))
            assert process.stop() == 0, process.log()
            assert not errors_of(process)
        assert store.query("SELECT count() FROM v_calls") == [(9 * 6,)]
        assert store.query("SELECT count() FROM v_dead_letters") == [(1,)]
        store.close()


def test_an_administrator_of_topics_needs_three_rights(secured: Secured, unique: str) -> None:
    settings = secured.settings("operator", unique)
    with pytest.raises(TopicsError, match="could not be made"):
        ensure(settings)
    operations = ("Create", "Describe", "Describe_Configs")
    names = {right.name for right in signals_rights(settings) if right.resource == "topic"}
    secured.acls.grant(
        "operator",
        [Right("topic", name, operation) for name in names for operation in operations],  # type: ignore[arg-type]
    )
    assert {report.result for report in ensure(settings)} == {"created"}
    assert {report.result for report in ensure(settings)} == {"ok"}


@pytest.fixture(scope="module")
def installed(secured: Secured) -> Settings:
    """An installation with events that nobody has read; the settings of its administrator."""
    admin = secured.install("rights")
    asyncio.run(produce(admin, history(3)))
    return admin


def test_each_missing_right_is_named(secured: Secured, installed: Settings) -> None:
    for user, rights in (("signals", signals_rights(installed)), ("sink", sink_rights(installed))):
        settings = secured.settings(user, "rights")
        asyncio.run(check_access(settings, rights))
        for right in rights:
            secured.acls.withdraw(user, right)
            with pytest.raises(AccessError) as caught:
                asyncio.run(check_access(settings, rights))
            secured.acls.grant(user, [right])
            said = str(caught.value)
            assert f"Kafka user {user} lacks {right.operation} on {right.resource} {right.name}. " in said
            assert f"kafka-acls {right.command(f'User:{user}')}" in said


def test_a_worker_without_its_rights_ends_and_says_which(secured: Secured, installed: Settings) -> None:
    rights = signals_rights(installed)
    ends = "contact.calls", SIGNALS_GROUP
    missing = [right for right in rights if right.operation == "Read" and right.name.endswith(ends)]
    assert len(missing) == 2
    for right in missing:
        secured.acls.withdraw("signals", right)
    try:
        with worker(secured.settings("signals", "rights"), "signals") as process:
            assert process.wait() == ExitCode.MISFIT, process.log()
            (reason,) = errors_of(process)
    finally:
        secured.acls.grant("signals", missing)
    for right in missing:
        assert f"Read on {right.resource} {right.name}" in reason
    assert asyncio.run(committed(installed, SIGNALS_GROUP, INPUTS)) == 0


@pytest.mark.parametrize("resource", ["topic", "group"])
def test_a_right_that_is_taken_away_ends_the_worker(secured: Secured, unique: str, resource: str) -> None:
    admin = secured.install(unique)
    right = next(r for r in signals_rights(admin) if r.resource == resource)
    with worker(secured.settings("signals", unique), "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, "customer states recovered"))
        secured.acls.withdraw("signals", right)
        assert process.wait() == ExitCode.MISFIT, process.log()
        (reason,) = reasons_of(process)
    assert right.name in reason


def test_a_right_that_is_taken_away_while_its_topic_is_gone_ends_the_worker(
    secured: Secured, unique: str
) -> None:
    """Nothing is fetched of a topic that was deleted: its metadata alone can tell that we may not read it."""
    admin = secured.install(unique)
    right = next(r for r in signals_rights(admin) if r.name == f"{unique}.customer.profiles")
    with worker(secured.settings("signals", unique), "signals", "--no-idle-timers") as process:
        asyncio.run(until_said(process, "customer states recovered"))
        client = KafkaAdminClient(**admin.kafka_python_options())
        client.delete_topics([right.name])
        client.close()
        asyncio.run(until_said(process, "topics wait"))
        secured.acls.withdraw("signals", right)
        assert process.wait() == ExitCode.MISFIT, process.log()
        (reason,) = reasons_of(process)
    assert right.name in reason


def test_a_group_that_may_only_be_looked_at_ends_the_worker(secured: Secured, unique: str) -> None:
    admin = secured.install(unique)
    right = next(r for r in signals_rights(admin) if r.resource == "group")
    secured.acls.withdraw("signals", right)
    secured.acls.grant("signals", [right._replace(operation="Describe")])  # type: ignore[arg-type]
    with worker(secured.settings("signals", unique), "signals") as process:
        assert process.wait() == ExitCode.MISFIT, process.log()
        (reason,) = errors_of(process)
    assert right.name in reason
