"""Reading up to the ends: what comes later is not waited for, and silence is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from kafka import TopicPartition

from streams.cluster.reading import SilenceError, poll_to_ends, read_to_ends

FIRST, SECOND = TopicPartition("calls", 0), TopicPartition("calls", 1)


class Log:
    """A client of either kind whose partitions hold records, of which a fetch brings one of each at most."""

    def __init__(
        self, held: dict[TopicPartition, list[str]], *, silent: Sequence[TopicPartition] = ()
    ) -> None:
        self.held = held
        self.at = dict.fromkeys([*held, *silent], 0)
        self.known: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()

    def _fetch(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, list[str]]:
        found = {}
        for place in places:
            if place in self.held:
                self.known[place] = len(self.held[place])
                if records := self.held[place][self.at[place] :][:1]:
                    found[place] = records
                    self.at[place] += 1
        return found

    def highwater(self, place: TopicPartition) -> int | None:
        return self.known.get(place)


class Aiokafka(Log):
    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int | None) -> Any:
        await asyncio.sleep(0)
        return self._fetch(places)

    async def position(self, place: TopicPartition) -> int:
        return self.at[place]


class KafkaPython(Log):
    def poll(self, timeout_ms: int, max_records: int | None) -> Any:
        return self._fetch([place for place in self.at if place not in self.paused])

    def position(self, place: TopicPartition) -> int:
        return self.at[place]

    def pause(self, place: TopicPartition) -> None:
        self.paused.add(place)

    def resume(self, *places: TopicPartition) -> None:
        self.paused.difference_update(places)


async def gather(log: Aiokafka, left: dict[Any, int | None], **more: Any) -> list[str]:
    return [
        record
        async for fetched in read_to_ends(log, left, **more)
        for records in fetched.values()
        for record in records
    ]


def poll(log: KafkaPython, **more: Any) -> Iterator[str]:
    for batch in poll_to_ends(log, list(log.at), poll_ms=1, **({"silent_seconds": 1.0} | more)):
        for records in batch.values():
            yield from records


def test_aiokafka_reads_all_that_there_is() -> None:
    log, left = Aiokafka({FIRST: ["a", "b"], SECOND: []}), {FIRST: None, SECOND: None}
    assert asyncio.run(gather(log, left)) == ["a", "b"]
    assert left == {}


def test_aiokafka_reads_up_to_an_offset() -> None:
    assert asyncio.run(gather(Aiokafka({FIRST: ["a", "b", "c"]}), {FIRST: 2})) == ["a", "b"]


def test_aiokafka_leaves_a_partition_that_the_caller_takes_out() -> None:
    async def first_of_each(log: Aiokafka) -> list[str]:
        left: dict[Any, int | None] = {FIRST: None, SECOND: None}
        found = []
        async for fetched in read_to_ends(log, left):
            for place, records in fetched.items():
                found += records
                left.pop(place)
        return found

    assert asyncio.run(first_of_each(Aiokafka({FIRST: ["a", "b"], SECOND: ["c", "d"]}))) == ["a", "c"]


def test_aiokafka_tells_silence() -> None:
    log = Aiokafka({FIRST: ["a"]}, silent=[SECOND])
    with pytest.raises(SilenceError) as told:
        asyncio.run(gather(log, {FIRST: None, SECOND: None}, silent_seconds=0.05))
    assert told.value.left == [SECOND]


def test_kafka_python_does_not_wait_for_what_comes_later() -> None:
    log = KafkaPython({FIRST: ["a", "b"], SECOND: []})
    found = []
    for record in poll(log):
        found.append(record)
        log.held[FIRST].append("later")
    assert found == ["a", "b"]


def test_kafka_python_goes_on_where_an_earlier_reading_paused() -> None:
    log = KafkaPython({FIRST: ["a"]})
    assert list(poll(log)) == ["a"]
    log.at[FIRST] = 0
    assert list(poll(log)) == ["a"]


def test_kafka_python_stops_as_soon_as_enough_was_reached() -> None:
    log, ends = KafkaPython({FIRST: ["a", "b", "c"], SECOND: ["d"]}), {}

    def known(place: Any, end: int) -> bool:
        ends[place] = end
        return True

    assert list(poll(log, reached=known)) == ["a", "d"]
    assert ends == {FIRST: 3, SECOND: 1}


def test_kafka_python_tells_silence() -> None:
    with pytest.raises(SilenceError) as told:
        list(poll(KafkaPython({FIRST: ["a"]}, silent=[SECOND]), silent_seconds=0.05))
    assert told.value.left == [SECOND]
