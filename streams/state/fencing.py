"""Fencing: only the owner of a partition changes its states, however late a former owner wakes up (decision 6).

Owns claiming a partition, writing its batches, and undoing what another worker wrote late. A claim is a record in the
changelog with the next *fencing epoch*: whatever an older epoch writes behind it does not count (`recovery.Reading`).
Each delivery tells its offset, so a foreign record in between is noticed. If its epoch is newer, another worker owns the
partition and this process ends; if it is older, our values are written again before compaction could prefer the foreign
ones. It must not decide what is written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from aiokafka import TopicPartition

from streams.cluster.placed_reader import reading_from
from streams.cluster.reading import read_to_ends
from streams.settings import Settings
from streams.state.broker_time import BrokerTime
from streams.state.changelog import (
    PARTITION_KEY,
    ChangelogError,
    PartitionRecord,
    Sending,
    Stamp,
    Unreadable,
    decode_entry,
    decode_partition,
    encode_entry,
    encode_partition,
    refusal,
    tombstone_headers,
    tombstone_stamp,
)
from streams.state.delivery import Deliveries, EffectsError, Outgoing
from streams.state.kept import Held
from streams.state.recovery import ChangelogReader, RecoveryError
from streams.state.store import PartitionStore

log = structlog.get_logger(__name__)

_CLAIMS = 20
"""A claim loses against another one of the same moment; so often in a row, something is wrong."""
_ROUNDS = 20


class Change(NamedTuple):
    """What a batch made of one customer: the new state (empty when the customer left), and what it says."""

    state: bytes
    outbox: Sequence[Sending]


@dataclass(slots=True)
class _Claimed:
    """A partition that is ours."""

    epoch: int
    owner: str
    next_offset: int


class FencedChangelog:
    """The changelog, as written by one worker under its fencing epochs. `topic` is its full name."""

    def __init__(
        self,
        topic: str,
        settings: Settings,
        deliveries: Deliveries,
        on_foreign: Callable[[int], None] = lambda _: None,
        broker_time: BrokerTime | None = None,
        *,
        in_one_piece: bool = False,
    ) -> None:
        """`on_foreign` is told how many records of another worker came too late and were set right, `broker_time` when the broker took each batch.

        `in_one_piece`: a batch that Kafka would not append whole or not at all is refused.
        """
        self._topic = topic
        self._settings = settings
        self._deliveries = deliveries
        self._held: dict[int, _Claimed] = {}
        self._on_foreign = on_foreign
        self._broker_time = broker_time or BrokerTime()
        self._in_one_piece = in_one_piece

    def held(self, partition: int) -> Held | None:
        """Return how we hold a partition; None when we have not claimed it."""
        claimed = self._held.get(partition)
        return None if claimed is None else Held(claimed.epoch, claimed.owner, claimed.next_offset)

    async def claim(self, reader: ChangelogReader[Any]) -> None:
        """Make the partitions of `reader` ours, which has read them to their end; afterwards past our claims.

        Raises `EffectsError` when a claim cannot be delivered, and what the reader raises.
        """
        self._held.clear()
        left = set(reader.readings)
        for _ in range(_CLAIMS):
            ends: dict[int, int] = {}
            claims = {number: reader.readings[number].claim(token_hex(8)) for number in left}
            for number, claim in claims.items():
                batch = self._deliveries.batch(self._topic)
                batch.append(key=PARTITION_KEY, value=encode_partition(claim), timestamp=None)
                sent = await self._deliveries.send_batch(batch, self._topic, number)
                self._broker_time.answered(number, sent.timestamp)
                ends[number] = sent.offset
            await reader.past(ends)
            for number, claim in claims.items():
                reading = reader.readings[number]
                if (reading.epoch, reading.owner) == (claim.stamp.epoch, claim.owner):
                    self._held[number] = _Claimed(reading.epoch, claim.owner, ends[number] + 1)
                    left.discard(number)
            if not left:
                return
        raise RecoveryError(
            f"another worker claims the same partitions ({', '.join(map(str, sorted(left)))}) again and again: "
            "look for a second group that writes to this changelog"
        )

    async def write(
        self,
        store: PartitionStore,
        changes: Mapping[str, Change | None],
        batch: int,
        clock: int,
        policy: str,
    ) -> None:
        """Write a batch: the changes (None: a tombstone), then the partition's record; durable on return.

        `store` is the partition as before the batch, but for what is written of it whole: the count of dead letters, the settings
        that agree, the positions of its inputs, the beginning of its changelog. Raises `EffectsError`, also when we have been succeeded.
        """
        claimed = self._held[store.number]
        last = store.record(Stamp(claimed.epoch, batch), claimed.owner, clock, policy)
        for _ in range(_ROUNDS):
            foreign = await self._append(store.number, claimed, changes, last)
            if not foreign:
                return
            late = await self._late(store.number, claimed, foreign)
            if not late:
                return
            self._on_foreign(len(late))
            log.warning(
                "a worker that had lost this partition wrote to its changelog; our values are written again",
                partition=store.number,
                records=len(late),
            )
            changes = {customer_id: _present(customer_id, changes, store) for customer_id in late}
        raise EffectsError(
            f"another worker keeps writing to partition {store.number} of the changelog: look for a second "
            "group that uses it; the batch was not acknowledged"
        )

    async def _append(
        self, partition: int, claimed: _Claimed, changes: Mapping[str, Change | None], last: PartitionRecord
    ) -> list[range]:
        """Write a batch in as many pieces as it needs. Returns the offsets between and before its records, which another worker
        must have written.
        """
        foreign: list[range] = []
        pieces = self._deliveries.batches(self._topic, _records(changes, last))
        if self._in_one_piece:
            pieces = iter(_one(list(pieces), partition))
        # Each piece is awaited before the next, so that the last record never stands alone.
        for batch, count in pieces:
            foreign += await self._piece(partition, claimed, batch, count)
        return foreign

    async def _piece(self, partition: int, claimed: _Claimed, batch: Any, count: int) -> list[range]:
        sent = await self._deliveries.send_batch(batch, self._topic, partition)
        self._broker_time.answered(partition, sent.timestamp)
        if (
            sent.offset < claimed.next_offset
        ):  # also -1: of a repeat, a broker may have forgotten where it lies
            raise EffectsError(
                f"the broker cannot tell where a record of partition {partition} of the changelog lies; "
                "the batch was not acknowledged, so start the worker again and nothing is lost"
            )
        between = range(claimed.next_offset, sent.offset)
        claimed.next_offset = sent.offset + count
        return [between] if between else []

    async def _late(self, partition: int, claimed: _Claimed, foreign: Sequence[range]) -> set[str]:
        """Return the customers of whom a worker that had lost the partition wrote at these offsets; `""` is the partition's own record."""
        late: set[str] = set()
        for offsets in foreign:
            async with aclosing(self._records_at(partition, offsets)) as records:
                async for record in records:
                    try:
                        epoch, owner = _writer(record)
                    except ChangelogError as error:
                        unreadable = Unreadable(record.offset, str(error), record.key)
                        raise refusal(self._topic, partition, [unreadable]) from None
                    if epoch > claimed.epoch:
                        raise EffectsError(
                            f"another worker has taken over partition {partition}; nothing more is written "
                            "here, start this worker again to take part"
                        )
                    if epoch < claimed.epoch or owner not in ("", claimed.owner):
                        late.add("" if record.key == PARTITION_KEY else as_text(record.key))
        return late

    async def _records_at(self, partition: int, offsets: range) -> Any:
        place = TopicPartition(self._topic, partition)
        options = self._settings.aiokafka_options()
        async with reading_from(options, {place: offsets.start}) as consumer:
            async for fetched in read_to_ends(consumer, {place: offsets.stop}):
                for record in fetched.get(place, ()):
                    if record.offset in offsets and record.key is not None:
                        yield record


