"""Records that were refused because of what time it was, found again by their dead letters."""

from __future__ import annotations

from schemas.dead_letter import DeadLetter
from streams.core.decode import ahead_of_broker, encode_dead_letter
from streams.core.records import Decoded
from streams.core.redriven import Origin
from streams.operations.refused_records import RefusedRecords
from tests.builders import START, call


def refused(*records: Decoded) -> RefusedRecords:
    letters = (encode_dead_letter(ahead_of_broker(each)) for each in records)
    return RefusedRecords(map(DeadLetter.model_validate_json, letters))


def at(decoded: Decoded, offset: int, value: bytes | None = None, origin: Origin | None = None) -> Decoded:
    record = decoded.record
    record = record._replace(offset=offset, value=record.value if value is None else value)
    return decoded._replace(record=record, origin=origin)


def test_a_record_is_known_by_its_place_and_what_it_holds() -> None:
    event = at(call(START), 7)
    known = refused(event)
    assert known.covers(event)
    assert not known.covers(at(event, 8))
    assert not known.covers(at(event, 7, b"of a topic that was made anew"))


def test_what_was_driven_again_counts_unless_it_was_refused_again() -> None:
    event = at(call(START), 7)
    second, third = (at(event, 7 + tries, origin=Origin(7, START, tries)) for tries in (2, 3))
    assert not refused(event).covers(second)
    known = refused(event, second)
    assert known.covers(event)
    assert known.covers(second)
    assert not known.covers(third)
