"""Whatever bytes somebody writes to a topic, each reader ends by a failure that is declared, or leaves them out: never by a bug."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from schemas import topics
from schemas.dead_letter import DeadLetter
from schemas.trigger import CallbackTrigger
from sinks.clickhouse.rows import row_of_output
from sinks.contract import ForeignRecordError
from streams.core.decode import decode
from streams.core.erasure import ErasureError, check_marker, decode_marker
from streams.core.records import Record
from streams.core.repartition import decode_rekeyed
from streams.core.said import Told
from streams.core.state import BrokenStateError, State, UnknownVersionError, cooldown_until, due_of, encode
from streams.core.state import check as check_state
from streams.core.state import decode as decode_state
from streams.state.changelog import (
    PARTITION_KEY,
    ChangelogError,
    PartitionRecord,
    Sending,
    Stamp,
    encode_entry,
    encode_partition,
    tombstone_headers,
)
from streams.state.recovery import Reading
from streams.state.store import SignalsStore
from streams.workers.effects import headers_of

OUTPUT: Final = Sending("trigger", "live", "c1", 1_700_000_000_000, b'{"trigger_id":"t","sequence":1}', "t.1")
STATE: Final = encode(State(due=5, profile_json=b'{"country_code":"NL"}'))
GOOD: Final = (
    encode_entry(Stamp(1, 1), STATE, [OUTPUT]),
    encode_partition(PartitionRecord(Stamp(1, 1), 50, "p@1", "a", (("contact.calls", 4, 1, 0.5),), {"mode": "live"}, {"x": 1})),
    b'{"type":"call","schema_version":1}',
    b'["contact.calls",3,41,1500]\n{"type": "call"}',
    STATE,
)  # fmt: skip


@some.composite
def spoilt(draw: some.DrawFn) -> bytes:
    """Good bytes with a few changed, cut or added."""
    value = bytearray(draw(some.sampled_from(GOOD)))
    for _ in range(draw(some.integers(0, 4))):
        value[draw(some.integers(0, len(value) - 1))] = draw(some.integers(0, 255))
    return bytes(value[: draw(some.integers(0, len(value)))]) + draw(some.binary(max_size=8))


values = some.none() | some.binary(max_size=200) | spoilt()
keys = some.sampled_from([b"c1", PARTITION_KEY, b"\x00erased:00", b"\x00other"]) | some.binary(max_size=20)
headers = some.sampled_from([(), tuple(tombstone_headers(Stamp(1, 1)))])


@given(some.lists(some.tuples(keys, values, headers), max_size=6))
def test_a_recovery(records: list[tuple[bytes, bytes | None, Any]]) -> None:
    reading = Reading(SignalsStore(0))
    for offset, (key, value, stamp) in enumerate(records):
        reading.add(key, value, stamp, offset)
    part = reading.finish()
    for sending in part.unsent:
        headers_of(sending)
    reading.claim("me")
    with suppress(ChangelogError):
        reading.check()


@given(spoilt() | some.binary(max_size=200))
def test_a_state_that_is_trusted_can_be_read(data: bytes) -> None:
    with suppress(BrokenStateError, UnknownVersionError):
        check_state(data)
        decode_state(data)
        due_of(data)
        if data[0] > 1:
            cooldown_until(data)


@given(some.binary(max_size=40))
def test_a_marker(data: bytes) -> None:
    with suppress(ErasureError):
        check_marker(data)
        decode_marker(data)


READERS: Final[dict[str, Callable[[bytes | None, str], object]]] = {
    "signals worker, inputs": lambda value, topic: decode(Record(topic, 0, 1, 1_500, b"c1", value)),
    "signals worker, repartition": lambda value, _: decode_rekeyed(
        Record(topics.REPARTITION, 0, 1, 1_500, b"c1", value)
    ),
    "sink worker, outputs": lambda value, topic: row_of_output(
        value, Record(topic, 0, 1, 1_500, b"c1", value)
    ),
    "state repair": lambda value, _: (Told().trigger(value), Told().signals("c1", value)),
    "dial, explain": lambda value, _: CallbackTrigger.model_validate_json(value or b""),
    "dead-letters": lambda value, _: DeadLetter.model_validate_json(value or b""),
}
"""By reader, what it makes of a record."""
DECLARED: Final = (ForeignRecordError, ValidationError)


@pytest.mark.parametrize("name", READERS)
@given(value=values, data=some.data())
def test_a_record(name: str, value: bytes | None, data: some.DataObject) -> None:
    topic = data.draw(some.sampled_from(list(topics.OUTPUTS if "outputs" in name else topics.INPUTS)))
    with suppress(*DECLARED):
        READERS[name](value, topic)
