"""From a record's bytes to what a desk reads, or to the reason why it is a dead letter. Pure; bad bytes never raise.

Owns which message is which input. A reason quotes nothing of the payload, since it may hold personal data.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from schemas import candidate as c
from schemas import command as d
from schemas.base import Tolerant
from schemas.dead_letter import RejectCode
from schemas.instants import ms_of
from schemas.trigger import OF_RELEASE, CallbackTrigger
from streams.core.decode import MAX_UNKNOWN_FIELDS, reason_of
from streams.core.records import Reject
from streams.core.release import inputs as i
from streams.core.state import NEVER

WRITTEN_BY_DESK: Final = (
    "trigger_id",
    "sequence",
    "status",
    "status_reason",
    "updated_at",
    "callable",
    *OF_RELEASE,
)
"""The fields of a trigger's record that a desk fills itself."""
_KEPT: Final = tuple(name for name in CallbackTrigger.model_fields if name not in WRITTEN_BY_DESK)
MOST_CANDIDATE_BYTES: Final = 8_192
"""What a batch of a desk makes of its records must fit into one batch of Kafka's; a trigger as signals workers write it stays far below."""
_CANDIDATES: Final = {str(model.model_fields["type"].default): model for model in c.CANDIDATES}
_COMMANDS: Final = {str(model.model_fields["type"].default): model for model in d.COMMANDS}


class Read(NamedTuple):
    """A record after decoding: a body, or a reject."""

    body: i.Body | None
    reject: Reject | None = None
    unknown_fields: tuple[str, ...] = ()
    """Names of fields that the message's model does not know; those of a decided trigger as `trigger.NAME`."""


def candidate(value: bytes | None, partition: int, desk_of: Mapping[str, int]) -> Read:
    """Decode a record of `callback.candidates`. `partition`: the desk's own; `desk_of`: by skill the partition of its desk."""
    return _decode(_CANDIDATES, value, partition, desk_of)


def command(value: bytes | None, partition: int, desk_of: Mapping[str, int]) -> Read:
    """Decode a record of `callback.commands`, as `candidate` does.

    >>> command(b'{"type": "tick", "now": "1970-01-01T00:00:05Z"}', 0, {}).body
    Tick(now=5000)
    >>> command(b'{"type": "call"}', 0, {}).reject.code
    'unknown_type'
    """
    return _decode(_COMMANDS, value, partition, desk_of)


def _decode(
    kinds: Mapping[str, type[Tolerant]], value: bytes | None, partition: int, desk_of: Mapping[str, int]
) -> Read:
    if not value:
        return _reject("empty", "the record has no value")
    if len(value) > MOST_CANDIDATE_BYTES:
        return _reject("too_large", f"{len(value)} bytes; at most {MOST_CANDIDATE_BYTES} are read")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _reject("not_json", "it is no JSON")
    kind = fields.get("type") if isinstance(fields, dict) else None
    model = kinds.get(kind) if isinstance(kind, str) else None
    if model is None:
        return _reject("unknown_type", f"type: one of {', '.join(kinds)} is expected")
    try:
        message = model.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        return Read(None, Reject(*reason_of(error)))
    unknown = tuple(message.__pydantic_extra__ or ())
    if isinstance(message, c.DecidedCandidate):
        unknown += tuple(f"trigger.{name}" for name in message.trigger.__pydantic_extra__ or ())
    if len(unknown) > MAX_UNKNOWN_FIELDS:
        return _reject(
            "invalid_field", f"{len(unknown)} unknown fields; at most {MAX_UNKNOWN_FIELDS} are read"
        )
    body = _body(message, fields)
    desk = desk_of.get(_skill_of(body), partition)
    if desk != partition:
        return _reject("wrong_desk", f"its skill goes out at the desk of partition {desk}")
    return Read(body, None, unknown)


def _reject(code: RejectCode, message: str) -> Read:
    return Read(None, Reject(code, message))


def _skill_of(body: i.Body) -> str:
    return body.skill if isinstance(body, (i.Decided, i.Claim, i.Capacity, i.SetMode)) else ""


def _ms(at: datetime | None) -> int:
    return NEVER if at is None else ms_of(at)


def _body(message: Tolerant, fields: dict[str, Any]) -> i.Body:
    if isinstance(message, c.DecidedCandidate):
        return _decided(message, fields["trigger"])
    if isinstance(message, c.WithdrawnCandidate):
        return i.Withdrawn(message.trigger_id, message.decision_sequence, message.reason)
    if isinstance(message, c.OutcomeCandidate):
        placed, wanted = _ms(message.placed_at), _ms(message.wanted_at)
        about = message.trigger_id, message.attempt, message.disposition
        return i.Reported(*about, placed, wanted, message.customer_id or "")
    if isinstance(message, c.ContactCandidate):
        return i.Contact(message.trigger_id, message.contact_id, message.over, message.served)
    if isinstance(message, c.ErasedCandidate):
        return i.Erased(message.trigger_id or "", message.customer_id or "")
    if isinstance(message, c.ProgressCandidate):
        return i.Progress(message.partition, ms_of(message.read_to))
    return _command(message)


def _command(message: Tolerant) -> i.Command | i.Tick:
    if isinstance(message, d.ClaimCommand):
        return i.Claim(message.claimant, message.command_id, message.trigger_id or "", message.skill or "")
    if isinstance(message, d.RenewCommand):
        return i.Renew(message.claimant, message.command_id, message.trigger_id)
    if isinstance(message, d.ReleaseCommand):
        return i.GiveBack(message.claimant, message.command_id, message.trigger_id)
    if isinstance(message, d.DoneCommand):
        return i.Done(message.claimant, message.command_id, message.trigger_id, message.answer or "")
    if isinstance(message, d.CapacityCommand):
        until = ms_of(message.until)
        return i.Capacity(message.claimant, message.command_id, message.skill, message.free, until)
    if isinstance(message, d.LimitCommand):
        return i.SetMode(message.claimant, message.command_id, message.skill, "limited", message.a_day)
    if isinstance(message, d.StopCommand):
        return i.SetMode(message.claimant, message.command_id, message.skill, "shadow")
    if isinstance(message, d.StartCommand):
        return i.SetMode(message.claimant, message.command_id, message.skill, "live")
    assert isinstance(message, d.TickCommand)
    return i.Tick(_ms(message.now))


def _decided(message: c.DecidedCandidate, fields: dict[str, Any]) -> i.Decided:
    """`fields`: of the trigger as they were written, in which a desk passes them on."""
    trigger = message.trigger
    return i.Decided(
        trigger.trigger_id,
        trigger.sequence,
        trigger.customer_id,
        message.partition,
        trigger.skill,
        trigger.purpose,
        ms_of(trigger.due_at),
        ms_of(trigger.expires_at),
        [[ms_of(opens), ms_of(closes)] for opens, closes in trigger.callable or ()],
        float(trigger.score),
        float(message.worth),
        trigger.max_attempts,
        trigger.retry_delay_seconds * 1_000,
        {name: fields[name] for name in _KEPT if name in fields},
        _ms(message.rest_until),
        message.contact_id or "",
        message.adopted_sequence,
    )
