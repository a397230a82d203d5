"""What the workers write to their logs, at debug too, holds nothing of a customer, of a record or of a secret."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from sinks.clickhouse.migrations import migrate
from streams.cluster.rights import signals_rights
from streams.settings import SIGNALS_GROUP, SINK_GROUP
from streams.telemetry.exit_codes import ExitCode
from tests.integration.security.conftest import Secured
from tests.integration.worker_events import call
from tests.integration.worker_program import Process, produce, until_committed, worker

pytestmark = pytest.mark.kafka

INPUTS = tuple(topics.INPUTS)
CUSTOMER = "canary-customer"
PHONE = "31612349876"
COMMENT = "canary-comment"
POISON = "canary-poison"
CLICKHOUSE_PASSWORD = "canary-clickhouse-password"


def planted() -> list[tuple[str, Any]]:
    """Events of which every part may be asked for in the log, and what is no event."""
    _, base = call(CUSTOMER, 1, 1)
    del base["resolved"]
    profile = base | {"type": "profile", "event_id": "p1", "phone_e164": f"+{PHONE}"}
    survey = base | {"type": "survey", "csat": 1, "callback_requested": True, "comment": COMMENT}
    return [
        (topics.PROFILES, profile),
        (topics.SURVEYS, survey),
        call(CUSTOMER, 2, 3, **{f"{POISON}-field": POISON}),
        (topics.CALLS, POISON.encode() * 8_000),
        (topics.CALLS, b'{"type":"' + POISON.encode() + b'"}'),
        (topics.SURVEYS, POISON.encode() + b"\xff\x00"),
    ]


def assert_discreet(process: Process, secured: Secured) -> None:
    log = process.log()
    assert "worker starts" in log
    for canary in (CUSTOMER, PHONE, COMMENT, POISON, CLICKHOUSE_PASSWORD, *secured.security.users.values()):
        assert canary not in log


def test_the_signals_worker(secured: Secured, unique: str) -> None:
    admin = secured.install(unique)
    asyncio.run(produce(admin, planted()))
    settings = secured.settings("signals", unique, mode="live", log_level="debug")
    with worker(settings, "signals", "--no-idle-timers") as process:
        asyncio.run(until_committed(process, admin, SIGNALS_GROUP, INPUTS, len(planted())))
        for right in signals_rights(admin):  # what follows cannot be delivered
            if right.operation == "Write" and right.name != admin.topic(topics.CHANGELOG):
                secured.acls.withdraw("signals", right)
        more = [call(f"{CUSTOMER}-{n}", n, 60 + n) for n in range(40)]
        asyncio.run(produce(admin, [*more, (topics.CALLS, POISON.encode())]))
        assert process.wait() == ExitCode.BROKE_OFF, process.log()
        assert "was not delivered" in process.log()
        assert_discreet(process, secured)


def test_the_sink_worker(secured: Secured, unique: str) -> None:
    admin = secured.install(unique)
    asyncio.run(produce(admin, planted()))
    arguments = ["--exit-with-parent"]
    with EmbeddedClickHouse(arguments=arguments, user="sink", password=CLICKHOUSE_PASSWORD) as server:
        store = ClickHouse(server.dsn)
        migrate(store)
        settings = secured.settings(
            "sink", unique, clickhouse_dsn=server.dsn, sink_batch_s=0.3, log_level="debug"
        )
        with worker(settings, "sink") as process:
            asyncio.run(until_committed(process, admin, SINK_GROUP, INPUTS, len(planted())))
            store.command("DROP TABLE fct_surveys")
            asyncio.run(produce(admin, planted()))
            assert process.wait() == ExitCode.MISFIT, process.log()
            assert "clickhouse migrate" in process.log()
            assert_discreet(process, secured)
        store.close()
