"""What a Kafka record is in the core, before and after decoding. Owns these shapes; `decode` fills them."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from schemas.base import Event
from streams.core.redriven import Headers, Origin, origin_of

REJECTED_AT = -1
"""The event time of a reject: it has none."""
RECORD_OVERHEAD: Final = 512
"""Bytes that a buffered record counts for beside its key and value: the objects around them, roughly."""


class Record(NamedTuple):
    """One record as Kafka holds it. `timestamp` is Kafka's ingestion time in ms since the epoch, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class FetchedRecord(Protocol):
    """What we read of a record as the Kafka client delivers it; its topic and partition are known from elsewhere."""

    @property
    def offset(self) -> int:
        """Position within the partition."""

    @property
    def timestamp(self) -> int:
        """Kafka's time of it in ms since the epoch, UTC."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its value."""

    @property
    def headers(self) -> Headers:
        """Names and values; mostly none."""


def records_of(topic: str, partition: int, fetched: Sequence[FetchedRecord]) -> list[Record]:
    """Return the records of one partition, as they were fetched."""
    return [Record(topic, partition, each.offset, each.timestamp, each.key, each.value) for each in fetched]


class Placed(Protocol):
    """What the merge puts in order: something made of one record, or of several consecutive ones of a partition.

    `Decoded` is one.
    """

    @property
    def topic(self) -> str:
        """Where it was read."""

    @property
    def offset(self) -> int:
        """Of the (last) record."""

    @property
    def timestamp(self) -> int:
        """Kafka's time of the (first) record in ms since the epoch, UTC."""

    @property
    def size(self) -> int:
        """Bytes that it counts for while it is held: keys, values and `RECORD_OVERHEAD`, each."""

    @property
    def at(self) -> int:
        """By what it is merged: event time in ms, `REJECTED_AT` for none."""


class Reject(NamedTuple):
    """Why a record could not be decoded: a stable code, and a message that quotes nothing of the payload."""

    code: str
    message: str


class Feedback(NamedTuple):
    """A trigger has ended at its desk. `(trigger_id, sequence)` tells one from every other; `at` in ms."""

    customer_id: str
    trigger_id: str
    sequence: int
    """Of the desk's record."""
    decision_sequence: int
    """Of the last decision that the desk knew."""
    end: str
    at: int
    ended_before: bool = False
    """That decision came when the trigger had ended: nobody has looked at what it asks for."""
    skill: str = ""
    """Whose desk it was; empty where that is not told."""


class Decoded(NamedTuple):
    """A record with what its bytes mean: an event, what a desk tells, or the reason why there is neither. A record of which all three are
    absent means nothing to us.

    `at` is the event time in ms since the epoch, UTC; `REJECTED_AT` for a reject. `arrival` is greater for what arrived later
    (`schemas.revisions`): of the record that first held the event, wherever `record` was read. `origin` is of a record that was
    sent once more.
    """

    record: Record
    at: int
    event: Event | None
    reject: Reject | None
    unknown_fields: tuple[str, ...]
    anonymous: bool
    arrival: int = 0
    origin: Origin | None = None
    told: Feedback | None = None

    @property
    def topic(self) -> str:
        """See `Placed`, as for all below."""
        return self.record.topic

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def timestamp(self) -> int:
        return self.record.timestamp

    @property
    def size(self) -> int:
        return size_of(self.record)


def with_origins(decoded: list[Decoded], fetched: Sequence[FetchedRecord]) -> list[Decoded]:
    """Note where records came from that were sent once more. `decoded`: of these records, in their order."""
    for number, each in enumerate(fetched):
        if each.headers:
            record = decoded[number].record
            origin = origin_of(record.topic, record.partition, each.offset, each.timestamp, each.headers)
            if origin is not None:
                decoded[number] = decoded[number]._replace(origin=origin)
    return decoded


def size_of(record: Record | FetchedRecord) -> int:
    """Return the bytes that a record counts for while it is held."""
    key, value = record.key, record.value
    return RECORD_OVERHEAD + (len(key) if key else 0) + (len(value) if value else 0)
