"""Recovery: a partition's store, read back from its changelog, and the outputs that may not have been sent.

Owns reading the changelog, and which of its records count: those of a worker that had lost the partition do
not, nor what a repair has replaced. What cannot be read is told by its place (`changelog.refusal`). It must not write or send
anything: `fencing` writes claims, the worker sends what `unsent` holds before the first batch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from streams.cluster.reading import SilenceError, read_to_ends
from streams.core.erasure import ErasureError
from streams.core.state import BrokenStateError, UnknownVersionError
from streams.state.broker_time import OF_THE_BROKER
from streams.state.changelog import (
    PARTITION_KEY,
    ChangelogError,
    Entry,
    PartitionRecord,
    Sending,
    Stamp,
    Unreadable,
    decode_entry,
    decode_outbox,
    decode_partition,
    refusal,
    tombstone_stamp,
)
from streams.state.kept import Held, Kept
from streams.state.store import SignalsStore, StoreT

log = structlog.get_logger(__name__)

_SILENT_SECONDS = 60.0
"""A recovery that reads nothing for this long is given up: the worker ends and is started again."""
_TAKE = 5_000


class RecoveryError(Exception):
    """The changelog could not be read to its end; the worker must not process without its states."""


@dataclass(slots=True)
class Recovered(Generic[StoreT]):
    """A partition as its changelog tells. `unsent`: the outputs of its highest batch.

    The outputs of a batch are delivered before the next batch is begun, so those of earlier batches are out.
    """

    store: StoreT
    unsent: list[Sending] = field(default_factory=list)


class Reading(Generic[StoreT]):
    """One partition of the changelog `topic` while it is read; records come in offset order.

    The first claim of an epoch ends all earlier epochs: what they wrote behind it is `stale` and not applied. `store` is filled; one that
    was `held` holds what comes before.
    """

    def __init__(self, store: StoreT, topic: str = topics.CHANGELOG, held: Held | None = None) -> None:
        self._topic = topic
        self._store = store
        self.begins_at = 0 if held is None else held.next_offset
        """The offset of the first record that it is to be given."""
        self._changed = held is None
        self._outboxes: dict[str, tuple[int, bytes]] = {}
        self._unreadable: list[Unreadable] = []
        self.known = held is not None
        """The partition's record has been read."""
        self.end = self.begins_at
        """After the last record that was read."""
        self.epoch = 0 if held is None else held.epoch
        self.owner = "" if held is None else held.owner
        self.stale = 0
        self.stamped_at = -1
        """When (ms) a broker took the last record that was read; -1 where none says."""

    @property
    def store(self) -> StoreT:
        """What was read so far; its timers are not set yet."""
        return self._store

    @property
    def unreadable(self) -> Sequence[Unreadable]:
        """The records that cannot be read, but for those that a repair has replaced."""
        begins = self._store.begins
        return [each for each in self._unreadable if each.offset >= begins]

    def check(self) -> None:
        """Raise `ChangelogError` when nobody may start from what was read: something of it cannot be read, or is not whole."""
        if found := self.unreadable:
            raise refusal(self._topic, self._store.number, found)
        if self._store.repairing:
            number = self._store.number
            raise ChangelogError(
                f"a repair of partition {number} of {self._topic} has begun and not ended: its states are not whole. Stop the workers "
                f"and run it again: `behoudlijn state repair --partition {number}`"
            )

    def add(
        self, key: bytes, value: bytes | None, headers: Iterable[tuple[str, bytes]] = (), offset: int = 0
    ) -> None:
        """Take one record. What cannot be read changes nothing, and is noted for `check`."""
        self.end = offset + 1
        try:
            self._add(key, value, headers, offset)
        except UnicodeDecodeError:
            self._unreadable.append(Unreadable(offset, "a key that is no text", key))
        except (ChangelogError, BrokenStateError, UnknownVersionError, ErasureError) as error:
            self._unreadable.append(Unreadable(offset, str(error), key))

    def _add(
        self, key: bytes, value: bytes | None, headers: Iterable[tuple[str, bytes]], offset: int
    ) -> None:
        if key == PARTITION_KEY:
            if value is not None:
                self._add_partition(decode_partition(value))
            return
        stamp, state, outbox = decode_entry(value) if value is not None else Entry(tombstone_stamp(headers))
        if value is None and not is_text(key):
            return  # a repair has taken it away
        store, name = self._store, key.decode()
        if state:
            store.check(name, state)
        if not self._counts(stamp):
            return
        self._changed = True
        self._outboxes.pop(name, None)
        store.departed.discard(name)
        if outbox and stamp.batch == store.batch:
            self._outboxes[name] = offset, outbox
        if state:
            store.states[name] = state
            return
        store.states.pop(name, None)
        if value is not None:
            store.departed.add(name)

    def _add_partition(self, record: PartitionRecord) -> None:
        if self._counts(record.stamp, record.owner):
            self.owner, self.known = record.owner, True
            self._changed = self._changed or record.clock != self._store.now
            self._store.take(record)

    def _counts(self, stamp: Stamp, owner: str = "") -> bool:
        """Return whether a record is of the present fencing epoch or begins a newer one: what a former owner wrote late does not count."""
        if stamp.epoch > self.epoch:
            self.epoch, self.owner = stamp.epoch, ""  # compaction may have removed the claim itself
        elif stamp.epoch < self.epoch or (owner and self.owner and owner != self.owner):
            self.stale += 1
            return False
        # A batch that was written in part counts too: its customers' outputs may already be out.
        if stamp.batch > self._store.batch:
            self._store.batch = stamp.batch
            self._outboxes.clear()
        return True

    def claim(self, owner: str) -> PartitionRecord:
        """Return the record that would claim the partition: all as it is, in the next fencing epoch."""
        store = self._store
        return store.record(Stamp(self.epoch + 1, store.batch), owner, store.now, store.policy)

    def finish(self) -> Recovered[StoreT]:
        """Return the partition, with its timers set, as far as it can be read: whoever starts from it asks `check` first."""
        store = self._store
        if self._changed:
            store.restore(store.now)
        unsent: list[Sending] = []
        for name, (offset, outbox) in self._outboxes.items():
            try:
                unsent += decode_outbox(name, outbox)
            except ChangelogError as error:
                self._unreadable.append(Unreadable(offset, str(error), name.encode()))
        self._outboxes.clear()
        return Recovered(store, unsent)


