"""Signals workers and desks together, on a real broker: a decision goes out at the desk, what comes of it goes back, and a kill never shows."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.cluster.topics import ensure
from streams.policies import load_policy
from streams.settings import Settings
from tests.integration.conftest import Broker
from tests.integration.desk_program import (
    Oracle,
    prepared,
    read,
    release_worker,
    said,
    signals_worker,
    states_of,
    write,
)
from tests.integration.worker_program import Process, produce, until_said, until_true

OF_DESKS = (topics.CANDIDATES, topics.COMMANDS, topics.REPLIES, topics.RELEASE_CHANGELOG)
ENDS = ("completed", "failed", "retracted", "suppressed", "expired")


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """A policy by which everybody may be called at any hour, and desks are staffed around the clock."""
    text = Path("streams/policies/default.yaml").read_text(encoding="utf-8")
    text = text[: text.index("\nrelease:")]
    text = re.sub(r'opens: "[0-9:]+", closes: "[0-9:]+"', 'opens: "00:00", closes: "23:59"', text)
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def settings(broker: Broker, unique: str, policy: str) -> Settings:
    made = prepared(broker, unique, policy, OF_DESKS, commit_interval_s=0.1)
    ensure(made)
    return made


def event(name: str, kind: str, customer: str, event_id: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    head = {"type": kind, "schema_version": 1, "event_id": event_id, "customer_id": customer}
    return name, head | {"occurred_at": at} | fields


def request(customer: str) -> list[tuple[str, dict[str, Any]]]:
    """Somebody with a number asks to be called."""
    about = {"phone_e164": "+81312345678", "country_code": "JP", "time_zone": "Asia/Tokyo"}
    return [
        event(topics.PROFILES, "profile", customer, f"p-{customer}", **about),
        event(topics.SURVEYS, "survey", customer, f"s-{customer}", csat=1, callback_requested=True),
    ]


def outcome(trigger: dict[str, Any], disposition: str, attempt: int = 1) -> tuple[str, dict[str, Any]]:
    customer, trigger_id = trigger["customer_id"], trigger["trigger_id"]
    told = {"trigger_id": trigger_id, "attempt": attempt, "disposition": disposition}
    return event(topics.OUTCOMES, "outcome", customer, f"o-{trigger_id}-{attempt}", **told)


def triggers(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The records of triggers by customer and in order, each once."""
    found: dict[str, dict[tuple[str, int], dict[str, Any]]] = {}
    for each in said(settings, topics.TRIGGERS):
        found.setdefault(each["customer_id"], {})[each["trigger_id"], each["sequence"]] = each
    return {customer: list(records.values()) for customer, records in found.items()}


def statuses(settings: Settings, customer: str) -> list[str]:
    return [each["status"] for each in triggers(settings).get(customer, [])]


async def until_status(process: Process, settings: Settings, customer: str, status: str) -> None:
    await until_true(process, lambda: statuses(settings, customer)[-1:] == [status])


def fed_back(process: Process, result: str) -> bool:
    return f'behoudlijn_events_total{{result="{result}",type="feedback"}}' in process.metrics()


def claim(trigger_id: str) -> dict[str, Any]:
    return {"type": "claim", "claimant": "ann", "command_id": f"c-{trigger_id}", "trigger_id": trigger_id}


def test_a_decision_is_called_and_what_came_of_it_comes_back(settings: Settings) -> None:
    async def calls(signals: Process, desk: Process) -> None:
        await until_said(signals, "customer states recovered")
        await until_said(desk, "desks recovered")
        await produce(settings, [*request("anna"), *request("bert")])
        for customer in ("anna", "bert"):
            await until_status(desk, settings, customer, "open")
        out = await asyncio.to_thread(triggers, settings)
        (of_anna,), (of_bert,) = out["anna"], out["bert"]
        await write(settings, topics.COMMANDS, claim(of_anna["trigger_id"]), claim(of_bert["trigger_id"]))
        for customer in ("anna", "bert"):
            await until_status(desk, settings, customer, "claimed")
        await produce(settings, [outcome(of_anna, "ANSWERED_HUMAN"), outcome(of_bert, "INVALID_NUMBER")])
        await until_status(desk, settings, "anna", "completed")
        await until_status(desk, settings, "bert", "failed")
        # The talk closed the episode of the one; of the other only the desk knew that nobody calls any more.
        await until_true(signals, lambda: fed_back(signals, "accepted") and fed_back(signals, "duplicate"))

    with signals_worker(settings) as signals, release_worker(settings) as desk:
        asyncio.run(calls(signals, desk))
        assert signals.stop() == 0, signals.log()
        assert desk.stop() == 0, desk.log()
    assert statuses(settings, "anna") == ["open", "claimed", "completed"]
    assert statuses(settings, "bert") == ["open", "claimed", "failed"]
    places = {(each.partition, each.key) for each in asyncio.run(read(settings, topics.TRIGGERS))}
    assert places == {(partition_of(c, settings.partitions), c) for c in (b"anna", b"bert")}


def test_what_the_customer_takes_back_is_taken_back_at_the_desk(settings: Settings) -> None:
    async def goes(signals: Process, desk: Process) -> None:
        await until_said(signals, "customer states recovered")
        await produce(settings, request("anna"))
        await until_status(desk, settings, "anna", "open")
        await produce(settings, [event(topics.CANCELLATIONS, "cancellation", "anna", "x", stage="confirmed")])
        await until_status(desk, settings, "anna", "retracted")

    with signals_worker(settings) as signals, release_worker(settings) as desk:
        asyncio.run(goes(signals, desk))
    assert statuses(settings, "anna") == ["open", "retracted"]


@pytest.mark.parametrize(
    "fail_point", ["after_changelog:2", "after_outputs:2", "before_ack:2", "before_changelog:2"]
)
def test_a_kill_of_the_signals_worker_loses_no_decision_and_makes_none_twice(
    settings: Settings, policy: str, fail_point: str
) -> None:
    customers = [f"customer-{n}" for n in range(20)]
    asked = [each for customer in customers for each in request(customer)]

    async def goes_on(desk: Process) -> None:
        for customer in customers:
            await until_status(desk, settings, customer, "open")

    asyncio.run(produce(settings, asked))
    with signals_worker(settings, fail_point=fail_point) as signals:
        assert signals.wait() == 137
    with signals_worker(settings), release_worker(settings) as desk:
        asyncio.run(goes_on(desk))
        assert desk.stop() == 0, desk.log()
    assert all(statuses(settings, customer) == ["open"] for customer in customers)
    decided = [each for each in said(settings, topics.CANDIDATES) if each["type"] == "decided"]
    contents = {each["trigger"]["customer_id"]: each for each in decided}
    assert contents.keys() == set(customers)
    assert all(each == contents[each["trigger"]["customer_id"]] for each in decided)
    oracle = Oracle(settings, load_policy(policy), 0)
    assert states_of(settings, 0) == oracle.states
