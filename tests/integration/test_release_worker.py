"""The release worker on a real broker: what it says, who may have what, and that no kill shows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.policies import load_policy
from streams.settings import Settings
from tests.integration import desk_program
from tests.integration.conftest import Broker
from tests.integration.desk_program import Oracle, judged, prepared, release_worker, said, states_of, write
from tests.integration.desk_triggers import SKILL, at, trigger
from tests.integration.worker_program import Process, until_said, until_true


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """A policy whose desks are staffed around the clock."""
    text = Path("streams/policies/default.yaml").read_text(encoding="utf-8")
    path = tmp_path / "policy.yaml"
    path.write_text(text[: text.index("\nrelease:")], encoding="utf-8")
    return str(path)


def decided(settings: Settings, trigger_id: str, customer: str, **changed: Any) -> dict[str, Any]:
    partition = partition_of(customer.encode(), settings.partitions)
    return {"type": "decided", "partition": partition, "trigger": trigger(trigger_id, customer, **changed)}


def progress(settings: Settings) -> list[dict[str, Any]]:
    return [{"type": "progress", "partition": n, "read_to": at(1)} for n in range(settings.partitions)]


def claim(command_id: str, trigger_id: str = "", claimant: str = "ann", skill: str = "") -> dict[str, Any]:
    what = {"trigger_id": trigger_id} if trigger_id else {"skill": skill}
    return {"type": "claim", "claimant": claimant, "command_id": command_id, **what}


def statuses(settings: Settings, trigger_id: str) -> list[str]:
    found = {
        each["sequence"]: each["status"]
        for each in said(settings, topics.TRIGGERS)
        if each["trigger_id"] == trigger_id
    }
    return [found[number] for number in sorted(found)]


async def until_status(process: Process, settings: Settings, trigger_id: str, status: str) -> None:
    await until_true(process, lambda: statuses(settings, trigger_id)[-1:] == [status])


def replies(settings: Settings) -> dict[str, set[tuple[str, str | None]]]:
    """What was answered to each command: more than one thing for none."""
    found: dict[str, set[tuple[str, str | None]]] = {}
    for each in said(settings, topics.REPLIES):
        found.setdefault(each["command_id"], set()).add((each["result"], each["reason"]))
    return found


async def until_answered(process: Process, settings: Settings, *command_ids: str) -> None:
    await until_true(process, lambda: replies(settings).keys() >= set(command_ids))


def assert_like_the_oracle(settings: Settings, policy: str, desk: int = 0) -> Oracle:
    """States and outputs are those of one reading of what was judged; each record is there, once or sent again."""
    oracle = Oracle(settings, load_policy(policy), desk)
    assert len(set(oracle.order)) == len(oracle.order), "nothing is judged twice"
    assert states_of(settings, desk) == oracle.states
    wanted = {output.identity: output.value for output in oracle.outputs}
    names = (topics.TRIGGERS, topics.SHADOW_TRIGGERS, topics.REPLIES)
    found = {record.value for name in names for record in asyncio.run(desk_program.read(settings, name))}
    assert found == set(wanted.values())
    return oracle


def test_a_decision_is_released_claimed_once_and_completed(broker: Broker, unique: str, policy: str) -> None:
    settings = prepared(broker, unique, policy)
    customer = "customer-7"

    async def conversation(process: Process) -> None:
        await until_said(process, "desks recovered")
        await write(settings, topics.CANDIDATES, *progress(settings), decided(settings, "t1", customer))
        await until_status(process, settings, "t1", "open")
        await write(settings, topics.COMMANDS, claim("c1", "t1"), claim("c2", "t1", "bob"), claim("c1", "t1"))
        await until_answered(process, settings, "c1", "c2")
        outcome = {"type": "outcome", "trigger_id": "t1", "attempt": 1, "disposition": "ANSWERED_HUMAN"}
        await write(settings, topics.CANDIDATES, outcome)
        await until_status(process, settings, "t1", "completed")

    with release_worker(settings) as process:
        asyncio.run(conversation(process))
        assert process.stop() == 0, process.log()
    assert statuses(settings, "t1") == ["open", "claimed", "completed"]
    assert replies(settings) == {"c1": {("granted", None)}, "c2": {("refused", "already_claimed")}}
    places = {
        (record.partition, record.key) for record in asyncio.run(desk_program.read(settings, topics.TRIGGERS))
    }
    assert places == {(partition_of(customer.encode(), settings.partitions), customer.encode())}
    assert_like_the_oracle(settings, policy)


@pytest.mark.parametrize(
    "fail_point", ["before_changelog:3", "after_changelog:3", "after_outputs:3", "before_ack:3"]
)
def test_a_kill_between_two_steps_changes_nothing(
    broker: Broker, unique: str, policy: str, fail_point: str
) -> None:
    settings = prepared(broker, unique, policy, commit_interval_s=0.1)
    customers = [f"customer-{n}" for n in range(30)]

    async def given() -> None:
        await write(
            settings,
            topics.CANDIDATES,
            *progress(settings),
            *(decided(settings, f"t-{c}", c) for c in customers),
        )

    async def goes_on(process: Process) -> None:
        await until_said(process, "desks recovered")
        await until_status(process, settings, "t-customer-29", "open")
        await write(
            settings,
            topics.COMMANDS,
            *(claim(f"c{n}", skill=SKILL, claimant=f"agent-{n % 3}") for n in range(40)),
        )
        await until_answered(process, settings, *(f"c{n}" for n in range(40)))

    asyncio.run(given())
    with release_worker(settings, fail_point=fail_point) as process:
        assert process.wait() == 137
    with release_worker(settings) as process:
        asyncio.run(goes_on(process))
        assert process.stop() == 0, process.log()
    assert_like_the_oracle(settings, policy)
    answered = replies(settings)
    assert all(len(each) == 1 for each in answered.values()), "no command is answered in two ways"
    granted = [each["trigger_id"] for each in said(settings, topics.REPLIES) if each["result"] == "granted"]
    assert len(set(granted)) == len({c for c, each in answered.items() if ("granted", None) in each}) == 30


def test_what_nobody_can_read_is_a_dead_letter_and_the_rest_goes_on(
    broker: Broker, unique: str, policy: str
) -> None:
    settings = prepared(broker, unique, policy)

    async def conversation(process: Process) -> None:
        await until_said(process, "desks recovered")
        await write(settings, topics.COMMANDS, b"no json", {"type": "dance"}, claim("c1", "t-unknown"))
        await until_answered(process, settings, "c1")

    with release_worker(settings) as process:
        asyncio.run(conversation(process))
        assert process.stop() == 0, process.log()
    letters = said(settings, topics.DEAD_LETTERS)
    assert [letter["reason_code"] for letter in letters] == ["not_json", "unknown_type"]
    assert replies(settings) == {"c1": {("refused", "unknown_trigger")}}


def test_another_worker_takes_over_and_grants_nothing_twice(broker: Broker, unique: str, policy: str) -> None:
    settings = prepared(broker, unique, policy, session_timeout_s=6)

    async def first(process: Process) -> None:
        await write(settings, topics.CANDIDATES, *progress(settings), decided(settings, "t1", "customer-1"))
        await until_status(process, settings, "t1", "open")
        await write(settings, topics.COMMANDS, claim("c1", "t1"))
        await until_answered(process, settings, "c1")

    async def second(process: Process) -> None:
        await until_said(process, "desks recovered")
        await write(settings, topics.COMMANDS, claim("c1", "t1"), claim("c2", "t1", "bob"))
        await until_answered(process, settings, "c2")

    with release_worker(settings) as one:
        asyncio.run(first(one))
        with release_worker(settings) as other:
            one.child.kill()
            one.child.wait()
            asyncio.run(second(other))
            assert other.stop() == 0, other.log()
    answered = replies(settings)
    assert answered["c1"] == {("granted", None)}
    assert answered["c2"] <= {("refused", "already_claimed"), ("refused", "starting")}
    assert_like_the_oracle(settings, policy)
    assert judged(settings, 0)