def _one(pieces: list[tuple[Any, int]], partition: int) -> list[tuple[Any, int]]:
    if len(pieces) > 1:
        raise EffectsError(
            f"a batch of partition {partition} is larger than Kafka appends at once; nothing of it was written. This is a defect: please "
            "report it"
        )
    return pieces


def _records(changes: Mapping[str, Change | None], last: PartitionRecord) -> Iterable[Outgoing]:
    for customer_id, change in changes.items():
        if customer_id:  # "" stands for the partition's record, which comes in any case
            if change is None:
                yield as_key(customer_id), None, tombstone_headers(last.stamp)
            else:
                yield as_key(customer_id), encode_entry(last.stamp, change.state, change.outbox), []
    yield PARTITION_KEY, encode_partition(last), []


def _present(customer_id: str, changes: Mapping[str, Change | None], store: PartitionStore) -> Change | None:
    if customer_id in changes:
        return changes[customer_id]
    state = store.states.get(customer_id)
    return None if state is None else Change(state, ())


def as_text(key: bytes) -> str:
    """Return a key as the states are named; bytes that are no text keep their place in it."""
    return key.decode("utf-8", "surrogateescape")


def as_key(name: str) -> bytes:
    """Return the key of `as_text`."""
    return name.encode("utf-8", "surrogateescape")


def _writer(record: Any) -> tuple[int, str]:
    if record.key == PARTITION_KEY:
        if record.value is None:
            raise ChangelogError("the partition's record was taken away, as another program does it")
        own = decode_partition(record.value)
        return own.stamp.epoch, own.owner
    if record.value is None:
        return tombstone_stamp(record.headers).epoch, ""
    return decode_entry(record.value).stamp.epoch, ""