def is_text(key: bytes) -> bool:
    """Return whether a key can be a customer's, or one of ours."""
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True


class ChangelogReader(Generic[StoreT]):
    """Reads the changelog `topic` of `partitions`, as an asynchronous context manager.

    `new` makes the store of a partition by its number. `options`: address and security of an aiokafka client. Its methods raise
    `RecoveryError` when nothing arrives for a minute, `ChangelogError` for records that cannot be read, and the client's errors.
    `lenient`: what cannot be read is left out, for those who look or repair. `kept`: stores with which some of them go on.
    """

    def __init__(
        self,
        new: Callable[[int], StoreT],
        topic: str,
        partitions: Iterable[int],
        options: Mapping[str, Any],
        *,
        lenient: bool = False,
        kept: Mapping[int, Kept[StoreT]] | None = None,
    ) -> None:
        self._new = new
        self._topic = topic
        self._lenient = lenient
        self.readings = {number: Reading(new(number), topic) for number in partitions} | {
            number: Reading(each.store, topic, each.held) for number, each in (kept or {}).items()
        }
        self._places = {number: TopicPartition(topic, number) for number in self.readings}
        self._consumer = AIOKafkaConsumer(
            **options,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 * 1024 * 1024,
            fetch_max_wait_ms=100,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(list(self._places.values()))
        for number, place in self._places.items():
            # Out of range, when the beginning was removed, or a log made anew, leads to the earliest.
            self._consumer.seek(place, self.readings[number].begins_at)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def starts(self) -> dict[int, int]:
        """Return where the log of each partition begins."""
        first = await self._consumer.beginning_offsets(list(self._places.values()))
        return {number: first[place] for number, place in self._places.items()}

    async def to_end(self) -> None:
        """Read every partition to its present end."""
        await self._read(dict.fromkeys(self.readings))
        for number, place in self._places.items():
            if await self._consumer.position(place) < self.readings[number].begins_at:
                self._begin_anew(number)  # there was no record to show it

    async def past(self, ends: Mapping[int, int]) -> None:
        """Read on until the record at the given offset of each partition has been read."""
        await self._read({number: offset + 1 for number, offset in ends.items()})

    async def _read(self, ends: Mapping[int, int | None]) -> None:
        left = {self._places[number]: end for number, end in ends.items()}
        try:
            async for fetched in read_to_ends(
                self._consumer, left, most=_TAKE, silent_seconds=_SILENT_SECONDS
            ):
                for place, records in fetched.items():
                    reading = self.readings[place.partition]
                    if records[0].offset < reading.begins_at:
                        reading = self._begin_anew(place.partition)
                    if records[-1].timestamp_type == OF_THE_BROKER:
                        reading.stamped_at = records[-1].timestamp
                    for record in records:
                        if record.key is not None:
                            reading.add(record.key, record.value, record.headers, record.offset)
        except SilenceError as error:
            numbers = ", ".join(str(place.partition) for place in error.left)
            raise RecoveryError(
                f"nothing was read from the changelog's partitions {numbers} for {_SILENT_SECONDS:.0f} s: "
                "check that the topic exists and has a leader, then start the worker again"
            ) from None
        if not self._lenient:
            for reading in self.readings.values():
                reading.check()

    def _begin_anew(self, number: int) -> Reading[StoreT]:
        """Leave a kept store: this is not the log that it was written to. The client reads it from its beginning by now."""
        log.warning("the changelog is not the one that was written: it is read anew", partition=number)
        reading = self.readings[number] = Reading(self._new(number), self._topic)
        return reading

    def finish(self) -> list[Recovered[StoreT]]:
        """Return the partitions that were read. Raises `ChangelogError` for outputs that cannot be read."""
        recovered = [reading.finish() for reading in self.readings.values()]
        if not self._lenient:
            for reading in self.readings.values():
                reading.check()
        return recovered


async def recover(
    topic: str, partitions: Iterable[int], options: Mapping[str, Any]
) -> list[Recovered[SignalsStore]]:
    """Look at the changelog of signals workers' `partitions` without claiming any: for tools. Raises as `ChangelogReader`."""
    async with ChangelogReader(SignalsStore, topic, partitions, options) as reader:
        await reader.to_end()
        return reader.finish()
