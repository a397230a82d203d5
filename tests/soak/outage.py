"""Outages, one after another: ClickHouse is away, then the broker. What came meanwhile is there afterwards, once."""

from __future__ import annotations

import asyncio
import time

from deploy.embedded.clickhouse.process import EmbeddedClickHouse
from schemas import topics
from sinks.clickhouse.connection import ClickHouse
from tests.soak.scenario import Scenario
from tests.soak.stage import READY_SECONDS, Stage


async def strike(stage: Stage) -> None:
    """Each is away for half of the time."""
    store = stage.store
    assert store is not None
    away = max(2.0, stage.seconds / 2)
    await asyncio.to_thread(store.child.kill)
    await asyncio.sleep(away)
    again = EmbeddedClickHouse(path=stage.store_path, port=store.port, password=store.password)
    await asyncio.to_thread(again.start, READY_SECONDS)
    stage.store = again
    stage.say("ClickHouse is back")
    killed = time.monotonic()
    await asyncio.to_thread(stage.broker.kill)
    await asyncio.sleep(away)
    await asyncio.to_thread(stage.broker.start)
    stage.say("the broker is back")
    back = time.monotonic()
    await stage.until_ready(1)
    await stage.others.until_answered(120)
    stage.notes.append(
        f"ClickHouse away for {away:.0f} s, the broker for {back - killed:.0f} s; a trigger {stage.others.first_after(back):.1f} s after it was back"
    )


async def check(stage: Stage) -> None:
    """Every request is one row, and every trigger."""
    missing = await stage.progress.until_committed("sink", (*topics.INPUTS, topics.TRIGGERS), 120)
    assert stage.store is not None
    rows = await asyncio.to_thread(_rows, stage.store)
    for view, wanted in (("v_surveys", stage.others.asked), ("v_trigger_history", stage.others.told)):
        stage.lost += max(0, wanted - rows[view])
        stage.doubled += max(0, rows[view] - wanted)
    stage.lost += len(missing)


def _rows(server: EmbeddedClickHouse) -> dict[str, int]:
    store = ClickHouse(server.dsn_of("behoudlijn"), timeout=120)
    try:
        return {
            view: int(store.query(f"SELECT count() FROM {view}")[0][0])
            for view in ("v_surveys", "v_trigger_history")
        }
    finally:
        store.close()


SCENARIO = Scenario(
    name="outage",
    says="ClickHouse is away, then the broker",
    rate=40,
    strike=strike,
    check=check,
    with_store=True,
)
