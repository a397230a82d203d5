"""From a record's bytes to an event, or to the reason why there is none. Pure: the bound on the future is Kafka's own time.

Bad bytes never raise. A reject's message quotes nothing of the payload, since it may hold personal data.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from schemas import topics
from schemas.base import Event, in_words
from schemas.dead_letter import MAX_PAYLOAD_BYTES, DeadLetter, RejectCode
from schemas.ids import names_nobody
from schemas.instants import ms_of, to_datetime
from schemas.revisions import arrival_of
from streams.core.records import REJECTED_AT, Decoded, Record, Reject
from streams.core.removal import removal_of

MAX_RECORD_BYTES: Final = 65_536
"""No valid event comes near; larger ones are refused before they are parsed."""
MAX_UNKNOWN_FIELDS: Final = 100
"""Producers add fields first, a few at a time; thousands are an accident or an attack, and cost a thousand events' time."""
MAX_DEPTH: Final = 200
"""Nesting at which pydantic's parser gives up; it does so while parsing, also within unknown fields."""
FUTURE_TOLERANCE_MS: Final = 300_000
EARLIEST_MS: Final = 0
LATEST_MS: Final = 221_845_392_000_000
"""The years 1970 to 9000: what is computed from an event time (validity, local hours) stays within the calendar."""
MAX_MESSAGE: Final = 1_000
MAX_KEY_BYTES: Final = 1_024


class Reading(NamedTuple):
    """How records are read, by the settings: the same on all roads."""

    tolerance_ms: int = FUTURE_TOLERANCE_MS
    """How far an event may be ahead of its record."""
    nobody: frozenset[str] = frozenset()
    """Customer ids, in lower case, that name nobody in particular, beside the usual ones."""
    stamped: bool = False
    """Kafka must tell when a record was written: without that nothing bounds its times. Off for files, which have no such time."""


AS_USUAL: Final = Reading()


@cache
def model_of(topic: str) -> type[Event]:
    """Return the model that a topic carries; `topic` may have a prefix. KeyError when it is none of our inputs."""
    for name, model in topics.INPUTS.items():
        if topic == name or topic.endswith(name):
            return model
    raise KeyError(f"{topic} is no input topic: expected one of {', '.join(topics.INPUTS)}")


@cache
def _validate_of(topic: str) -> Callable[[bytes], Event]:
    validate: Callable[[bytes], Event] = model_of(topic).__pydantic_validator__.validate_json
    return validate


@cache
def _beside(topic: str) -> type[Event] | None:
    """Return the model of what the topic carries beside its own events."""
    return next((model for name, model in topics.BESIDE.items() if topic.endswith(name)), None)


def kind_of(value: bytes) -> str | None:
    """Return what an event calls itself, by the parser that decodes it; None for what is no JSON object with a text as `type`.

    >>> kind_of(b'{"type": "call", "score": NaN}'), kind_of(b'["call"]'), kind_of(b'{"type"')
    ('call', None, None)
    """
    try:
        fields = from_json(value)
    except ValueError:
        return None
    kind = fields.get("type") if isinstance(fields, dict) else None
    return kind if isinstance(kind, str) else None


