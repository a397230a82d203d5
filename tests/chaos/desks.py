"""Two desks of the release stage under faults: `python -m tests.chaos.desks --seconds 60 --seed 7`.

Owns the scenario and its verdicts. Desks are fed at random, with a time of their own that runs some hundred times as fast, while their
workers are killed, killed between two steps, frozen past their session, and the broker is killed. Afterwards each desk must be what one
reading of the recorded order makes of it; no ceiling is exceeded, nothing is granted to two at a time, and each command is answered once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final

import orjson
import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from rich.console import Console

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.core.release.plan import QUARTER
from streams.policies import load_policy
from streams.settings import Settings
from streams.workers.desk_states import INPUTS
from tests.chaos.desk_verdicts import verdicts
from tests.integration.desk_program import judged, prepared, read, release_worker
from tests.integration.desk_triggers import trigger
from tests.integration.worker_program import Process
from tests.kafka.broker import KafkaBroker

DESKS: Final = {"first": ("service", "callback"), "second": ("retention",)}
_PURPOSE: Final = {"service": "service_recovery", "callback": "requested_callback", "retention": "save"}
_CEILING: Final = {"service": 3, "callback": 2, "retention": 4}
_TICK: Final = timedelta(seconds=40)
_TICKS_A_SECOND: Final = 5
_BEGIN: Final = datetime(2026, 6, 1, 7, tzinfo=UTC)
_WORKERS: Final = 2
_FAIL_POINTS: Final = ("before_changelog", "after_changelog", "after_outputs", "before_ack", "after_commit")
_FROZEN_SECONDS: Final = 9.0
_DISPOSITIONS: Final = (
    "ANSWERED_HUMAN", "NO_ANSWER", "NO_ANSWER", "BUSY", "CALLBACK_LATER", "INVALID_NUMBER", "STOPPED", "TOO_LATE", "REFUSED",
)  # fmt: skip

console = Console(width=120, soft_wrap=True)
app = typer.Typer(pretty_exceptions_enable=False)


def policy_text() -> str:
    """A policy with two desks whose ceilings are soon reached."""
    text = Path("streams/policies/default.yaml").read_text(encoding="utf-8")
    skills = "".join(
        f"    {skill}: {{desk: {desk}, mode: live, most_outstanding: 8, source: test, staffed: [{{days: [mon, tue, wed, thu, fri, sat, sun], "
        f'opens: "00:00", closes: "24:00", attempts: {_CEILING[skill]}}}]}}\n'
        for desk, names in DESKS.items()
        for skill in names
    )
    return text[: text.index("\nrelease:")] + (
        f"\nrelease:\n  desks: [{', '.join(DESKS)}]\n  time_zone: UTC\n  source: test\n  hand_over_hours: 1\n  skills:\n{skills}"
    )


class Feeder:
    """What signals workers, dialers and operators write to the desks, at random; `now` is the desks' time."""

    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self.now = _BEGIN
        self._known: dict[int, list[tuple[str, str, str]]] = {number: [] for number in range(len(DESKS))}
        self._sequences: Counter[str] = Counter()
        self._claims: list[tuple[int, dict[str, Any]]] = []
        self.commands = 0
        self.records: Counter[str] = Counter()

    def next(self) -> list[tuple[str, int, bytes]]:
        """Return the records up to the next tick, that included: topic, desk, value."""
        made = [
            each
            for _ in range(self._random.randrange(6))
            for each in [self._one(self._random.randrange(len(DESKS)))]
        ]
        self.now += _TICK
        for desk in range(len(DESKS)):
            for partition in range(self._settings.partitions):
                if self._random.random() < 0.9:
                    told = {"type": "progress", "partition": partition, "read_to": _text(self.now)}
                    made.append((topics.CANDIDATES, desk, orjson.dumps(told)))
            made.append((topics.COMMANDS, desk, self.tick()))
        self.records.update(topic for topic, _, _ in made)
        return made

    def tick(self) -> bytes:
        """Return the command that tells the time."""
        return orjson.dumps({"type": "tick", "now": _text(self.now)})

    def _one(self, desk: int) -> tuple[str, int, bytes]:
        known = self._known[desk]
        chance = self._random.random()
        if chance < 0.02:
            return self._random.choice([topics.CANDIDATES, topics.COMMANDS]), desk, b'{"type": "dance"}'
        if chance < 0.3 or not known:
            return topics.CANDIDATES, desk, orjson.dumps(self._decided(desk, ""))
        trigger_id, customer, _ = self._random.choice(known[-60:])
        if chance < 0.6:
            return topics.CANDIDATES, desk, orjson.dumps(self._about(desk, trigger_id, customer))
        command = self._command(desk, trigger_id)
        return topics.COMMANDS, desk, orjson.dumps(command)

    def _decided(self, desk: int, trigger_id: str) -> dict[str, Any]:
        names = list(DESKS.values())[desk]
        skill = self._random.choice(names)
        if not trigger_id:
            number = len(self._known[desk])
            trigger_id = f"t{desk}-{number}"
            self._known[desk].append((trigger_id, f"customer-{self._random.randrange(400)}", skill))
        customer = next(c for t, c, _ in self._known[desk] if t == trigger_id)
        self._sequences[trigger_id] += 1
        last = self._random.choice([1, 6, 30])
        opens = self.now + timedelta(hours=self._random.choice([-1, -1, 0.3, 2]))
        fields = trigger(
            trigger_id,
            customer,
            self._sequences[trigger_id],
            skill=skill,
            purpose=_PURPOSE[skill],
            due_at=_text(self.now + timedelta(hours=self._random.choice([0.2, 4]))),
            expires_at=_text(self.now + timedelta(hours=last)),
            callable=[[_text(opens), _text(opens + timedelta(hours=self._random.choice([0.5, 20])))]],
            score=round(self._random.random(), 3),
            retry_delay_seconds=1800,
        )
        return {
            "type": "decided",
            "partition": partition_of(customer.encode(), self._settings.partitions),
            "trigger": fields,
        }

    def _about(self, desk: int, trigger_id: str, customer: str) -> dict[str, Any]:
        chance = self._random.random()
        if chance < 0.15:
            return self._decided(desk, trigger_id)
        if chance < 0.3:
            self._sequences[trigger_id] += 1
            sequence = self._sequences[trigger_id]
            return {
                "type": "withdrawn",
                "trigger_id": trigger_id,
                "decision_sequence": sequence,
                "reason": "cooled_down",
            }
        if chance < 0.5:
            started = {
                "type": "contact",
                "trigger_id": trigger_id,
                "contact_id": f"k{self._random.randrange(9)}",
            }
            over = self._random.random() < 0.6
            return started | {"over": over, "served": over and self._random.random() < 0.3}
        if chance < 0.53:
            return {"type": "erased", "trigger_id": trigger_id}
        return {
            "type": "outcome",
            "trigger_id": trigger_id,
            "attempt": self._random.choice([1, 1, 1, 2, 3]),
            "disposition": self._random.choice(_DISPOSITIONS),
            "placed_at": _text(self.now),
        }

    def _command(self, desk: int, trigger_id: str) -> dict[str, Any]:
        chance = self._random.random()
        if chance < 0.05 and self._claims:
            again, command = self._random.choice(self._claims)
            if again == desk:
                return command
        self.commands += 1
        skill = self._random.choice(list(DESKS.values())[desk])
        own = {"claimant": f"agent-{self._random.randrange(4)}", "command_id": f"c{self.commands}"}
        what: dict[str, Any]
        if chance < 0.35:
            what = {"type": "claim", "trigger_id": trigger_id}
        elif chance < 0.65:
            what = {"type": "claim", "skill": skill}
        elif chance < 0.9:
            what = {
                "type": self._random.choice(["renew", "release", "done", "done"]),
                "trigger_id": trigger_id,
            }
            if what["type"] == "done" and chance < 0.75:
                what["answer"] = self._random.choice(["stopped", "too_late"])
        elif chance < 0.95:
            until = _text(self.now + timedelta(minutes=30))
            what = {"type": "capacity", "skill": skill, "free": self._random.randrange(5), "until": until}
        else:
            kind = self._random.choice(["start", "start", "stop", "limit"])
            what = {"type": kind, "skill": skill} | ({"a_day": 30} if kind == "limit" else {})
        self._claims.append((desk, own | what))
        return own | what


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def feed(settings: Settings, feeder: Feeder, until: float) -> None:
    """Write what the feeder makes, in order, until then; a record of which the broker did not confirm that it has it is sent again."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # of a broker that we have just killed
    producer = AIOKafkaProducer(**settings.aiokafka_options(), acks="all")
    await producer.start()
    try:
        for desk in range(len(DESKS)):  # a desk's time begins with its first record
            await producer.send_and_wait(settings.topic(topics.COMMANDS), feeder.tick(), partition=desk)
        while not all([await asyncio.to_thread(judged, settings, desk) for desk in range(len(DESKS))]):  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.3)
        while time.monotonic() < until:
            for topic, desk, value in feeder.next():
                while time.monotonic() < until + 60:
                    try:
                        await producer.send_and_wait(settings.topic(topic), value, partition=desk)
                        break
                    except KafkaError:
                        await asyncio.sleep(0.5)
            await asyncio.sleep(1 / _TICKS_A_SECOND)
    finally:
        await producer.stop()


class Workers:
    """The processes of one group: one that ends is started again, as an orchestrator does."""

    def __init__(self, settings: Settings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._stack = ExitStack()
        self.now: list[Process] = []
        self.ends: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()

    def keep(self, *, fail: bool) -> None:
        """Start what is not running. `fail`: some of them end at a place of one of their batches."""
        for process in [each for each in self.now if each.child.poll() is not None]:
            self.ends[process.child.returncode] += 1
            self.now.remove(process)
        while len(self.now) < _WORKERS:
            place = ""
            if fail and self._random.random() < 0.5:
                place = f"{self._random.choice(_FAIL_POINTS)}:{self._random.randrange(2, 60)}"
                self.faults["ends at a place"] += 1
            self.now.append(
                self._stack.enter_context(release_worker(self._settings, fail_point=place, ticks=False))
            )

    async def fault(self, broker: KafkaBroker) -> None:
        """Let one fault happen."""
        what = self._random.choice(["kill", "kill", "freeze", "freeze", "broker"])
        self.faults[what] += 1
        if what == "broker":
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(self._random.random() * 2)
            await asyncio.to_thread(broker.start)
            return
        victim = self._random.choice(self.now)
        if what == "kill":
            victim.child.kill()
            await asyncio.to_thread(victim.child.wait)
            return
        victim.child.send_signal(signal.SIGSTOP)
        await asyncio.sleep(_FROZEN_SECONDS)
        victim.child.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all of them, as an orchestrator does."""
        for process in self.now:
            code = process.stop()
            self.ends[code] += 1
            if code:
                console.print(process.log()[-3000:])

    def close(self) -> None:
        """Kill what is left."""
        self._stack.close()


