"""Outputs on their way to their topics: on a real broker."""

from __future__ import annotations

import asyncio

import orjson

from schemas import topics
from streams.cluster.topics import ensure
from streams.state.changelog import Sending
from streams.state.delivery import BATCH_BYTES, Deliveries
from streams.workers.effects import Effects
from tests.integration.conftest import Broker
from tests.integration.worker_program import read_all, settings_of

AT = 1_700_000_000_000


def trigger(number: int) -> Sending:
    value = orjson.dumps({"trigger_id": f"t{number}", "sequence": 1, "evidence": "x" * 1_500})
    return Sending("trigger", "live", f"c{number}", AT + number, value, f"t{number}.1")


def test_more_than_a_batch_holds_arrives_whole_and_in_order(broker: Broker, unique: str) -> None:
    settings = settings_of(broker, unique)
    ensure(settings)
    triggers = [trigger(number) for number in range(1_000)]
    assert sum(len(each.value) for each in triggers) > BATCH_BYTES, "or they fit into one batch"
    signals = [
        Sending("signals", "live", f"c{number}", AT, b'{"sequence":1}', f"s{number}")
        for number in range(1_000)
    ]
    gone = Sending("signals", "live", "c7", AT + 1, b"", "gone")

    async def publish() -> None:
        deliveries = Deliveries(settings, lambda: None)
        await deliveries.start()
        try:
            mixed = [each for pair in zip(triggers, signals, strict=True) for each in pair]
            await Effects(settings, deliveries).publish(1, [*mixed, gone])
            await Effects(settings, deliveries).publish(1, [])
        finally:
            await deliveries.stop()

    asyncio.run(publish())
    found = asyncio.run(read_all(settings, topics.TRIGGERS, topics.SIGNALS))
    for name, sent in ((topics.TRIGGERS, triggers), (topics.SIGNALS, [*signals, gone])):
        assert [(r.partition, r.key, r.value) for r in found[name]] == [
            (1, each.key.encode(), each.value or None) for each in sent
        ]
