"""What a Kafka record is in the core, before and after decoding. Owns these shapes; `decode` fills them."""

from typing import NamedTuple, Protocol

from schemas.base import Event

REJECTED_AT = -1
"""The event time of a reject: it has none."""


class Record(NamedTuple):
    """One record as Kafka holds it. `timestamp` is Kafka's ingestion time in ms since the epoch, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Placed(Protocol):
    """Anything made of a record that has its place in time: `at` in ms, `REJECTED_AT` for none. `Decoded` is one."""

    @property
    def record(self) -> Record:
        """What it was made of."""

    @property
    def at(self) -> int:
        """By what it is merged."""


class Reject(NamedTuple):
    """Why a record could not be decoded: a stable code, and a message that quotes nothing of the payload."""

    code: str
    message: str


class Decoded(NamedTuple):
    """A record with what its bytes mean: an event, or the reason why there is none.

    `at` is the event time in ms since the epoch, UTC; `REJECTED_AT` for a reject.
    """

    record: Record
    at: int
    event: Event | None
    reject: Reject | None
    unknown_fields: tuple[str, ...]
    anonymous: bool
