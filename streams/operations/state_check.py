"""What the states of each partition rest on, side by side with the logs and the group's positions, and what is wrong with it.

Owns gathering it. What is lacking, and its words, is `streams.state.ground`: the same by which workers refuse. It must not change
anything, and no worker need stop for it. The brokers tell their time to those who write, so here the later one of this machine's clock and
of what they have stamped stands for it.
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
from streams.operations.standing import INPUTS, Log, Standing, standing
from streams.settings import Settings
from streams.state.between import look
from streams.state.broker_time import BROKERS_APART_MS, most_ahead_ms
from streams.state.changelog import ChangelogError
from streams.state.ground import ADVICE, Ground, ahead, lacking
from streams.state.recovery import ChangelogReader, Reading
from streams.state.store import SignalsStore
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
    clock_behind_ms: int
    """By how much this machine's clock is behind what the brokers have stamped; 0 where they differ as clocks do."""
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
        SignalsStore, settings.topic(topics.CHANGELOG), numbers, settings.aiokafka_options(), lenient=True
    ) as reader:
        await reader.to_end()
        recovered = {part.store.number: part for part in reader.finish()}
    grounds = {number: ground_of(now, reader.readings[number]) for number in numbers}
    between = await look(settings, {number: ahead(ground) for number, ground in grounds.items()})
    here = time.time_ns() // 1_000_000
    behind = max(0, *(reading.stamped_at - here for reading in reader.readings.values()))
    bound = here + behind + most_ahead_ms(settings.reading().tolerance_ms)
    checked = []
    for number in numbers:
        reading, ground = reader.readings[number], grounds[number]
        problems = misfits + _problems(reading, ground, between.get(number, {}), bound) + _moved(now, number)
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
                behind if behind > BROKERS_APART_MS else 0,
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


def ground_of(now: Standing, reading: Reading[SignalsStore]) -> Ground:
    """Return what the states of a partition rest on, as a worker would find it."""
    store, number = reading.store, reading.store.number
    logs = now.logs[number]
    committed = {name: offset for name, offset in now.committed[number].items() if name in INPUTS}
    anew = now.anew[number]
    starts = {
        name: logs[name].start if name in anew else max(logs[name].start, offset)
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
        now.changelog_id,
    )


def _problems(
    reading: Reading[SignalsStore], ground: Ground, between: Mapping[str, Any], bound: int
) -> list[str]:
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
            f"the time of partition {store.number} is {hours:,.1f} hours ahead of the clock here and of what brokers have stamped: an event of "
            "the future moved it, and what comes now is too old for it. Stop the workers, then "
            f"`behoudlijn state repair --partition {store.number}`"
        )
    if missing:
        said.append(ADVICE[0].upper() + ADVICE[1:])
    return said


def _moved(now: Standing, number: int) -> list[str]:
    """Return of which inputs the group has committed another log than is there."""
    said = []
    for name in sorted(now.anew[number]):
        offset, log = now.committed[number][name], now.logs[number][name]
        happened = (
            f"it ends at {log.end}" if log.end < offset else "the topic was deleted and made anew since"
        )
        said.append(
            f"the group has committed {name}[{number}] up to offset {offset}, but that is not the log that is there: {happened}. The workers "
            "read it from its beginning, and what is known already changes nothing; send again what is missing"
        )
    return said
