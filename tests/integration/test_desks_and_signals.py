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
from streams.telemetry.exit_codes import ExitCode
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
from tests.integration.worker_program import Process, produce, until_said, until_true, worker

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


def published_before(settings: Settings, *customers: str) -> None:
    """Signals workers publish themselves, as they do where no desk is."""

    async def asks(process: Process) -> None:
        await until_said(process, "customer states recovered")
        await produce(settings, [each for customer in customers for each in request(customer)])
        for customer in customers:
            await until_status(process, settings, customer, "open")

    with worker(settings, "signals", "--mode", "live") as process:
        asyncio.run(asks(process))
        assert process.stop() == 0, process.log()


def adopted(settings: Settings) -> list[tuple[str, int]]:
    """Whose triggers were handed over, and after which sequence."""
    return [
        (each["trigger"]["customer_id"], each["adopted_sequence"])
        for each in said(settings, topics.CANDIDATES)
        if each["type"] == "decided" and each["adopted_sequence"]
    ]


def test_what_was_published_before_there_were_desks_is_handed_to_them_and_ends_there(
    settings: Settings,
) -> None:
    published_before(settings, "anna", "bert", "cleo")

    async def goes_on(signals: Process, desk: Process) -> None:
        await until_said(signals, "the desks publish the triggers from now on")
        before = await asyncio.to_thread(triggers, settings)
        of_anna, of_bert = before["anna"][0], before["bert"][0]
        await produce(settings, [outcome(of_anna, "ANSWERED_HUMAN"), outcome(of_bert, "NO_ANSWER")])
        await produce(settings, [event(topics.CANCELLATIONS, "cancellation", "cleo", "x", stage="confirmed")])
        await until_status(desk, settings, "anna", "completed")
        await until_status(desk, settings, "bert", "waiting_retry")
        await until_status(desk, settings, "cleo", "retract_requested")

    with signals_worker(settings) as signals, release_worker(settings) as desk:
        asyncio.run(goes_on(signals, desk))
        assert signals.stop() == 0, signals.log()
        assert desk.stop() == 0, desk.log()
    assert sorted(adopted(settings)) == [("anna", 1), ("bert", 1), ("cleo", 1)]
    found = triggers(settings)
    assert [(each["sequence"], each["status"]) for each in found["anna"]] == [
        (1, "open"),
        (2, "completed"),
    ]
    assert {len({each["trigger_id"] for each in records}) for records in found.values()} == {1}


@pytest.mark.parametrize("fail_point", ["before_changelog:1", "after_changelog:1"])
def test_a_kill_on_the_day_of_the_take_over_hands_over_everything_once(
    settings: Settings, policy: str, fail_point: str
) -> None:
    customers = [f"customer-{n}" for n in range(8)]
    published_before(settings, *customers)
    with signals_worker(settings, fail_point=fail_point) as signals:
        assert signals.wait() == 137

    ids = {each[0]["trigger_id"] for each in triggers(settings).values()}

    async def goes_on(desk: Process) -> None:
        await until_true(desk, lambda: states_of(settings, 0).keys() >= ids)

    with signals_worker(settings), release_worker(settings) as desk:
        asyncio.run(goes_on(desk))
        assert desk.stop() == 0, desk.log()
    assert set(adopted(settings)) == {(customer, 1) for customer in customers}
    assert all(statuses(settings, customer) == ["open"] for customer in customers), "dialers have them"
    oracle = Oracle(settings, load_policy(policy), 0)
    assert states_of(settings, 0) == oracle.states


def test_after_the_take_over_nobody_publishes_beside_the_desks(settings: Settings) -> None:
    async def begins(process: Process) -> None:
        await until_said(process, "the desks publish the triggers from now on")

    with signals_worker(settings) as signals:
        asyncio.run(begins(signals))
        assert signals.stop() == 0, signals.log()
    with signals_worker(settings) as signals:
        asyncio.run(until_said(signals, "customer states recovered"))
        assert signals.stop() == 0, signals.log()
        assert "from now on" not in signals.log()
    with worker(settings, "signals") as process:
        assert process.wait() == ExitCode.MISFIT, process.log()
        assert "are published by the desks" in process.log()
