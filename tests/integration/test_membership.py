"""Workers of one group that do not agree, and topics whose number of partitions changes under a worker. All on real Kafka."""

from __future__ import annotations

import asyncio
import json

import pytest
import requests
from kafka.admin import NewPartitions

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from streams.settings import SIGNALS_GROUP
from streams.telemetry.exit_codes import ExitCode
from tests.integration.administration import Admin
from tests.integration.worker_events import call
from tests.integration.worker_program import (
    INPUTS,
    RECOVERED,
    Process,
    prepared,
    produce,
    until_committed,
    until_said,
    until_true,
    worker,
)
from tests.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka

NO_LOOK = (
    "from streams.workers.membership import Membership as M; from asyncio import sleep; "
    "M.check_before_joining = lambda self: sleep(0); "
)
"""What a worker does that asked before the other one had joined."""
OLD = (
    "from streams.workers import membership as m; m.client_id_of = lambda worker, agreed: 'faust-0.15.3'; "
    "m.Membership.check_before_joining = m.Membership.check_after_joining = lambda self: __import__('asyncio').sleep(0); "
)
"""A worker of the version before: its client id tells nothing, and it asks nobody."""


def last_words(process: Process) -> str:
    """The reason with which it ended."""
    lines = [json.loads(line) for line in process.log().splitlines() if line.startswith("{")]
    return str(next(line["reason"] for line in lines if line["event"].startswith("worker failed")))


async def until_ready(process: Process) -> None:
    await until_said(process, "worker starts")
    ready = f"{process.health()}/readyz"
    await until_true(process, lambda: requests.get(ready, timeout=10).json()["ready"])


@pytest.mark.parametrize(("first", "second"), [("live", "shadow"), ("shadow", "live")])
def test_a_second_mode_is_refused_and_the_first_goes_on(
    kafka: KafkaBroker, unique: str, first: str, second: str
) -> None:
    settings = prepared(kafka, unique, partitions=1, mode=first)
    with worker(settings, "signals") as one:
        asyncio.run(until_ready(one))
        with worker(settings.model_copy(update={"mode": second}), "signals") as other:
            assert other.wait(90) == ExitCode.MISFIT
            said = last_words(other)
            assert RECOVERED not in other.log(), "it never took part"
        assert f"mode {first} → {second}" in said
        assert "stop all workers" in said
        asyncio.run(produce(settings, [call("customer-1", 1, 1)]))
        asyncio.run(until_committed(one, settings, SIGNALS_GROUP, INPUTS, 1))
        assert one.log().count(RECOVERED) == 1, "it was not disturbed"
        assert one.stop() == 0, one.log()


def test_a_second_policy_is_refused_with_both_labels(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique, partitions=1)
    with worker(settings, "signals") as one:
        asyncio.run(until_ready(one))
        with worker(settings, "signals", "--policy", "four-unresolved-calls") as other:
            assert other.wait(90) == ExitCode.MISFIT
            said = last_words(other)
        assert "policy default/" in said
        assert "→ four-unresolved-calls/" in said
        assert one.stop() == 0, one.log()


def test_of_two_that_join_at_the_same_moment_what_tells_no_dialer_goes_on(
    kafka: KafkaBroker, unique: str
) -> None:
    settings = prepared(kafka, unique)
    with (
        worker(settings, "signals", "--mode", "live", first=NO_LOOK) as live,
        worker(settings, "signals", "--mode", "shadow", first=NO_LOOK) as shadow,
    ):
        assert live.wait(90) == ExitCode.MISFIT
        assert "mode shadow → live" in last_words(live)
        asyncio.run(until_ready(shadow))
        assert shadow.stop() == 0, shadow.log()


def test_a_change_on_purpose_is_taken_and_told_before_ready(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique, partitions=1)
    with worker(settings, "signals") as before:
        asyncio.run(until_ready(before))
        assert before.stop() == 0, before.log()
    with worker(settings, "signals", "--mode", "live", "--policy", "four-unresolved-calls") as after:
        asyncio.run(until_said(after, RECOVERED))
        told, _, _ = after.log().partition(RECOVERED)
        line = next(json.loads(each) for each in told.splitlines() if "settings have changed" in each)
        assert line["level"] == "warning"
        mode, policy = line["changed"]
        assert mode == "mode shadow → live"
        assert policy.startswith("policy default/")
        assert after.stop() == 0, after.log()
    with worker(settings, "signals", "--mode", "live", "--policy", "four-unresolved-calls") as again:
        asyncio.run(until_said(again, RECOVERED))
        assert "settings have changed" not in again.log(), "it is told once"


