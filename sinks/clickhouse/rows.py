"""A message becomes a row. Pure functions of the message and its Kafka coordinates; no clock, no I/O.

Times are integers of milliseconds since the epoch, UTC, as the DateTime64(3) columns take them without loss.
Telephone numbers never become part of a row.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from schemas import topics
from schemas.base import Event
from schemas.call import CallEvent
from schemas.cancellation import CancellationEvent
from schemas.dead_letter import DeadLetter
from schemas.outcome import OutcomeEvent
from schemas.profile import ProfileEvent
from schemas.signals import CustomerSignals
from schemas.survey import SurveyEvent
from schemas.trigger import CallbackTrigger, Driver
from sinks.clickhouse import tables
from sinks.contract import Coordinates, ForeignRecordError, Row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_LAST_MS: Final = 4_102_444_800_000
"""1 January 2100: partitions by month end there, and nothing later is an event."""
_OFFSET_BITS: Final = 20


def row_of_event(event: Event, record: Coordinates, at: int | None = None) -> Row:
    """The row of an input event; one without a customer goes to the unattributable events.

    `at`: its time in ms, where that is known already. Raises TypeError for a kind of event that has no table: add one, with a migration.
    """
    at = _ms(event.occurred_at) if at is None else min(at, _LAST_MS)
    if event.anonymous:
        return _unattributable(event, at, record)
    head = (event.customer_id, event.event_id, at)
    match event:
        case CallEvent():
            return Row(tables.CALLS, (*head, *_call(event), *_source(record)))
        case SurveyEvent():
            return Row(tables.SURVEYS, (*head, *_survey(event), *_source(record)))
        case CancellationEvent():
            leaves = _ms_or_none(event.effective_at)
            return Row(tables.CANCELLATIONS, (*head, event.stage, event.reason, leaves, *_source(record)))
        case OutcomeEvent():
            return Row(tables.OUTCOMES, (*head, *_outcome(event), *_source(record)))
        case ProfileEvent():
            # The latest by event time counts, whenever it arrives.
            return Row(tables.CUSTOMERS, (*head, *_profile(event), *_source(record, version_at=at)))
        case _:
            raise TypeError(f"no table for events of {type(event).__name__}")


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
        fields = ", ".join(sorted(named & set(model.model_fields))[:5]) or "none that it should have"
        raise ForeignRecordError(
            f"{record.topic}[{record.partition}]@{record.offset} is no {model.__name__} (fields: {fields}). When a newer "
            "signals worker runs, upgrade the sink worker; else find the program that writes to this topic, take away its "
            "right to do so, and move the sink's group past the record."
        ) from None
    match message:
        case CallbackTrigger():
            mode = "live" if record.topic == topics.TRIGGERS else "shadow"
            return Row(tables.TRIGGERS, (mode, *_trigger(message), *_source(record)))
        case CustomerSignals():
            return Row(tables.SIGNALS, (*_signals(message), *_source(record)))
        case DeadLetter():
            return Row(tables.DEAD_LETTERS, (*_dead_letter(message), *_source(record)))
        case _:
            raise TypeError(f"no table for {type(message).__name__}")


def version_of(at: int, offset: int) -> int:
    """Which of two rows with one identity counts: the later time (ms), then the higher offset."""
    return (max(0, min(at, _LAST_MS)) << _OFFSET_BITS) | (offset & ((1 << _OFFSET_BITS) - 1))


def _unattributable(event: Event, at: int, record: Coordinates) -> Row:
    kind = str(getattr(event, "type", ""))
    channel = event.channel if isinstance(event, CallEvent) else ""
    reason = event.reason if isinstance(event, CallEvent | CancellationEvent) else ""
    return Row(tables.UNATTRIBUTABLE, (kind, event.event_id, at, channel, reason, *_source(record)))


def _call(call: CallEvent) -> tuple[object, ...]:
    resolved = None if call.resolved == "unknown" else call.resolved
    return (
        *(call.direction, call.channel, call.queue, call.reason, call.department),
        *(call.wait_seconds, call.talk_seconds, call.ivr_steps, call.transfers),
        *(call.abandoned, _answer(resolved), call.cancel_intent, call.tried_online_first),
    )


def _survey(survey: SurveyEvent) -> tuple[object, ...]:
    return (
        *(survey.contact_id or "", survey.csat, survey.nps, survey.ces, _answer(survey.answered)),
        *(survey.callback_requested, survey.comment or ""),
    )


def _outcome(outcome: OutcomeEvent) -> tuple[object, ...]:
    return (
        *(outcome.trigger_id, outcome.attempt, outcome.disposition, outcome.raw_disposition),
        *(outcome.result, outcome.agent_minutes),
    )


def _profile(profile: ProfileEvent) -> tuple[object, ...]:
    return (
        *(profile.phone_e164 is not None, profile.country_code or "", profile.time_zone or ""),
        *(profile.language or "", _answer(profile.do_not_call), profile.tenure_months, profile.monthly_value),
    )


def _trigger(trigger: CallbackTrigger) -> tuple[object, ...]:
    return (
        *(trigger.trigger_id, trigger.sequence, trigger.customer_id, trigger.status, trigger.status_reason),
        *(trigger.purpose, trigger.reason_code, trigger.skill, trigger.priority, trigger.score),
        *(_ms(trigger.created_at), _ms(trigger.updated_at), _ms(trigger.not_before), _ms(trigger.due_at)),
        *(_ms(trigger.expires_at), trigger.offer_allowed, trigger.max_attempts, trigger.retry_delay_seconds),
        *(trigger.phone_e164 is not None, trigger.country_code or "", trigger.time_zone or ""),
        *(trigger.language or "", *_drivers(trigger.drivers), trigger.consent.basis),
        *(_answer(trigger.consent.do_not_call), _ms_or_none(trigger.consent.as_of), trigger.policy),
    )


def _signals(picture: CustomerSignals) -> tuple[object, ...]:
    return (
        *(picture.customer_id, picture.sequence, _ms(picture.as_of), picture.score, picture.band),
        *(picture.previous_band, dict(picture.signals), *_drivers(picture.drivers), picture.policy),
    )


def _dead_letter(letter: DeadLetter) -> tuple[object, ...]:
    return (
        *(letter.topic, letter.partition, letter.offset, _ms(letter.ingested_at), letter.reason_code),
        *(letter.message, letter.payload_size, letter.payload_sha256),
    )


def _drivers(drivers: tuple[Driver, ...]) -> tuple[list[str], list[float], list[float], list[str]]:
    return (
        [driver.signal for driver in drivers],
        [driver.value for driver in drivers],
        [driver.contribution for driver in drivers],
        [driver.evidence for driver in drivers],
    )


def _source(record: Coordinates, version_at: int | None = None) -> tuple[object, ...]:
    at = max(0, min(record.timestamp, _LAST_MS))
    version = version_of(at if version_at is None else version_at, record.offset)
    return (record.topic, record.partition, record.offset, at, version)


def _answer(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _ms(at: datetime) -> int:
    """Milliseconds since the epoch, kept within what the tables hold (1970 to 2100)."""
    return max(0, min((at - _EPOCH) // _MS, _LAST_MS))


def _ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else _ms(at)
