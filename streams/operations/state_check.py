"""What the states of each partition rest on, side by side with the logs and the group's positions, and what is wrong with it.

Owns gathering it. What is lacking, and its words, is `streams.state.ground`: the same by which workers refuse. It must not change
anything, and no worker need stop for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas import topics
from streams.cluster.copartitioning import TOPICS, problem_of
from streams.cluster.topic_reader import TopicReader
from streams.core.state import NEVER
from streams.lane.topic_ids import TopicIdsOfBrokers
from streams.operations.standing import INPUTS, Log, Standing, standing
from streams.settings import Settings
from streams.state.between import look
from streams.state.changelog import ChangelogError
from streams.state.ground import ADVICE, Ground, ahead, lacking
from streams.state.recovery import ChangelogReader, Reading
from streams.telemetry.amounts import amount

_UNKNOWN: Final = "not recorded"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a partition, in offsets. `committed` is what the group has read, `held` what the states hold; none: not known."""

    topic: str
    start: int
    end: int
    committed: int | None
    held: int | None


@dataclass(frozen=True, slots=True)
class Checked:
    """One partition. `time` is its partition time in ms, none before the first event. `problems` says what is wrong, a sentence each."""

    partition: int
    customers: int
    markers: int
    time: int | None
    mode: str
    policy: str
    epoch: int
    changelog: Log
    inputs: tuple[Input, ...]
    unsent: int
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--json`."""
        return asdict(self) | {"changelog": self.changelog._asdict()}


async def check(settings: Settings, numbers: Iterable[int]) -> list[Checked]:
    """Look at these partitions. Raises BrokerError, and what reading a changelog raises."""
    numbers = list(numbers)
    misfits = await asyncio.to_thread(_misfits, settings)
    now = await standing(settings, numbers)
    async with ChangelogReader(
        settings.topic(topics.CHANGELOG), numbers, settings.aiokafka_options(), lenient=True
    ) as reader:
        await reader.to_end()
        recovered = {part.store.number: part for part in reader.finish()}
    changelog_id = await _id_of(settings, settings.topic(topics.CHANGELOG))
    grounds = {number: ground_of(now, reader.readings[number], changelog_id) for number in numbers}
    between = await look(settings, {number: ahead(ground) for number, ground in grounds.items()})
    bound = time.time_ns() // 1_000_000 + int(settings.future_tolerance_s * 1000)
    checked = []
    for number in numbers:
        reading, ground = reader.readings[number], grounds[number]
        problems = misfits + _problems(reading, ground, between.get(number, {}), bound)
        store, logs = reading.store, now.logs[number]
        checked.append(
            Checked(
                number,
                store.customers,
                store.clock.markers,
                None if store.clock.now == NEVER else store.clock.now,
                store.agreed.get("mode", _UNKNOWN),
                store.policy or _UNKNOWN,
                reading.epoch,
                logs[topics.CHANGELOG],
                tuple(
                    Input(name, *logs[name], ground.committed.get(name), store.inputs.get(name))
                    for name in INPUTS
                ),
                len(recovered[number].unsent),
                tuple(problems),
            )
        )
    return checked


def _misfits(settings: Settings) -> list[str]:
    """Return what is wrong with the topics' numbers of partitions, which concerns every partition: a worker would refuse them."""
    with TopicReader(settings) as reader:
        ends = reader.ends(map(settings.topic, TOPICS))
    problem = problem_of(Counter(settings.plain_topic(topic) for topic, _ in ends), settings)
    beyond = [
        f"{topic}[{number}] ({amount(end, 'offset')})"
        for (topic, number), end in ends.items()
        if number >= settings.partitions and settings.plain_topic(topic) in INPUTS and end
    ]
    said = [problem] if problem else []
    if beyond:
        said.append(f"no worker reads {', '.join(beyond)}, and no state holds anything of it")
    return said


async def _id_of(settings: Settings, topic: str) -> str:
    ids = TopicIdsOfBrokers(settings.kafka_python_options())
    try:
        return (await ids([topic])).get(topic, "")
    finally:
        ids.close()


def ground_of(now: Standing, reading: Reading, changelog_id: str = "") -> Ground:
    """Return what the states of a partition rest on, as a worker would find it."""
    store, number = reading.store, reading.store.number
    logs = now.logs[number]
    committed = {name: offset for name, offset in now.committed[number].items() if name in INPUTS}
    starts = {
        name: logs[name].start if not logs[name].start <= offset <= logs[name].end else offset
        for name, offset in committed.items()
    }
    return Ground(
        number,
        reading.known,
        logs[topics.CHANGELOG].start,
        store.changelog_start,
        store.inputs,
        committed,
        starts,
        store.changelog_id,
        changelog_id,
    )


def _problems(reading: Reading, ground: Ground, between: Mapping[str, Any], bound: int) -> list[str]:
    said = []
    try:
        reading.check()
    except ChangelogError as error:
        said.append(str(error))
    missing = lacking(ground, between)
    said += missing
    store = reading.store
    if store.clock.now > bound:
        hours = (store.clock.now - bound) / 3_600_000
        said.append(
            f"the time of partition {store.number} is {hours:,.1f} hours ahead of the clock here: an event of the future moved it, and what "
            f"comes now is too old for it. Stop the workers, then `behoudlijn state repair --partition {store.number}`"
        )
    if missing:
        said.append(ADVICE[0].upper() + ADVICE[1:])
    return said
