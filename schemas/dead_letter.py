"""`contact.dead-letters`: a record that could not be used, with the reason and enough to find and re-drive the original."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Message, UtcDatetime

MAX_PAYLOAD_BYTES = 65_536
"""At most this many bytes of the original travel with a dead letter; the rest is found by topic, partition and offset."""

RejectCode = Literal[
    "empty",
    "too_large",
    "not_json",
    "unknown_type",
    "unknown_version",
    "invalid_customer_id",
    "invalid_field",
    "future_dated",
    "no_timestamp",
    "ahead_of_broker",
    "wrong_desk",
]


class DeadLetter(Message):
    """One refused record. Its identity is (topic, partition, offset)."""

    type: Literal["dead_letter"] = "dead_letter"
    schema_version: Literal[1] = 1
    topic: Annotated[str, Field(max_length=249)]
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    reason_code: RejectCode
    message: Annotated[str, Field(max_length=1_000)]
    ingested_at: UtcDatetime
    """The broker's or producer's time of the original record."""
    key_base64: Annotated[str, Field(max_length=2_000)] | None
    payload_base64: Annotated[str, Field(max_length=MAX_PAYLOAD_BYTES * 4 // 3 + 8)]
    payload_size: Annotated[int, Field(ge=0)]
    """Bytes of the whole original."""
    payload_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the whole original."""
    tries: Annotated[int, Field(ge=1, le=1_000)] = 1
    """How often the record was sent: each redrive is one more, and of letters of one identity that with most of them counts."""