def decode(record: Record, reading: Reading = AS_USUAL) -> Decoded:
    """Decode one record.

    >>> decode(Record("contact.calls", 0, 7, 1_000, None, b'{"type": "call"')).reject.code
    'not_json'

    An event, or its revision, later than the record's ingestion time plus the tolerance is rejected before it can move a clock or
    win over later versions; an ingestion time below 0 (a file without `--as-of`) switches that check off, unless records must be `stamped`.
    """
    value = record.value
    if record.timestamp < 0 and reading.stamped:
        return _reject(record, "no_timestamp", "Kafka does not tell when the record was written")
    if value is None or not value:
        removal = removal_of(record) if value is None else None
        return removal or _reject(record, "empty", "the record has no value")
    if len(value) > MAX_RECORD_BYTES:
        return _reject(record, "too_large", f"{len(value)} bytes; at most {MAX_RECORD_BYTES} are read")
    try:
        event = _validate_of(record.topic)(value)
    except ValidationError as error:
        other = _beside(record.topic)
        if other is None or not any(each["loc"] == ("type",) for each in _errors(error)):
            return _reject(record, *reason_of(error))
        try:  # rare, so that the events which come in millions pay nothing for it
            event = other.__pydantic_validator__.validate_json(value)
        except ValidationError as again:
            unknown = any(each["loc"] == ("type",) for each in _errors(again))
            return _reject(record, *reason_of(error if unknown else again))
    at = ms_of(event.occurred_at)
    if not EARLIEST_MS <= at < LATEST_MS:
        return _reject(record, "invalid_field", "occurred_at: it must lie between the years 1970 and 9000")
    if 0 <= record.timestamp < at - reading.tolerance_ms:
        return _ahead(record, "occurred_at", at)
    if event.revised_at is not None and record.timestamp >= 0:
        revised = ms_of(event.revised_at)
        if record.timestamp < revised - reading.tolerance_ms:
            return _ahead(record, "revised_at", revised)
    extra = event.__pydantic_extra__
    if extra and len(extra) > MAX_UNKNOWN_FIELDS:
        return _reject(
            record, "invalid_field", f"{len(extra)} unknown fields; at most {MAX_UNKNOWN_FIELDS} are read"
        )
    anonymous = names_nobody(event.customer_id, reading.nobody)
    names = tuple(extra) if extra else ()
    return Decoded(record, at, event, None, names, anonymous, arrival_of(record.timestamp, record.offset))


def encode_dead_letter(decoded: Decoded) -> bytes:
    """Return the dead letter of a reject, as JSON. The same record always gives the same bytes.

    One that was sent once more gives the letter of its original, with one try more: a letter of the first try does not name it, as in
    releases of before.
    """
    record, reject, origin = decoded.record, decoded.reject, decoded.origin
    if reject is None:
        raise ValueError("only a reject has a dead letter")
    value = record.value or b""
    letter = DeadLetter.model_validate(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset if origin is None else origin.offset,
            "reason_code": reject.code,
            "message": reject.message[:MAX_MESSAGE],
            "ingested_at": to_datetime(
                min(max(record.timestamp if origin is None else origin.ingested_at, 0), LATEST_MS)
            ),
            "key_base64": None if record.key is None else b64encode(record.key[:MAX_KEY_BYTES]).decode(),
            "payload_base64": b64encode(value[:MAX_PAYLOAD_BYTES]).decode(),
            "payload_size": len(value),
            "payload_sha256": sha256(value).hexdigest(),
            "tries": 1 if origin is None else origin.tries,
        }
    )
    return letter.model_dump_json(exclude=_FIRST_TRY if origin is None else None).encode()


def ahead_of_broker(decoded: Decoded) -> Decoded:
    """Return the reject of an event whose time, or whose record's, lies too far ahead of the brokers' time.

    The message does not say how far, so that the same record always has the same dead letter.
    """
    what = "the record's timestamp" if decoded.at <= decoded.record.timestamp else "occurred_at"
    reject = _reject(decoded.record, "ahead_of_broker", f"{what} is ahead of the brokers' time")
    return reject._replace(origin=decoded.origin)


def _ahead(record: Record, field: str, at: int) -> Decoded:
    ahead = (at - record.timestamp) // 1000
    return _reject(record, "future_dated", f"{field} is {ahead} s after the record was written")


_FIRST_TRY: Final = {"tries"}


def _reject(record: Record, code: RejectCode, message: str) -> Decoded:
    return Decoded(record, REJECTED_AT, None, Reject(code, message), (), False)


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def reason_of(error: ValidationError) -> tuple[RejectCode, str]:
    """Return why a message is refused: a code, and words that quote nothing of it."""
    errors = _errors(error)
    for wanted, code in _CODE_OF_FIELD.items():
        for each in errors:
            if each["loc"] and each["loc"][0] == wanted:
                return code, f"{wanted}: {in_words(each['msg'])}"
    first = errors[0]
    if first["type"] == "json_invalid":
        return "not_json", first["msg"]
    where = ".".join(str(part) for part in first["loc"]) or "record"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return "invalid_field", f"{where}: {in_words(first['msg'])}{more}"


_CODE_OF_FIELD: Final[dict[str, RejectCode]] = {
    "type": "unknown_type",
    "schema_version": "unknown_version",
    "customer_id": "invalid_customer_id",
}
