"""Objections by number on a broker: every partition gets each, once, and nobody who objected stays on the list of a dialer."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import topics
from streams.cluster.topic_reader import TopicReader
from streams.core.objections import is_objection
from streams.operations.objections import copy_words
from streams.settings import SIGNALS_GROUP, Settings
from tests.integration.conftest import Broker
from tests.integration.worker_events import call, survey
from tests.integration.worker_program import (
    INPUTS,
    invoked,
    prepared,
    produce,
    read_all,
    recovered,
    until_committed,
    worker,
    write,
)

NUMBERS = [f"+3161234567{number}" for number in range(6)]
PARTITIONS = 2


@pytest.fixture
def settings(broker: Broker, unique: str) -> Settings:
    return prepared(broker, unique, partitions=PARTITIONS, erasure_key="the key of this test")


def load(settings: Settings, path: Path, numbers: list[str], *options: str, code: int = 0) -> dict[str, Any]:
    path.write_text("phone_e164\n" + "".join(f"{each}\n" for each in numbers))
    result = invoked(settings, "objections", "load", str(path), "--json", *options)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return {name: value for name, value in found.items() if value}


def held(settings: Settings) -> list[set[bytes]]:
    records = asyncio.run(read_all(settings, topics.OBJECTIONS))[topics.OBJECTIONS]
    return [
        {each.key for each in records if each.partition == number and each.key}
        for number in range(PARTITIONS)
    ]


def test_a_list_reaches_every_partition_once_and_what_broke_off_is_made_whole(
    settings: Settings, broker: Broker, unique: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    assert load(settings, path, NUMBERS, "--dry-run") == {
        "numbers": 6,
        "added": 6,
        "records": 12,
        "dry_run": True,
    }
    assert held(settings) == [set(), set()]
    found = load(settings, path, [*NUMBERS, "0612345678"], code=1)
    refused = found.pop("refused")
    assert found == {"numbers": 6, "added": 6, "records": 12}
    assert refused[0].startswith(f"{path}:8: phone_e164: ")
    there = held(settings)
    assert there[0] == there[1]
    assert len(there[0]) == 6
    assert load(settings, path, NUMBERS) == {"numbers": 6, "unchanged": 6}
    # A word that only one partition has heard.
    [record, *_] = asyncio.run(read_all(settings, topics.OBJECTIONS))[topics.OBJECTIONS]
    word = json.loads(record.value or b"")
    word["occurred_at"] = (datetime.fromisoformat(word["occurred_at"]) + timedelta(seconds=1)).isoformat()
    asyncio.run(write(settings, topics.OBJECTIONS, 1, (record.key, json.dumps(word).encode())))
    found = load(settings, path, NUMBERS)
    assert found == {"numbers": 6, "unchanged": 6, "repaired": 1, "records": 1}
    assert load(settings, path, NUMBERS) == {"numbers": 6, "unchanged": 6}
    assert load(settings, path, NUMBERS[:2], "--remove") == {"numbers": 2, "lifted": 2, "records": 4}
    assert load(settings, path, NUMBERS[:2], "--remove") == {"numbers": 2, "unchanged": 2}
    other = prepared(broker, f"{unique}.other", partitions=3, erasure_key="the key of this test")
    assert copy_words(settings, other) == 6
    assert load(other, path, NUMBERS[:2], "--remove") == {"numbers": 2, "unchanged": 2}
    assert load(other, path, NUMBERS[2:]) == {"numbers": 4, "unchanged": 4}
    assert not any(
        b"6123456" in (each.value or b"")
        for each in asyncio.run(read_all(settings, topics.OBJECTIONS))[topics.OBJECTIONS]
    )


@pytest.mark.slow
def test_who_objected_is_taken_back_from_the_dialers_list_in_any_partition(
    settings: Settings, tmp_path: Path
) -> None:
    customers = [f"customer-{number}" for number in range(6)]
    events = []
    for customer, number in zip(customers, NUMBERS, strict=True):
        _, event = call(customer, 2000, 0)
        del event["resolved"]
        events += [
            (topics.PROFILES, event | {"type": "profile", "phone_e164": number}),
            survey(customer, 1, 5),
        ]
    asyncio.run(produce(settings, events))
    with worker(settings, "signals", "--no-idle-timers") as signals:
        asyncio.run(until_committed(signals, settings, SIGNALS_GROUP, INPUTS, len(events)))
        load(settings, tmp_path / "list.csv", NUMBERS[:4])
        with TopicReader(settings) as reader:
            count = sum(reader.ends(map(settings.topic, INPUTS)).values())
        asyncio.run(until_committed(signals, settings, SIGNALS_GROUP, INPUTS, count))
        assert 'behoudlijn_events_total{result="accepted",type="objection"} 8.0' in signals.metrics()
        assert signals.stop() == 0, signals.log()
        assert not any(number in signals.log() for number in NUMBERS)
    last: dict[str, tuple[str, str]] = {}
    for record in asyncio.run(read_all(settings, topics.SHADOW_TRIGGERS))[topics.SHADOW_TRIGGERS]:
        trigger = json.loads(record.value or b"")
        last[trigger["customer_id"]] = trigger["status"], trigger["status_reason"]
    assert last == {
        **dict.fromkeys(customers[:4], ("retracted", "do_not_call")),
        **dict.fromkeys(customers[4:], ("open", "callback_requested")),
    }
    for part in asyncio.run(recovered(settings)):
        assert sum(map(is_objection, part.store.states)) == part.store.clock.objections == 4
