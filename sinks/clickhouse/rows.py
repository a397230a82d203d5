"""A message becomes a row. Pure functions of the message and its Kafka coordinates; no clock, no I/O.

Times are integers of milliseconds since the epoch, UTC, as the DateTime64(3) columns take them without loss.
Telephone numbers never become part of a row.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final

from pydantic import ValidationError

from schemas import topics
from schemas.base import Event, names_nobody
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.dead_letter import DeadLetter
from schemas.instants import ms_of
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.signals import CustomerSignals
from schemas.survey import SurveyEvent
from schemas.trigger import CallbackTrigger, Driver
from sinks.clickhouse import tables
from sinks.contract import Coordinates, ForeignRecordError, Row, Values

_Fields = dict[str, Any]
"""Of a model that was validated."""


def _columns(table: str, first: str, last: str) -> Callable[[_Fields], tuple[Any, ...]]:
    """Takes the columns of a table from the first to the last one of these out of a model's fields."""
    names = tables.COLUMNS[table]
    return itemgetter(*names[names.index(first) : names.index(last) + 1])


_LAST_MS: Final = 4_102_444_800_000
"""1 January 2100: partitions by month end there, and nothing later is an event."""
_OFFSET_BITS: Final = 20

_CALL: Final = _columns(tables.CALLS, "direction", "abandoned")
_OUTCOME: Final = _columns(tables.OUTCOMES, "trigger_id", "agent_minutes")
_ORDER: Final = _columns(tables.TRIGGERS, "trigger_id", "score")
_TIMES: Final = _columns(tables.TRIGGERS, "created_at", "expires_at")
_TRIES: Final = _columns(tables.TRIGGERS, "offer_allowed", "retry_delay_seconds")
_PICTURE: Final = _columns(tables.SIGNALS, "score", "signals")
"""Columns that hold a field of that name, as it is."""


def row_of_event(
    event: Event, record: Coordinates, at: int | None = None, anonymous: bool | None = None
) -> Row:
    """The row of an input event; one without a customer goes to the unattributable events.

    `at`: its time in ms, `anonymous`: whether it names nobody; where they are known already. Raises TypeError for a kind of
    event that has no table: add one, with a migration.
    """
    fields = event.__dict__
    at = _within(ms_of(fields["occurred_at"]) if at is None else at)
    if names_nobody(fields["customer_id"]) if anonymous is None else anonymous:
        return _row(tables.UNATTRIBUTABLE, _unattributable(fields, at) + _source(record, record.timestamp))
    table, values = _of_events(type(event))
    # Of profiles the latest by event time counts, whenever it arrives.
    version_at = at if table == tables.CUSTOMERS else record.timestamp
    head: Values = (fields["customer_id"], fields["event_id"], at)
    return _row(table, head + values(fields) + _source(record, version_at))


def row_of_output(value: bytes | None, record: Coordinates) -> Row | None:
    """The row of a record of an output topic; None for a tombstone, which has none.

    Raises ForeignRecordError when the bytes are not what the topic carries: another program writes there, or a newer
    version of this one.
    """
    if value is None:
        return None
    model = topics.OUTPUTS.get(record.topic)
    if model is None:
        raise ValueError(f"{record.topic} is no output topic; known are {sorted(topics.OUTPUTS)}")
    try:
        message = model.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        named = {str(each["loc"][0]) if each["loc"] else "" for each in error.errors(include_input=False)}
        names = ", ".join(sorted(named & set(model.model_fields))[:5]) or "none that it should have"
        raise ForeignRecordError(
            f"{record.topic}[{record.partition}]@{record.offset} is no {model.__name__} (fields: {names}). When a newer "
            "signals worker runs, upgrade the sink worker; else find the program that writes to this topic, take away its "
            "right to do so, and move the sink's group past the record."
        ) from None
    fields, source = message.__dict__, _source(record, record.timestamp)
    if model is CustomerSignals:
        return _row(tables.SIGNALS, _signals(fields) + source)
    if model is CallbackTrigger:
        mode: Values = ("live" if record.topic == topics.TRIGGERS else "shadow",)
        return _row(tables.TRIGGERS, mode + _trigger(fields) + source)
    if model is DeadLetter:
        return _row(tables.DEAD_LETTERS, _dead_letter(fields) + source)
    raise TypeError(f"no table for {model.__name__}")


