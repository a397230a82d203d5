"""The oracle: what a complete backlog must lead to, by the core alone, single-threaded, from the topics' own logs.

Owns the road from records to states and outputs without workers. It must not read Kafka.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas import topics
from streams.core.decode import decode
from streams.core.engine import Clock, process_batch
from streams.core.merge import Merger
from streams.core.records import Decoded, Record
from streams.phrases import load_phrases
from streams.policies import load_policy
from streams.settings import Settings

INPUTS = tuple(topics.INPUTS)


class Answer(NamedTuple):
    """What must be true at the end."""

    states: dict[str, bytes]
    """By customer, of all partitions."""
    outputs: set[bytes]
    """Every value of triggers and signals; one that is sent again is equal byte for byte."""
    rejects: list[Decoded]


class Oracle:
    """Reads logs one after the other, as often as it is given some: a replay is a second reading."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policy = load_policy(settings.policy)
        self._phrases = load_phrases(settings.language, settings.phrases)
        self._states: list[dict[str, bytes]] = [{} for _ in range(settings.partitions)]
        self._clocks = [Clock() for _ in range(settings.partitions)]

    def read(
        self, records: Mapping[str, Sequence[Record]], arrivals: Mapping[Record, int] | None = None
    ) -> Answer:
        """The states after all that was read, and what this reading gave, from `records` by plain topic name, each partition in offset
        order.

        `arrivals`: of records that arrived elsewhere than they stand here.
        """
        outputs: set[bytes] = set()
        rejects: list[Decoded] = []
        for number, (mine, clock) in enumerate(zip(self._states, self._clocks, strict=True)):
            merger = self._merger(number, records, arrivals or {})
            while run := merger.take(0):
                result = process_batch(
                    run, mine, self._policy, clock, wording=self._phrases, erasure=self._settings.erasure()
                )
                for customer, state in result.states.items():
                    if state is None:
                        mine.pop(customer, None)
                    else:
                        mine[customer] = state
                outputs.update(output.value for output in result.outputs)
                rejects += result.rejects
        states = {customer: state for mine in self._states for customer, state in mine.items()}
        return Answer(states, outputs, rejects)

    def _merger(
        self, number: int, records: Mapping[str, Sequence[Record]], arrivals: Mapping[Record, int]
    ) -> Merger[Decoded]:
        topic = self._settings.topic
        merger: Merger[Decoded] = Merger([topic(name) for name in INPUTS])
        for name in INPUTS:
            part = [record for record in records[name] if record.partition == number]
            end = part[-1].offset + 1 if part else 0
            merger.fetched(topic(name), 0, end, 0)
            merger.push(topic(name), [_decoded(record, arrivals) for record in part])
            merger.fetched(topic(name), end, end, 0)
        return merger


def answer(
    settings: Settings, records: Mapping[str, Sequence[Record]], arrivals: Mapping[Record, int] | None = None
) -> Answer:
    """The answer to one reading."""
    return Oracle(settings).read(records, arrivals)


def _decoded(record: Record, arrivals: Mapping[Record, int]) -> Decoded:
    decoded = decode(record)
    return decoded._replace(arrival=arrivals.get(record, decoded.arrival))