def test_a_member_of_the_version_before_is_let_be(kafka: KafkaBroker, unique: str) -> None:
    settings = prepared(kafka, unique)
    with worker(settings, "signals", first=OLD) as old:
        asyncio.run(until_ready(old))
        with worker(settings, "signals", "--mode", "live") as new:
            asyncio.run(until_ready(new))
            assert old.child.poll() is None
            assert new.stop() == 0, new.log()
        assert old.stop() == 0, old.log()


@pytest.mark.parametrize("name", ["signals", "sink"])
@pytest.mark.parametrize("grown", ["one", "all"])
def test_partitions_that_are_added_under_a_worker_end_it_by_name(
    kafka: KafkaBroker, admin: Admin, clickhouse: EmbeddedClickHouse, unique: str, name: str, grown: str
) -> None:
    settings = prepared(kafka, unique, clickhouse_dsn=clickhouse.dsn)
    with worker(settings, name) as process:
        asyncio.run(until_ready(process))
        names = [topics.CALLS] if grown == "one" else [*topics.INPUTS, *topics.OUTPUTS, topics.REPARTITION]
        admin(
            lambda client: client.create_partitions(
                {settings.topic(each): NewPartitions(3) for each in names}
            )
        )
        assert process.wait(60) == ExitCode.MISFIT, process.log()
        said = last_words(process)
        assert (
            f"must have 2 partitions, but {settings.topic(topics.CALLS if grown == 'one' else names[0])} has 3"
            in said
        )
        assert "behoudlijn topics migrate" in said


METADATA_FIRST = (
    "import os; os.environ['CONSUMER_METADATA_MAX_AGE_MS'] = '1000'; "
    "from streams.lane import consumer as c; c._LOOK_AT_LOGS_SECONDS = 1e9; "
)
"""A worker whose Kafka client hears of new partitions before we look, and has the group assigned anew."""


def test_a_rebalance_for_new_partitions_ends_by_name_too(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    settings = prepared(kafka, unique)
    with (
        worker(settings, "signals", first=METADATA_FIRST) as one,
        worker(settings, "signals", first=METADATA_FIRST) as other,
    ):
        asyncio.run(until_ready(one))
        asyncio.run(until_ready(other))
        calls = settings.topic(topics.CALLS)
        admin(lambda client: client.create_partitions({calls: NewPartitions(3)}))
        for process in (one, other):
            assert process.wait(90) == ExitCode.MISFIT, process.log()
            assert f"PartitionsError: every topic must have 2 partitions, but {calls} has 3" in last_words(
                process
            )


@pytest.mark.parametrize("name", [topics.CHANGELOG, topics.TRIGGERS])
def test_a_topic_that_is_only_written_is_counted_too(
    kafka: KafkaBroker, admin: Admin, unique: str, name: str
) -> None:
    settings = prepared(kafka, unique, partitions=1)
    with worker(settings, "signals") as process:
        asyncio.run(until_ready(process))
        admin(lambda client: client.create_partitions({settings.topic(name): NewPartitions(2)}))
        assert process.wait(60) == ExitCode.MISFIT, process.log()
        assert f"but {settings.topic(name)} has 2" in last_words(process)


def test_a_topic_made_anew_with_fewer_partitions_ends_the_worker_by_name(
    kafka: KafkaBroker, admin: Admin, unique: str
) -> None:
    settings = prepared(kafka, unique)
    with worker(settings, "signals") as process:
        asyncio.run(until_ready(process))
        admin.make_anew(settings.topic(topics.CALLS), partitions=1)
        assert process.wait(90) == ExitCode.MISFIT, process.log()
        assert f"but {settings.topic(topics.CALLS)} has 1" in last_words(process)
