"""The envelope of a re-keyed event: where its record stood first, then its bytes as they came.

Owns the format of the internal repartition topic: one line of JSON, `[topic, partition, offset, ingestion
time in ms]`, a line feed, the original value. It must not decide who is re-keyed. A re-keyed event is judged
as what it was: by the model of its first topic, and at its first time of arrival.
"""

from typing import Final

import orjson

from streams.core.decode import AS_USUAL, Reading, decode, model_of
from streams.core.records import REJECTED_AT, Decoded, Record, Reject

_LONGEST_LINE: Final = 1_024
"""A topic's name has at most 249 characters, a number at most 19 digits."""


class EnvelopeError(Exception):
    """A record of the repartition topic that holds no envelope; the message quotes nothing of it."""


def wrap(record: Record) -> bytes:
    """Return the value under which `record` travels to its customer's partition.

    >>> wrap(Record("contact.calls", 3, 41, 1_500, None, b'{"type": "call"}'))
    b'["contact.calls",3,41,1500]\\n{"type": "call"}'
    """
    about = orjson.dumps([record.topic, record.partition, record.offset, record.timestamp])
    return about + b"\n" + (record.value or b"")


def unwrap(record: Record) -> Record:
    """Return the record that `wrap` was given, but for its key: it has that of the repartition topic, the customer.

    Raises `EnvelopeError`.
    """
    value = record.value or b""
    end = value.find(b"\n", 0, _LONGEST_LINE)
    if end < 0:
        raise EnvelopeError("envelope: its first line is missing")
    try:
        topic, *numbers = orjson.loads(value[:end])
    except (ValueError, TypeError) as error:
        raise EnvelopeError("envelope: its first line is no list in JSON") from error
    if len(numbers) != 3 or not all(type(number) is int for number in numbers) or min(numbers[:2]) < 0:
        raise EnvelopeError("envelope: partition, offset and time are expected behind the topic")
    try:
        model_of(topic)
    except (KeyError, AttributeError, TypeError) as error:
        raise EnvelopeError("envelope: it names none of the topics that we read") from error
    partition, offset, timestamp = numbers
    return Record(topic, partition, offset, timestamp, record.key, value[end + 1 :])


def decode_rekeyed(record: Record, reading: Reading = AS_USUAL) -> Decoded:
    """Decode a record of the repartition topic. What comes out keeps its place there, to be merged and
    acknowledged, with the original's time and its arrival among other versions; a broken envelope is a reject.
    """
    try:
        original = unwrap(record)
    except EnvelopeError as error:
        return Decoded(record, REJECTED_AT, None, Reject("invalid_field", str(error)), (), False)
    if not original.value:  # of what is empty only the removal of a profile is an event, and re-keyed
        original = original._replace(value=None)
    place = record._replace(timestamp=original.timestamp)
    return decode(original, reading)._replace(record=place)


def original_of(decoded: Decoded) -> Decoded:
    """Return a reject of the repartition topic as a reject of the record that was re-keyed: there it can be found.

    One with a broken envelope stays what it is. Not for other topics: anybody can write what looks like one.
    """
    try:
        return decoded._replace(record=unwrap(decoded.record))
    except EnvelopeError:
        return decoded
