"""One batch of a desk of the release stage: records, or what they left due, through the core, and what comes of it through `writer`.

Owns where a batch ends, that nothing is judged twice, and from when on a desk is live. It must not choose what is read (`desk_handler`),
nor in which order effects are carried out (`writer`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson

from streams.core.records import REJECTED_AT, Decoded
from streams.core.release.inputs import Input
from streams.core.release.process import process_release
from streams.core.release.work import JUDGED, Output
from streams.lane.micro_batch import TP
from streams.settings import Settings
from streams.state.changelog import OUTBOX, Sending
from streams.state.desk_store import DeskStore
from streams.workers.desk_records import DeskRecord
from streams.workers.writer import NOWHERE, Decided, Writer

ROOM: Final = 600_000
"""Bytes of states and outputs after which a batch begins nothing more: what it has begun by then still fits into one batch of Kafka's."""
_MOST_RECORDS: Final = 500


class DeskBatches:
    """Decides and carries out the batches of desks. The caller holds the desk's turn: its batches follow one another.

    `position` tells up to where a partition of an input is worked through.
    """

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        position: Callable[[TP], int],
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._position = position

    async def carry_out(
        self, store: DeskStore, records: Sequence[DeskRecord] = (), ends: Mapping[TP, int] = NOWHERE
    ) -> None:
        """Judge records, and all that is due by them, in as many batches as they need; every effect is confirmed on return.

        `ends`: up to where the states hold the inputs afterwards. Raises `StaleError` and `EffectsError` before a step that must not be taken.
        """
        left = [each for each in records if each.offset >= store.inputs.get(self._plain(each), 0)]
        while True:
            taken = await self._one(store, left, self._writer.plain(ends))
            left = left[taken:]
            if not left and store.settled:
                return
            await asyncio.sleep(0)

    async def _one(self, store: DeskStore, records: Sequence[DeskRecord], ends: Mapping[str, int]) -> int:
        """Carry out one batch; return how many of the records it took."""
        before = store.now
        store.whole = False
        offered = records[:_MOST_RECORDS]
        inputs, places, lives = self._inputs(store, offered)
        taken_over, store.taken_over = store.taken_over and not store.settled, False
        result = process_release(inputs, store.state, room=ROOM, taken_over=taken_over)
        taken = len(offered) if result.taken == len(inputs) else places[result.taken]
        judged = records[:taken]
        if any(lives[:taken]):
            store.starting = {}
        order = [(self._plain(each), each.offset) for each in judged]
        states = {**result.states, JUDGED: _judged(order, lives, settled=store.settled)}
        outboxes = (
            {OUTBOX: [_sending(output, store.now) for output in result.outputs]} if result.outputs else {}
        )
        rejects = [_reject(each) for each in judged if each.reject is not None]
        positions = {topic: offset + 1 for topic, offset in order}
        if taken == len(records):
            positions |= ends
        await self._writer.bury(store, rejects)
        await self._writer.carry_out(
            store, Decided(states, outboxes, (), positions, told=store.now != before)
        )
        return taken

    def _inputs(
        self, store: DeskStore, records: Sequence[DeskRecord]
    ) -> tuple[list[Input], list[int], list[bool]]:
        """Return what is to be judged, the place of each among the records, and of each record whether the desk is live by then."""
        positions = {
            topic: max(
                store.inputs.get(topic, 0), self._position(TP(self._settings.topic(topic), store.number))
            )
            for topic in store.starting
        }
        inputs, places, lives = [], [], []
        live = False
        for place, each in enumerate(records):
            live = live or all(positions[topic] >= end for topic, end in store.starting.items())
            lives.append(live)
            if each.body is not None:
                inputs.append(Input(each.record.timestamp, each.body, live))
                places.append(place)
            topic = self._plain(each)
            positions[topic] = max(positions.get(topic, 0), each.offset + 1)
        return inputs, places, lives

    def _plain(self, each: DeskRecord) -> str:
        return self._settings.plain_topic(each.record.topic)


def _sending(output: Output, at: int) -> Sending:
    mode: Final = "shadow" if output.shadow else "live"
    return Sending(output.kind, mode, output.key, at, output.value, output.identity, output.partition)


def _reject(each: DeskRecord) -> Decoded:
    return Decoded(each.record, REJECTED_AT, None, each.reject, (), anonymous=False)


def _judged(records: Sequence[tuple[str, int]], lives: Sequence[bool], *, settled: bool) -> bytes:
    """Return in which order records were judged, as JSON: runs of one input, each with its first and last offset, and whether the desk was
    live; then whether nothing of what they left due was left to the next batch.
    """
    runs: list[list[object]] = []
    for (topic, offset), live in zip(records, lives, strict=False):
        if runs and runs[-1][0] == topic and runs[-1][3] == live:
            runs[-1][2] = offset
        else:
            runs.append([topic, offset, offset, live])
    return orjson.dumps([runs, settled])