async def _run(
    broker: KafkaBroker, settings: Settings, seconds: float, random: Random
) -> tuple[Feeder, Workers]:
    feeder, workers = Feeder(settings, random), Workers(settings, random)
    try:
        workers.keep(fail=False)
        end = time.monotonic() + seconds
        feeding = asyncio.create_task(feed(settings, feeder, end))
        began = time.monotonic()
        while time.monotonic() < end - 12:
            await asyncio.sleep(2 + random.random() * 4)
            workers.keep(fail=True)
            await workers.fault(broker)
            console.print(f"  {time.monotonic() - began:4.0f} s: {dict(workers.faults)}")
        while not feeding.done():
            workers.keep(fail=False)
            await asyncio.sleep(1)
        feeding.result()
        await _until_all_is_read(settings, workers)
        await asyncio.to_thread(workers.stop)
    finally:
        workers.close()
    return feeder, workers


async def _until_all_is_read(settings: Settings, workers: Workers) -> None:
    wanted: Counter[int] = Counter()
    for name in INPUTS:
        wanted.update(each.partition for each in await read(settings, name))
    async with asyncio.timeout(180):
        while True:
            workers.keep(fail=False)
            left = [
                desk
                for desk, count in wanted.items()
                if len(set(await asyncio.to_thread(judged, settings, desk))) < count
            ]
            if not left:
                return
            await asyncio.sleep(1)


