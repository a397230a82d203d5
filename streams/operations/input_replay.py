"""The inputs of a partition once more, from their beginning up to what was committed, merged by event time as the worker merges them.

Owns the reading, and that what the worker refused is left out. What the events leave is `streams.core.replay`. It must not go beyond the
committed positions: what lies there is the worker's to decide, and to publish.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from schemas import topics
from streams.cluster.partitioning import partition_of
from streams.cluster.placed_reader import reading_from
from streams.core.decode import decode
from streams.core.merge import Merger
from streams.core.records import Decoded, records_of, with_origins
from streams.core.repartition import decode_rekeyed, original_of
from streams.core.replay import Replay
from streams.operations.refused_records import RefusedRecords
from streams.operations.standing import INPUTS
from streams.settings import Settings
from streams.state.recovery import RecoveryError

_SILENT_SECONDS: Final = 60.0
_TAKE: Final = 1_000
_RUN: Final = 2_000


class InputReplay:
    """Of one partition. `upto`: by topic without prefix, the committed offset. `bound` (ms): later events are of a wrong clock."""

    def __init__(
        self, settings: Settings, number: int, upto: Mapping[str, int], bound: int, refused: RefusedRecords
    ) -> None:
        self._settings = settings
        self._number = number
        self._bound = bound
        self._refused = refused
        self._reading = settings.reading(stamped=True)
        self._rekeyed = settings.topic(topics.REPARTITION)
        self._upto = {
            TopicPartition(settings.topic(name), number): upto[name] for name in INPUTS if upto.get(name)
        }
        self._merger: Merger[Decoded] = Merger([settings.topic(name) for name in INPUTS], max_batch=_RUN)
        self.events = 0
        """Those that were judged."""
        self.ahead = 0
        """Those beyond the bound, which were left out."""

    async def run(self, replay: Replay, tell: Callable[[int], None] = lambda _: None) -> None:
        """Read, and feed `replay`; `tell` hears how many events there were. Raises RecoveryError when nothing arrives for a minute."""
        for name in INPUTS:
            self._merger.fetched(self._settings.topic(name), 0, 0, 0)
        for place, end in self._upto.items():
            self._merger.fetched(place.topic, 0, end, 0)
        beginning = dict.fromkeys(self._upto, 0)
        async with reading_from(self._settings.aiokafka_options(), beginning, committed=True) as consumer:
            await self._through(consumer, replay, tell)

    async def _through(self, consumer: Any, replay: Replay, tell: Callable[[int], None]) -> None:
        left, heard = set(self._upto), time.monotonic()
        while True:
            wanted = [place for place in left if self._merger.head(place.topic) is None]
            if wanted:
                fetched = await consumer.getmany(*wanted, timeout_ms=200, max_records=_TAKE)
                if fetched:
                    heard = time.monotonic()
                for place, records in fetched.items():
                    self._push(place, records)
                for place in wanted:
                    if await self._ended(consumer, place):
                        left.discard(place)
                if time.monotonic() - heard > _SILENT_SECONDS:
                    raise RecoveryError(
                        f"nothing was read from {wanted[0].topic}[{self._number}] for {_SILENT_SECONDS:.0f} s: has it a leader? Nothing "
                        "of this partition was changed"
                    )
            run = self._merger.take(0)
            if run:
                heard = time.monotonic()
                here = [decoded for decoded in run if self._at_home(decoded)]
                replay.feed(here)
                self.events += len(here)
                tell(self.events)
            elif not left:
                return

    def _push(self, place: Any, records: list[Any]) -> None:
        before = [record for record in records if record.offset < self._upto[place]]
        if not before:
            return
        own = decode_rekeyed if place.topic == self._rekeyed else decode
        read = [own(each, self._reading) for each in records_of(place.topic, self._number, before)]
        self._merger.push(place.topic, [each for each in with_origins(read, before) if self._counts(each)])

    def _counts(self, decoded: Decoded) -> bool:
        """Return whether a record goes into the merge, where one of the future would keep all behind it back."""
        if max(decoded.at, decoded.timestamp) > self._bound:
            self.ahead += self._at_home(decoded)
            return False
        return not self._refused.covers(original_of(decoded) if decoded.topic == self._rekeyed else decoded)

    async def _ended(self, consumer: Any, place: Any) -> bool:
        """Return whether a log has been read, and tell the merger how far it goes."""
        position, upto = await consumer.position(place), self._upto[place]
        end = consumer.last_stable_offset(place)
        if end is None or end < 0:
            end = consumer.highwater(place)
        ended = position >= upto or (end is not None and position >= end)
        self._merger.fetched(place.topic, position, position if ended else upto, 0)
        return ended

    def _at_home(self, decoded: Decoded) -> bool:
        """Return whether it is an event that is judged on this partition: rejects and events of nobody are in no state."""
        event = decoded.event
        if event is None or decoded.anonymous or event.customer_id is None:
            return False
        return partition_of(event.customer_id.encode(), self._settings.partitions) == self._number