def version_of(at: int, offset: int) -> int:
    """Which of two rows with one identity counts: the later time (ms), then the higher offset."""
    return (_within(at) << _OFFSET_BITS) | (offset & ((1 << _OFFSET_BITS) - 1))


def _row(table: str, values: Values) -> Row:
    return tuple.__new__(Row, (table, values))  # a named tuple's own `__new__` takes twice as long


def _unattributable(event: _Fields, at: int) -> Values:
    kind, channel, reason = event.get("type", ""), event.get("channel", ""), event.get("reason", "")
    return (str(kind), event["event_id"], at, channel, reason)


def _call(call: _Fields) -> Values:
    answers: Values = (_answer(call["resolved"]), call["cancel_intent"], call["tried_online_first"])
    return _CALL(call) + answers


def _survey(survey: _Fields) -> Values:
    return (
        *(survey["contact_id"] or "", survey["csat"], survey["nps"], survey["ces"]),
        *(_answer(survey["answered"]), survey["callback_requested"], survey["comment"] or ""),
    )


def _cancellation(cancellation: _Fields) -> Values:
    return (cancellation["stage"], cancellation["reason"], _ms_or_none(cancellation["effective_at"]))


def _profile(profile: _Fields) -> Values:
    return (
        *(profile["phone_e164"] is not None, profile["country_code"] or "", profile["time_zone"] or ""),
        *(profile["language"] or "", _answer(profile["do_not_call"])),
        *(profile["tenure_months"], profile["monthly_value"]),
    )


def _trigger(trigger: _Fields) -> Values:
    consent = trigger["consent"].__dict__
    times: Values = tuple([_ms(at) for at in _TIMES(trigger)])
    place: Values = (
        *(trigger["phone_e164"] is not None, trigger["country_code"] or "", trigger["time_zone"] or ""),
        trigger["language"] or "",
    )
    allowed: Values = (
        *(consent["basis"], _answer(consent["do_not_call"]), _ms_or_none(consent["as_of"])),
        trigger["policy"],
    )
    return _ORDER(trigger) + times + _TRIES(trigger) + place + _drivers(trigger["drivers"]) + allowed


def _signals(picture: _Fields) -> Values:
    head: Values = (picture["customer_id"], picture["sequence"], _ms(picture["as_of"]))
    tail: Values = (picture["policy"],)
    return head + _PICTURE(picture) + _drivers(picture["drivers"]) + tail


def _dead_letter(letter: _Fields) -> Values:
    return (
        *(letter["topic"], letter["partition"], letter["offset"], _ms(letter["ingested_at"])),
        *(letter["reason_code"], letter["message"], letter["payload_size"], letter["payload_sha256"]),
    )


def _drivers(drivers: tuple[Driver, ...]) -> Values:
    fields = [driver.__dict__ for driver in drivers]
    return (
        [each["signal"] for each in fields],
        [each["value"] for each in fields],
        [each["contribution"] for each in fields],
        [each["evidence"] for each in fields],
    )


def _source(record: Coordinates, version_at: int) -> Values:
    offset = record.offset
    at, version = _within(record.timestamp), version_of(version_at, offset)
    return (record.topic, record.partition, offset, at, version)


def _answer(value: bool | str | None) -> str:
    return "yes" if value is True else "no" if value is False else "unknown"


def _within(ms: int) -> int:
    """What the tables hold: 1970 to 2100."""
    return 0 if ms < 0 else min(ms, _LAST_MS)


def _ms(at: datetime) -> int:
    return _within(ms_of(at))


def _ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else _ms(at)


_EVENTS: Final[dict[type[Event], tuple[str, Callable[[_Fields], Values]]]] = {
    CallEvent: (tables.CALLS, _call),
    SurveyEvent: (tables.SURVEYS, _survey),
    CancellationEvent: (tables.CANCELLATIONS, _cancellation),
    OutcomeEvent: (tables.OUTCOMES, _OUTCOME),
    ProfileEvent: (tables.CUSTOMERS, _profile),
}


@cache
def _of_events(kind: type[Event]) -> tuple[str, Callable[[_Fields], Values]]:
    """The table for a kind of event, or for what it is a kind of, and what makes its values between head and source."""
    # Not by isinstance, which pydantic answers in Python, unless the first guess is right.
    for each in kind.__mro__:
        if each in _EVENTS:
            return _EVENTS[each]
    raise TypeError(f"no table for events of {kind.__name__}")
