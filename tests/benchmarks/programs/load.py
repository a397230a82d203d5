"""Events at a controlled rate, and how long each took to become a readable trigger.

Open loop: every event has its moment from the start, and latency counts from that moment, whether or not the sender
was on time; so a system that falls behind is charged for the queue before it. Every few events one is a *probe*: a survey
of a customer of its own who asks to be called back, which always opens a trigger.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.workers.interpreter import tune
from tests.benchmarks.say import arguments, say
from tests.benchmarks.workload import Event, Workload

_TICK = 0.01
_PROBE_EVERY = 20
_WARM_UP = 0.2
"""Share of the time whose probes are not counted."""
_WAIT = 10.0
"""Seconds after the last event for the last triggers."""

Place = tuple[str, int]


class Tick(NamedTuple):
    """What is sent at one moment, and the probes among it."""

    records: dict[Place, list[tuple[bytes | None, bytes]]]
    probes: list[bytes]


def plan(given: dict[str, Any], events: list[Event]) -> list[Tick]:
    """The events by tick."""
    per_tick = given["rate"] * _TICK
    ticks: list[Tick] = []
    taken = 0
    for number in range(round(given["seconds"] / _TICK)):
        tick = Tick({}, [])
        until = min(len(events), int((number + 1) * per_tick))
        for index in range(taken, until):
            topic, key, routing, value = events[index]
            if index % _PROBE_EVERY == 0:
                key = routing = f"probe-{given['name']}-{index}".encode()
                topic, value = topics.SURVEYS, _probe(key, value)
                tick.probes.append(key)
            place = (given["prefix"] + topic, partition_of(routing, given["partitions"]))
            tick.records.setdefault(place, []).append((key, value))
        taken = until
        ticks.append(tick)
    return ticks


def _probe(customer: bytes, neighbour: bytes) -> bytes:
    """A survey with the event time of the event in whose place it goes."""
    event = {
        "type": "survey",
        "schema_version": 1,
        "event_id": f"{customer.decode()}-s",
        "customer_id": customer.decode(),
        "occurred_at": json.loads(neighbour)["occurred_at"],
        "csat": 2,
        "callback_requested": True,
    }
    return json.dumps(event).encode()


class Reader:
    """Reads the trigger topic and notes when each probe's trigger came."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.seen: dict[bytes, float] = {}
        self._topic = given["out_prefix"] + topics.SHADOW_TRIGGERS
        self._places = [TopicPartition(self._topic, n) for n in range(given["partitions"])]
        self._consumer: Any = AIOKafkaConsumer(bootstrap_servers=given["bootstrap"], enable_auto_commit=False)

    async def start(self) -> None:
        """Go to the end of the topic."""
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_end(*self._places)

    async def read(self) -> None:
        """Read for ever; cancel it."""
        while True:
            fetched = await self._consumer.getmany(timeout_ms=1_000)
            now = time.perf_counter()
            for records in fetched.values():
                for record in records:
                    self.seen.setdefault(record.key, now)

    async def stop(self) -> None:
        """Let go."""
        await self._consumer.stop()


class Sender:
    """Sends what is due, a batch after another for each partition, as a producer without lingering does."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._waiting: dict[Place, deque[tuple[bytes | None, bytes]]] = {}
        self._tasks: dict[Place, asyncio.Task[None]] = {}

    def add(self, tick: Tick) -> None:
        """Take what is due now; returns at once."""
        for place, records in tick.records.items():
            self._waiting.setdefault(place, deque()).extend(records)
            task = self._tasks.get(place)
            if task is None or task.done():
                if task is not None:
                    task.result()
                self._tasks[place] = asyncio.create_task(self._drain(place))

    async def finish(self) -> None:
        """Wait until everything is in the broker."""
        await asyncio.gather(*self._tasks.values())

    async def _drain(self, place: Place) -> None:
        waiting = self._waiting[place]
        while waiting:
            batch = self._producer.create_batch()
            while (
                waiting and batch.append(key=waiting[0][0], value=waiting[0][1], timestamp=None) is not None
            ):
                waiting.popleft()
            batch.close()
            await (await self._producer.send_batch(batch, place[0], partition=place[1]))


async def _run(given: dict[str, Any], ticks: list[Tick]) -> dict[str, Any]:
    reader = Reader(given)
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=given["bootstrap"], acks="all", max_batch_size=512 * 1024
    )
    await producer.start()
    await reader.start()
    reading = asyncio.create_task(reader.read())
    due: dict[bytes, float] = {}
    sender = Sender(producer)
    late = 0.0
    try:
        start = time.perf_counter() + 0.2
        for number, tick in enumerate(ticks):
            moment = start + number * _TICK
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            late = max(late, time.perf_counter() - moment)
            if number >= len(ticks) * _WARM_UP:
                due.update(dict.fromkeys(tick.probes, moment))
            sender.add(tick)
        await sender.finish()
        end = time.perf_counter() + _WAIT
        while time.perf_counter() < end and any(probe not in reader.seen for probe in due):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    finally:
        reading.cancel()
        await producer.stop()
        await reader.stop()
    now = time.perf_counter()
    waits = sorted(reader.seen.get(probe, now) - moment for probe, moment in due.items())
    return {
        "triggers": len(waits),
        "missing": sum(probe not in reader.seen for probe in due),
        "late_ms": late * 1000,
        **{f"p{q:g}": _quantile(waits, q) * 1000 for q in (50, 99, 99.9)},
    }


def _quantile(ordered: list[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


if __name__ == "__main__":
    given = arguments()
    events = Workload(Path(given["directory"]), {}).events()
    first = given["skip"] % len(events)
    wanted = int(given["rate"] * given["seconds"]) + 1
    ticks = plan(given, (events[first:] + events[:first])[:wanted] if first else events[:wanted])
    del events
    tune()  # or it pauses for 50 ms now and then to look at the events to come, and the system is charged for it
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        say("result", **runner.run(_run(given, ticks)))