@app.command()
def main(
    seconds: Annotated[float, typer.Option(help="For how long desks are fed.")] = 60,
    seed: Annotated[
        int | None, typer.Option(help="Repeat the records and the order of faults of a seed.")
    ] = None,
) -> None:
    """Feed two desks while faults happen, then hold them against the oracle."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console.print(f"desks: seed {seed}, {seconds:.0f} s")
    with tempfile.TemporaryDirectory() as directory, KafkaBroker() as broker:
        path = Path(directory, "policy.yaml")
        path.write_text(policy_text(), encoding="utf-8")
        settings = prepared(broker, "desks", str(path), partitions=2, commit_interval_s=0.3)
        feeder, workers = asyncio.run(_run(broker, settings, seconds, Random(seed)))
        found = verdicts(settings, load_policy(str(path)), _CEILING, QUARTER)
    console.print(
        f"fed {dict(feeder.records)}, {feeder.commands} commands; faults {dict(workers.faults)}, ends {dict(workers.ends)}"
    )
    for line in found.told:
        console.print(f"  {line}")
    for line in found.differences:
        console.print(f"[red]  {line}")
    console.print(f"desks, seed {seed}: {len(found.differences)} differences")
    sys.exit(bool(found.differences))


if __name__ == "__main__":
    app()
